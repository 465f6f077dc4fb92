//! `queens_contract01`: this release contracts nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("queens_contract01", "pike_contract01", Some("queens_expand01"));
