//! `xena_contract01`: this release contracts nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("xena_contract01", "wallaby_contract01", Some("xena_expand01"));
