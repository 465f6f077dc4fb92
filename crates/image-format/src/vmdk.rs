//! VMware virtual disks. Source: "Virtual Disk Format 5.0", VMware technical note, and QEMU `block/vmdk.c`.
//!
//! Three shapes matter. A *hosted sparse extent* starts with a binary header and holds its descriptor, a
//! text, in the sectors behind it. A *descriptor file* is that text alone: it only names other files, so
//! whoever opens one reads files of its author's choice (CVE-2022-47951). A *COWD extent* has the header of
//! version 3; QEMU looks for the name of a parent disk behind it, as in the first shape.

mod descriptor;
mod keys;
mod sparse;

use crate::stream::{Arrived, SECTOR};
use crate::{Check, Detected, Format};
use descriptor::{Descriptor, is_space};
use sparse::Header;

pub(crate) use sparse::FOOTER_LENGTH;

const COWD_SIGNATURE: &[u8] = b"COWD";

/// Follows a VMDK through a stream.
#[derive(Debug)]
pub(crate) struct Scan {
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    /// The first sector is not complete.
    Undecided,
    /// Text, which is a descriptor file if it has a `createType`.
    Text(Descriptor),
    /// Anything else: QEMU may still take it for a descriptor file, up to its first zero byte.
    Binary(Descriptor),
    /// What follows the header is read for the name of a parent disk.
    Cowd(Descriptor),
    Sparse(Header, Descriptor),
    /// The signature of a sparse extent, but the rest of the header cannot be used.
    Unusable(Header, Descriptor, &'static str),
}

impl Scan {
    pub(crate) const fn new() -> Self {
        Self { shape: Shape::Undecided }
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn feed(&mut self, arrived: Arrived<'_>) {
        if matches!(self.shape, Shape::Undecided) && arrived.head.len() >= SECTOR {
            self.shape = Shape::of(&arrived.head[..SECTOR], SECTOR);
        }
        if let Some(descriptor) = self.shape.descriptor_mut() {
            descriptor.feed(arrived);
        }
    }

    pub(crate) fn rules_out(&self) -> bool {
        match &self.shape {
            Shape::Undecided | Shape::Sparse(..) | Shape::Unusable(..) | Shape::Cowd(_) => false,
            Shape::Text(descriptor) => descriptor.is_complete() && !descriptor.is_descriptor_file(),
            Shape::Binary(descriptor) => descriptor.is_complete() && !descriptor.opens_in_qemu(),
        }
    }

    pub(crate) fn buffered_bytes(&self) -> usize {
        self.shape.descriptor().map_or(0, Descriptor::buffered_bytes)
    }

    /// The result for a stream of `bytes` bytes that has ended. `head` is padded to a sector.
    pub(crate) fn finish(mut self, head: &[u8], tail: &[u8], bytes: u64) -> Option<Detected> {
        if matches!(self.shape, Shape::Undecided) {
            self.shape = match usize::try_from(bytes) {
                Ok(0) => return None,
                length => Shape::of(head, length.map_or(SECTOR, |length| length.min(SECTOR))),
            };
            self.feed(Arrived::head_only(head));
        }
        match self.shape {
            Shape::Undecided => None,
            Shape::Text(descriptor) => descriptor.is_descriptor_file().then(|| descriptor_file(descriptor)),
            Shape::Binary(descriptor) => descriptor.opens_in_qemu().then(|| descriptor_file(descriptor)),
            Shape::Cowd(descriptor) => Some(cowd_extent(&descriptor).with_first_sector_in(bytes)),
            Shape::Sparse(header, descriptor) => {
                let detected = sparse_extent(&header, descriptor, bytes);
                Some(check_footer(detected, &header, tail).with_first_sector_in(bytes))
            }
            Shape::Unusable(header, descriptor, reason) => {
                let mut detected = Detected::new(Format::Vmdk);
                report_parent(&mut detected, &descriptor);
                detected.report(Check::Descriptor, reason);
                Some(check_footer(detected, &header, tail).with_first_sector_in(bytes))
            }
        }
    }
}

impl Shape {
    /// Decides by the first sector, of which `length` bytes are those of the stream.
    fn of(sector: &[u8], length: usize) -> Self {
        if sector.starts_with(COWD_SIGNATURE) {
            return Self::Cowd(embedded_descriptor(u64::MAX));
        }
        match Header::read(sector).filter(|_| sector.starts_with(sparse::SIGNATURE)) {
            None if is_text(&sector[..length]) => Self::Text(Descriptor::new(0, u64::MAX)),
            None => Self::Binary(Descriptor::new(0, u64::MAX)),
            Some(header) => match header.descriptor_length() {
                Ok(length) => Self::Sparse(header, embedded_descriptor(length)),
                Err(reason) => Self::Unusable(header, embedded_descriptor(u64::MAX), reason),
            },
        }
    }

    const fn descriptor(&self) -> Option<&Descriptor> {
        match self {
            Self::Undecided => None,
            Self::Text(descriptor)
            | Self::Binary(descriptor)
            | Self::Cowd(descriptor)
            | Self::Sparse(_, descriptor)
            | Self::Unusable(_, descriptor, _) => Some(descriptor),
        }
    }

    const fn descriptor_mut(&mut self) -> Option<&mut Descriptor> {
        match self {
            Self::Undecided => None,
            Self::Text(descriptor)
            | Self::Binary(descriptor)
            | Self::Cowd(descriptor)
            | Self::Sparse(_, descriptor)
            | Self::Unusable(_, descriptor, _) => Some(descriptor),
        }
    }
}

/// A descriptor of `length` bytes behind the first sector, where QEMU looks for a parent disk whatever the header says.
fn embedded_descriptor(length: u64) -> Descriptor {
    Descriptor::new(SECTOR as u64, length)
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| matches!(byte, b' '..=b'~') || is_space(byte))
}

/// Its data is in other files, whatever their names are.
fn descriptor_file(descriptor: Descriptor) -> Detected {
    let mut detected = Detected::new(Format::Vmdk);
    detected.report(Check::Descriptor, "a descriptor file has its data in other files");
    detected.create_type = descriptor.into_create_type();
    detected
}

/// What VMware ESX made before 2009. No other OpenStack service knows this subformat.
fn cowd_extent(descriptor: &Descriptor) -> Detected {
    let mut detected = Detected::new(Format::Vmdk);
    report_parent(&mut detected, descriptor);
    detected.report(Check::Descriptor, "COWD extents are not supported");
    detected
}

fn report_parent(detected: &mut Detected, descriptor: &Descriptor) {
    if descriptor.has_parent() {
        detected.report(Check::BackingFile, "the descriptor names a parent disk");
    }
}

fn sparse_extent(header: &Header, descriptor: Descriptor, bytes: u64) -> Detected {
    let mut detected = Detected::new(Format::Vmdk);
    if bytes < descriptor.end() {
        detected = detected.unreadable("the descriptor is truncated");
    }
    report_parent(&mut detected, &descriptor);
    if let Err(problem) = descriptor.check() {
        detected.report(Check::Descriptor, problem);
    }
    if descriptor.keeps_data_inside() {
        detected.virtual_size = header.capacity.checked_mul(SECTOR as u64);
    }
    detected.create_type = descriptor.into_create_type();
    detected
}

fn check_footer(mut detected: Detected, header: &Header, tail: &[u8]) -> Detected {
    if !header.has_footer() {
        return detected;
    }
    let Some(footer) = tail.first_chunk() else { return detected.unreadable("the footer is truncated") };
    if let Err(problem) = header.check_footer(footer) {
        detected.report(Check::Footer, problem);
    }
    detected
}
