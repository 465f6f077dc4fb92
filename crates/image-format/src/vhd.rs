//! Microsoft Virtual PC disks ("vpc" in QEMU).
//! Source: "Virtual Hard Disk Image Format Specification", Microsoft, 2006, "Hard Disk Footer Format".
//!
//! Every VHD ends with a footer of 512 bytes; dynamic and differencing disks start with a copy of it.

use crate::fields::{be_u32, be_u64};
use crate::{Check, Detected, Format};

/// The first field of a footer and of its copy.
pub(crate) const COOKIE: &[u8] = b"conectix";
const FOOTER_LENGTH: usize = 512;
const CURRENT_SIZE: usize = 48;
const DISK_TYPE: usize = 60;
const CHECKSUM: std::ops::Range<usize> = 64..68;
const FIXED_DISK: u32 = 2;
/// Holds what differs from a parent disk, which it names.
const DIFFERENCING_DISK: u32 = 4;

/// Detects a VHD of `bytes` bytes that starts with a copy of its footer.
pub(crate) fn detect(head: &[u8], bytes: u64) -> Option<Detected> {
    let footer = head.get(..FOOTER_LENGTH).filter(|footer| footer.starts_with(COOKIE))?;
    let mut detected = Detected::new(Format::Vhd).with_virtual_size(be_u64(footer, CURRENT_SIZE));
    if be_u32(footer, DISK_TYPE) == Some(DIFFERENCING_DISK) {
        detected.report(Check::BackingFile, "the image is a differencing disk");
    }
    Some(detected.with_first_sector_in(bytes))
}

/// The size of the disk if a stream of `bytes` bytes that ends with `tail` is a fixed VHD: nothing but the
/// disk and a valid footer.
pub(crate) fn fixed_size(tail: &[u8], bytes: u64) -> Option<u64> {
    let footer = tail.last_chunk::<FOOTER_LENGTH>()?;
    let size = be_u64(footer, CURRENT_SIZE)?;
    let valid = footer.starts_with(COOKIE)
        && be_u32(footer, DISK_TYPE)? == FIXED_DISK
        && be_u32(footer, CHECKSUM.start)? == checksum(footer)
        && size.checked_add(FOOTER_LENGTH as u64) == Some(bytes);
    valid.then_some(size)
}

/// The complement of the sum of all bytes, without those of the checksum itself.
fn checksum(footer: &[u8; FOOTER_LENGTH]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().copied().map(u32::from).sum::<u32>();
    !(sum(footer) - sum(&footer[CHECKSUM]))
}
