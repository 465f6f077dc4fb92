//! `yoga_expand01`: this release expands nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("yoga_expand01", "xena_expand01", None);
