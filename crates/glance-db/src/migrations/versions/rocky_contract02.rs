//! `rocky_contract02`: this release contracts nothing.

use crate::migrations::revision::Revision;

pub(crate) const REVISION: Revision = Revision::empty("rocky_contract02", "rocky_contract01", Some("rocky_expand02"));
