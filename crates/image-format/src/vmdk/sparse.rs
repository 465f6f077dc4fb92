//! The binary header of a hosted sparse extent, and its second copy at the end of a streamed one.
//! Source: "Virtual Disk Format 5.0", "Hosted Sparse Extent Header" and "Stream-Optimized Compressed Sparse Extents".

use crate::fields::{le_u32, le_u64};
use crate::stream::SECTOR;

pub(super) const SIGNATURE: &[u8] = b"KDMV";
/// Footer marker, footer and end-of-stream marker, a sector each.
pub(crate) const FOOTER_LENGTH: usize = 3 * SECTOR;

const HEADER_LENGTH: usize = 64;
/// The one place QEMU and VMware put an embedded descriptor.
const DESCRIPTOR_SECTOR: u64 = 1;
/// Stands for the grain directory's place when only the footer knows it.
const DIRECTORY_AT_END: u64 = u64::MAX;
const MARKER_END_OF_STREAM: u32 = 0;
const MARKER_FOOTER: u32 = 3;

/// The fields of a header that matter here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    signature: u32,
    version: u32,
    /// Size of the disk in sectors.
    pub(super) capacity: u64,
    descriptor_sector: u64,
    descriptor_sectors: u64,
    grain_directory: u64,
}

impl Header {
    /// The header at the start of `data`, whatever its signature is.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let data = data.get(..HEADER_LENGTH)?;
        Some(Self {
            signature: le_u32(data, 0)?,
            version: le_u32(data, 4)?,
            capacity: le_u64(data, 12)?,
            descriptor_sector: le_u64(data, 28)?,
            descriptor_sectors: le_u64(data, 36)?,
            grain_directory: le_u64(data, 56)?,
        })
    }

    /// Length in bytes of the embedded descriptor, or why it cannot be used.
    pub(super) fn descriptor_length(&self) -> Result<u64, &'static str> {
        if !matches!(self.version, 1..=3) {
            return Err("the version of the sparse extent is not supported");
        }
        if self.descriptor_sector != DESCRIPTOR_SECTOR {
            return Err("the descriptor is not in the second sector");
        }
        Ok(self.descriptor_sectors.saturating_mul(SECTOR as u64))
    }

    /// Whether a footer replaces this header.
    pub(super) const fn has_footer(&self) -> bool {
        self.grain_directory == DIRECTORY_AT_END && matches!(self.version, 1..=3)
    }

    /// Checks that the footer says what the header said, and is framed by its markers.
    pub(super) fn check_footer(&self, footer: &[u8; FOOTER_LENGTH]) -> Result<(), &'static str> {
        let (marker, rest) = footer.split_at(SECTOR);
        let (copy, end) = rest.split_at(SECTOR);
        let Some(copy) = Self::read(copy) else { return Err("the footer is truncated") };
        if copy.signature != self.signature {
            return Err("header and footer have different signatures");
        }
        if copy.version != self.version {
            return Err("header and footer have different versions");
        }
        let place = |header: &Self| (header.descriptor_sector, header.descriptor_sectors);
        if place(&copy) != place(self) {
            return Err("header and footer have different descriptors");
        }
        if copy.grain_directory == DIRECTORY_AT_END {
            return Err("the footer refers to another footer");
        }
        if !is_marker(marker, MARKER_FOOTER) {
            return Err("the footer marker is invalid");
        }
        if le_u64(end, 0) != Some(0) || !is_marker(end, MARKER_END_OF_STREAM) {
            return Err("the end-of-stream marker is invalid");
        }
        Ok(())
    }
}

/// A marker has a value of 8 bytes, a size of zero, its type, and zeroes up to the end of the sector.
fn is_marker(sector: &[u8], kind: u32) -> bool {
    le_u32(sector, 8) == Some(0) && le_u32(sector, 12) == Some(kind) && sector[16..].iter().all(|&byte| byte == 0)
}
