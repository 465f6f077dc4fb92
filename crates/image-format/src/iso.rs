//! Optical media. Sources: ECMA-119 (ISO 9660) 8.4 "Primary Volume Descriptor" and ECMA-167 (UDF)
//! part 2 "Volume recognition"; both start at sector 16, behind a system area of 32 KiB.

use crate::fields::{le_u16, le_u32};
use crate::{Detected, Format};

const SYSTEM_AREA: usize = 32 * 1024;
const DESCRIPTOR_LENGTH: usize = 2048;
const PRIMARY_VOLUME: u8 = 1;

/// How much of a stream must have been seen to decide.
pub(crate) const HEADER_END: usize = SYSTEM_AREA + DESCRIPTOR_LENGTH;

/// Detects ISO 9660 and UDF in the first bytes of a stream.
pub(crate) fn detect(head: &[u8]) -> Option<Detected> {
    let descriptor = head.get(SYSTEM_AREA..HEADER_END)?;
    matches!(&descriptor[1..6], b"CD001" | b"NSR02" | b"NSR03")
        .then(|| Detected::new(Format::Iso).with_virtual_size(volume_size(descriptor)))
}

/// Blocks times block size, which only a primary volume descriptor tells.
fn volume_size(descriptor: &[u8]) -> Option<u64> {
    let primary = *descriptor.first()? == PRIMARY_VOLUME;
    let blocks = u64::from(le_u32(descriptor, 80)?);
    let block_size = u64::from(le_u16(descriptor, 128)?);
    primary.then_some(blocks * block_size)
}
