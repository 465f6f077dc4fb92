//! QEMU copy-on-write images. Source: QEMU `docs/interop/qcow2.rst`, section "Header".

use crate::fields::{be_u32, be_u64};
use crate::{Check, Detected, Format};

const MAGIC: &[u8] = b"QFI\xfb";
const HEADER_LENGTH: usize = 512;
/// QEMU refuses longer names.
const BACKING_FILE_NAME_LIMIT: usize = 1023;

/// Incompatible feature bit 2: the guest's data is in another file (CVE-2024-32498).
const DATA_FILE: u64 = 1 << 2;
/// Bits 0 to 3: dirty, corrupt, external data file, compression type. Extended L2 entries (bit 4) and
/// whatever comes later count as unknown in every OpenStack service.
const KNOWN_FEATURES: u64 = 0b1111;

/// Detects qcow2 (and its predecessor qcow, version 1) in the first bytes of a stream of `bytes` bytes.
pub(crate) fn detect(head: &[u8], bytes: u64) -> Option<Detected> {
    let header = head.get(..HEADER_LENGTH).filter(|header| header.starts_with(MAGIC))?;
    let version = be_u32(header, 4)?;
    let backing_file_offset = be_u64(header, 8)?;
    let features = be_u64(header, 72)?;

    let mut detected = Detected::new(Format::Qcow2).with_virtual_size(be_u64(header, 24));
    if backing_file_offset != 0 {
        detected.report(Check::BackingFile, "the image has a backing file");
        detected.backing_file = backing_file_name(head, backing_file_offset, be_u32(header, 16)?);
    }
    check_features(&mut detected, version, features);
    Some(detected.with_first_sector_in(bytes))
}

fn check_features(detected: &mut Detected, version: u32, features: u64) {
    match version {
        // The header of version 2 ends before the feature bits.
        2 => {}
        3 => {
            if features & DATA_FILE != 0 {
                detected.report(Check::DataFile, "the image keeps its data in another file");
            }
            if features & !KNOWN_FEATURES != 0 {
                detected.report(Check::UnknownFeatures, "the image needs unknown features");
            }
        }
        other => detected.report(Check::UnknownFeatures, format!("qcow2 version {other} is not supported")),
    }
}

fn backing_file_name(head: &[u8], offset: u64, length: u32) -> Option<String> {
    let start = usize::try_from(offset).ok()?;
    let length = usize::try_from(length).ok().filter(|length| (1..=BACKING_FILE_NAME_LIMIT).contains(length))?;
    let name = head.get(start..start.checked_add(length)?)?;
    Some(String::from_utf8_lossy(name).into_owned())
}
