//! `ussuri_expand01`: this release expands nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("ussuri_expand01", "train_expand01", None);
