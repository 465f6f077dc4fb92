//! QEMU enhanced disks, which nobody supports any more: recognized and always refused.
//! Source: QEMU `docs/interop/qed_spec.rst`, "Header".

use crate::fields::le_u64;
use crate::{Check, Detected, Format};

const MAGIC: &[u8] = b"QED\0";
const HEADER_LENGTH: usize = 512;

/// Detects QED in the first bytes of a stream.
pub(crate) fn detect(head: &[u8]) -> Option<Detected> {
    let header = head.get(..HEADER_LENGTH).filter(|header| header.starts_with(MAGIC))?;
    let mut detected = Detected::new(Format::Qed).with_virtual_size(le_u64(header, 48));
    detected.report(Check::Banned, "images of this format are not allowed");
    Some(detected)
}
