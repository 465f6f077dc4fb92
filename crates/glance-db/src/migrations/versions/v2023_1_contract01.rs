//! `2023_1_contract01`: this release contracts nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("2023_1_contract01", "zed_contract01", Some("2023_1_expand01"));
