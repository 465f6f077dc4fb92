//! `zed_contract01`: this release contracts nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("zed_contract01", "yoga_contract01", Some("zed_expand01"));
