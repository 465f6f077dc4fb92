//! Vectors of words, one word for each stream, as modules with the same functions.

pub(super) mod narrow1;
#[cfg(target_arch = "x86_64")]
pub(super) mod narrow16;
#[cfg(target_arch = "x86_64")]
pub(super) mod narrow8;
#[cfg(target_arch = "x86_64")]
pub(super) mod narrow8_vl;
pub(super) mod wide1;
#[cfg(target_arch = "x86_64")]
pub(super) mod wide1_vl;
#[cfg(target_arch = "x86_64")]
pub(super) mod wide4;
#[cfg(target_arch = "x86_64")]
pub(super) mod wide4_vl;
#[cfg(target_arch = "x86_64")]
pub(super) mod wide8;
