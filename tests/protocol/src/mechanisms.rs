//! The mechanisms of the protocol, which can be taken out one by one to show what each of them is for.

/// Which mechanisms are at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mechanisms {
    /// Whoever ends the work of a record claims it first, and acts on what the claim has read.
    pub claim: bool,
    /// `complete_upload` requires the fence.
    pub fence: bool,
    /// Each attempt has a name of its own.
    pub own_names: bool,
    /// The record of an abandoned upload stays while a silent node may act on it.
    pub lingering: bool,
    /// It stays whenever a silent node began the upload: that node may have acted, and have gone, since the store was told.
    pub always_twice: bool,
    /// The transaction of a claim refuses such a record, not the sweep's reading of the list alone.
    pub claim_waits: bool,
    /// The first silent node counts, which began the upload, not the last one.
    pub first_origin: bool,
    /// Outcomes that are not known are tried again.
    pub unknown_is_not_done: bool,
    /// `complete_upload` is refused while the image is being deleted, and `complete_delete` finds all live locations.
    pub delete_sees_all: bool,
    /// A record is held as long as an operation goes on that was given up.
    pub hold: bool,
    /// Only the request that began a deletion may cancel it.
    pub heirs_do_not_cancel: bool,
}

impl Mechanisms {
    /// The protocol as it is.
    pub const ALL: Self = Self {
        claim: true,
        fence: true,
        own_names: true,
        lingering: true,
        always_twice: true,
        claim_waits: true,
        first_origin: true,
        unknown_is_not_done: true,
        delete_sees_all: true,
        hold: true,
        heirs_do_not_cancel: true,
    };
}
