//! VirtualBox disk images. Source: QEMU `block/vdi.c` and VirtualBox `VDICore.h`, header version 1.1.

use crate::fields::{le_u32, le_u64};
use crate::{Detected, Format};

const HEADER_LENGTH: usize = 512;
const SIGNATURE: u32 = 0xBEDA_107F;

/// Detects VDI in the first bytes of a stream of `bytes` bytes.
pub(crate) fn detect(head: &[u8], bytes: u64) -> Option<Detected> {
    let header = head.get(..HEADER_LENGTH)?;
    let detected = Detected::new(Format::Vdi).with_virtual_size(le_u64(header, 0x170));
    (le_u32(header, 0x40)? == SIGNATURE).then(|| detected.with_first_sector_in(bytes))
}
