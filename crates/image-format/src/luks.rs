//! LUKS encrypted volumes: recognized, but never decrypted.
//! Sources: "LUKS1 On-Disk Format Specification" 1.2.3, figure 1, and "LUKS2 On-Disk Format Specification" 2.1.

use crate::fields::{be_u16, be_u32};
use crate::{Check, Detected, Format};

/// Both versions start with it.
pub(crate) const MAGIC: &[u8] = b"LUKS\xba\xbe";
/// The header proper and its eight key slots.
const HEADER_LENGTH: usize = 592;
const SECTOR: u64 = 512;

/// Detects LUKS in the first bytes of a stream of `bytes` bytes.
pub(crate) fn detect(head: &[u8], bytes: u64) -> Option<Detected> {
    if !head.starts_with(MAGIC) {
        return None;
    }
    let detected = Detected::new(Format::Luks);
    let Some(header) = head.get(..HEADER_LENGTH) else {
        return Some(detected.unreadable("the header is truncated"));
    };
    let payload = u64::from(be_u32(header, 104)?) * SECTOR;
    let mut detected = detected.with_virtual_size(bytes.checked_sub(payload));
    let version = be_u16(header, 6)?;
    if version != 1 {
        detected.report(Check::Version, format!("LUKS version {version} is not supported"));
    }
    Some(detected)
}
