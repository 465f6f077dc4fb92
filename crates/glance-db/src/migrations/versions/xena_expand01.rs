//! `xena_expand01`: this release expands nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("xena_expand01", "wallaby_expand01", None);
