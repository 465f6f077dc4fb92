//! `wallaby_contract01`: this release contracts nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision =
    Revision::empty("wallaby_contract01", "ussuri_contract01", Some("wallaby_expand01"));
