//! `zed_expand01`: this release expands nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("zed_expand01", "yoga_expand01", None);
