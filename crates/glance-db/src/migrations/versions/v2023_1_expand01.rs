//! `2023_1_expand01`: this release expands nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("2023_1_expand01", "zed_expand01", None);
