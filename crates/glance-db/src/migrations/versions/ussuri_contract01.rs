//! `ussuri_contract01`: this release contracts nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("ussuri_contract01", "train_contract01", Some("ussuri_expand01"));
