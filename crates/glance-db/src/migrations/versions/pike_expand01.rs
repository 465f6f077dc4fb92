//! `pike_expand01`: this release expands nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("pike_expand01", "ocata_expand01", None);
