//! `queens_expand01`: this release expands nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("queens_expand01", "pike_expand01", None);
