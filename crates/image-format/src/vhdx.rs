//! Microsoft Hyper-V disks. Source: [MS-VHDX] "Virtual Hard Disk v2 (VHDX) File Format", revision 8.0.
//!
//! The size of the disk is three steps away: a region table at 192 KiB (2.2.3) tells where the metadata
//! table is (2.6.1), which tells where the item "Virtual Disk Size" is (2.6.2.2). Each step must lie behind the one before.

use crate::fields::{array, le_u16, le_u32, le_u64};
use crate::stream::{Arrived, Region};
use crate::{Check, Detected, Format};

const IDENTIFIER: &[u8] = b"vhdxfile";
const REGION_TABLE_START: u64 = 192 * 1024;
const REGION_TABLE_LENGTH: usize = 64 * 1024;
const REGION_TABLE_HEADER: usize = 16;
const METADATA_TABLE_LENGTH: u64 = 64 * 1024;
const METADATA_TABLE_HEADER: usize = 32;
/// Entries of both tables.
const ENTRY_LENGTH: usize = 32;
const ENTRY_LIMIT: usize = 2047;
const VIRTUAL_DISK_SIZE_LENGTH: usize = 8;

/// 8B7CA206-4790-4B9A-B8FE-575F050F886E as it is stored.
const METADATA_REGION: [u8; 16] =
    [0x06, 0xA2, 0x7C, 0x8B, 0x90, 0x47, 0x9A, 0x4B, 0xB8, 0xFE, 0x57, 0x5F, 0x05, 0x0F, 0x88, 0x6E];
/// 2FA54224-CD1B-4876-B211-5DBED83BF4B8 as it is stored.
const VIRTUAL_DISK_SIZE: [u8; 16] =
    [0x24, 0x42, 0xA5, 0x2F, 0x1B, 0xCD, 0x76, 0x48, 0xB2, 0x11, 0x5D, 0xBE, 0xD8, 0x3B, 0xF4, 0xB8];

/// A8D35F2D-B30B-454D-ABF7-D3D84834AB0C as it is stored: where the parent of a differencing disk is.
const PARENT_LOCATOR: [u8; 16] =
    [0x2D, 0x5F, 0xD3, 0xA8, 0x0B, 0xB3, 0x4D, 0x45, 0xAB, 0xF7, 0xD3, 0xD8, 0x48, 0x34, 0xAB, 0x0C];

/// Follows the tables of a VHDX through a stream.
#[derive(Debug)]
pub(crate) struct Scan {
    step: Step,
    has_parent: bool,
}

#[derive(Debug)]
enum Step {
    Identifier,
    RegionTable(Region),
    MetadataHeader(Region),
    MetadataEntries { table: u64, entries: Region },
    Size(Region),
    Done(Outcome),
}

#[derive(Debug)]
enum Outcome {
    NotVhdx,
    Sized(u64),
    /// There is no size to be found. Whoever wrote this file must at least have written it up to `end`.
    Unsized {
        end: u64,
    },
    Broken(&'static str),
}

impl Scan {
    pub(crate) const fn new() -> Self {
        Self { step: Step::Identifier, has_parent: false }
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn feed(&mut self, arrived: Arrived<'_>) {
        while let Some(next) = self.step.advance(arrived) {
            self.has_parent |= self.step.names_parent();
            self.step = next;
        }
    }

    pub(crate) const fn rules_out(&self) -> bool {
        matches!(self.step, Step::Done(Outcome::NotVhdx))
    }

    pub(crate) fn buffered_bytes(&self) -> usize {
        match &self.step {
            Step::RegionTable(region) | Step::MetadataHeader(region) | Step::Size(region) => region.bytes().len(),
            Step::MetadataEntries { entries, .. } => entries.bytes().len(),
            Step::Identifier | Step::Done(_) => 0,
        }
    }

    /// The result for a stream of `bytes` bytes that has ended.
    pub(crate) fn finish(self, head: &[u8], bytes: u64) -> Option<Detected> {
        if !head.starts_with(IDENTIFIER) {
            return None;
        }
        let mut detected = Detected::new(Format::Vhdx);
        if self.has_parent {
            detected.report(Check::BackingFile, "the image is a differencing disk");
        }
        Some(match self.step {
            Step::Done(Outcome::Sized(size)) => detected.with_virtual_size(Some(size)),
            Step::Done(Outcome::Unsized { end }) if bytes >= end => detected,
            Step::Done(Outcome::Broken(reason)) => detected.unreadable(reason),
            _ => detected.unreadable("the metadata is truncated"),
        })
    }
}

impl Step {
    /// Whether the metadata table, which has been read, has a parent locator.
    fn names_parent(&self) -> bool {
        matches!(self, Self::MetadataEntries { entries, .. }
            if find_entry(entries.bytes(), ENTRY_LIMIT, &PARENT_LOCATOR).is_some())
    }

    /// The step after this one, if what has arrived completes this one.
    fn advance(&mut self, arrived: Arrived<'_>) -> Option<Self> {
        match self {
            Self::Identifier => identify(arrived.head),
            Self::RegionTable(region) => region.fill(arrived).then(|| find_metadata_table(region)),
            Self::MetadataHeader(region) => region.fill(arrived).then(|| read_metadata_header(region)),
            Self::MetadataEntries { table, entries } => {
                entries.fill(arrived).then(|| find_virtual_disk_size(*table, entries))
            }
            Self::Size(region) => region.fill(arrived).then(|| read_size(region)),
            Self::Done(_) => None,
        }
    }
}

fn identify(head: &[u8]) -> Option<Step> {
    let identifier = head.get(..IDENTIFIER.len())?;
    Some(if identifier == IDENTIFIER {
        Step::RegionTable(Region::new(REGION_TABLE_START, REGION_TABLE_LENGTH))
    } else {
        Step::Done(Outcome::NotVhdx)
    })
}

fn find_metadata_table(region: &Region) -> Step {
    let table = region.bytes();
    let count = le_u32(table, 8).and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    let offset = (table.starts_with(b"regi") && count <= ENTRY_LIMIT)
        .then(|| find_entry(&table[REGION_TABLE_HEADER..], count, &METADATA_REGION))
        .flatten()
        .and_then(|entry| le_u64(entry, 16));
    match offset.map(|offset| Region::after(region.end(), offset, METADATA_TABLE_HEADER)) {
        Some(Some(header)) => Step::MetadataHeader(header),
        Some(None) => Step::Done(Outcome::Broken("the metadata region lies in front of the region table")),
        None => Step::Done(Outcome::Unsized { end: region.end() }),
    }
}

fn read_metadata_header(region: &Region) -> Step {
    let (header, table) = (region.bytes(), region.start());
    let count = le_u16(header, 10).map_or(usize::MAX, usize::from);
    if !header.starts_with(b"metadata") {
        return Step::Done(Outcome::Broken("the metadata table has a wrong signature"));
    }
    if count <= ENTRY_LIMIT {
        Step::MetadataEntries { table, entries: Region::new(region.end(), count * ENTRY_LENGTH) }
    } else {
        Step::Done(Outcome::Unsized { end: table.saturating_add(METADATA_TABLE_LENGTH) })
    }
}

fn find_virtual_disk_size(table: u64, entries: &Region) -> Step {
    let Some(entry) = find_entry(entries.bytes(), ENTRY_LIMIT, &VIRTUAL_DISK_SIZE) else {
        return Step::Done(Outcome::Unsized { end: table.saturating_add(METADATA_TABLE_LENGTH) });
    };
    let position = le_u32(entry, 16).map_or(0, |offset| table.saturating_add(u64::from(offset)));
    if le_u32(entry, 20) != Some(VIRTUAL_DISK_SIZE_LENGTH as u32) {
        return Step::Done(Outcome::Broken("the virtual disk size is not a number of 8 bytes"));
    }
    match Region::after(entries.end(), position, VIRTUAL_DISK_SIZE_LENGTH) {
        Some(size) => Step::Size(size),
        None => Step::Done(Outcome::Broken("the virtual disk size lies inside the metadata table")),
    }
}

fn read_size(region: &Region) -> Step {
    Step::Done(le_u64(region.bytes(), 0).map_or(Outcome::Broken("the virtual disk size is truncated"), Outcome::Sized))
}

/// The first of at most `count` entries that carries this identifier.
fn find_entry<'a>(entries: &'a [u8], count: usize, id: &[u8; 16]) -> Option<&'a [u8]> {
    entries.chunks_exact(ENTRY_LENGTH).take(count).find(|entry| array(entry, 0).as_ref() == Some(id))
}
