//! `rocky_contract01`: this release contracts nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("rocky_contract01", "queens_contract01", Some("rocky_expand01"));
