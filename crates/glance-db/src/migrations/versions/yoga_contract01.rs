//! `yoga_contract01`: this release contracts nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("yoga_contract01", "xena_contract01", Some("yoga_expand01"));
