//! VirtualBox disk images. Source: QEMU `block/vdi.c` and VirtualBox `VDICore.h`, header version 1.1.

use crate::fields::{le_u32, le_u64};
use crate::{Detected, Format};

const HEADER_LENGTH: usize = 512;
const SIGNATURE: u32 = 0xBEDA_107F;

/// Detects VDI in the first bytes of a stream.
pub(crate) fn detect(head: &[u8]) -> Option<Detected> {
    let header = head.get(..HEADER_LENGTH)?;
    (le_u32(header, 0x40)? == SIGNATURE).then(|| Detected::new(Format::Vdi).with_virtual_size(le_u64(header, 0x170)))
}
