//! VMware virtual disks. Source: "Virtual Disk Format 5.0", VMware technical note, and QEMU `block/vmdk.c`.
//!
//! Two shapes matter. A *hosted sparse extent* starts with a binary header and holds its descriptor, a
//! text, in the sectors behind it. A *descriptor file* is that text alone: it only names other files, so
//! whoever opens one reads files of its author's choice (CVE-2022-47951).

mod descriptor;
mod sparse;

use crate::stream::Arrived;
use crate::{Check, Detected, Format};
use descriptor::{Descriptor, is_space};
use sparse::Header;

pub(crate) use sparse::FOOTER_LENGTH;

const SECTOR: usize = 512;

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
    Sparse(Header, Descriptor),
    /// The signature of a sparse extent, but the rest of the header cannot be used.
    Unusable(Header, &'static str),
    Other,
}

impl Scan {
    pub(crate) const fn new() -> Self {
        Self { shape: Shape::Undecided }
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn feed(&mut self, arrived: Arrived<'_>) {
        if matches!(self.shape, Shape::Undecided) && arrived.head.len() >= SECTOR {
            self.shape = Shape::of(arrived.head);
        }
        if let Shape::Text(descriptor) | Shape::Sparse(_, descriptor) = &mut self.shape {
            descriptor.feed(arrived);
        }
    }

    pub(crate) fn rules_out(&self) -> bool {
        match &self.shape {
            Shape::Undecided | Shape::Sparse(..) | Shape::Unusable(..) => false,
            Shape::Text(descriptor) => descriptor.is_complete() && !descriptor.names_create_type(),
            Shape::Other => true,
        }
    }

    pub(crate) fn buffered_bytes(&self) -> usize {
        match &self.shape {
            Shape::Text(descriptor) | Shape::Sparse(_, descriptor) => descriptor.buffered_bytes(),
            Shape::Undecided | Shape::Unusable(..) | Shape::Other => 0,
        }
    }

    /// The result for a stream of `bytes` bytes that has ended.
    pub(crate) fn finish(mut self, head: &[u8], tail: &[u8], bytes: u64) -> Option<Detected> {
        if matches!(self.shape, Shape::Undecided) {
            self.shape = Shape::of(head);
            self.feed(Arrived::head_only(head));
        }
        match self.shape {
            Shape::Text(descriptor) => descriptor.names_create_type().then(|| descriptor_file(descriptor)),
            Shape::Sparse(header, descriptor) => Some(sparse_extent(&header, descriptor, tail, bytes)),
            Shape::Unusable(header, reason) => {
                let mut detected = Detected::new(Format::Vmdk);
                detected.report(Check::Descriptor, reason);
                Some(check_footer(detected, &header, tail))
            }
            Shape::Undecided | Shape::Other => {
                let truncated = head.starts_with(sparse::SIGNATURE);
                truncated.then(|| Detected::new(Format::Vmdk).unreadable("the header is truncated"))
            }
        }
    }
}

impl Shape {
    /// Decides by the first sector, or by the whole stream if it is shorter.
    fn of(head: &[u8]) -> Self {
        let sector = &head[..head.len().min(SECTOR)];
        let Some(header) = Header::read(sector) else { return Self::Other };
        if !sector.starts_with(sparse::SIGNATURE) {
            let text = sector.iter().all(|&byte| matches!(byte, b' '..=b'~') || is_space(byte));
            return if text { Self::Text(Descriptor::new(0, u64::MAX)) } else { Self::Other };
        }
        match header.descriptor() {
            Ok((start, length)) => Self::Sparse(header, Descriptor::new(start, length)),
            Err(reason) => Self::Unusable(header, reason),
        }
    }
}

/// Its data is in other files, whatever their names are.
fn descriptor_file(descriptor: Descriptor) -> Detected {
    let mut detected = Detected::new(Format::Vmdk);
    detected.report(Check::Descriptor, "a descriptor file has its data in other files");
    detected.create_type = descriptor.into_create_type();
    detected
}

fn sparse_extent(header: &Header, descriptor: Descriptor, tail: &[u8], bytes: u64) -> Detected {
    let mut detected = Detected::new(Format::Vmdk);
    if bytes < descriptor.end() {
        return detected.unreadable("the descriptor is truncated");
    }
    if descriptor.has_parent() {
        detected.report(Check::BackingFile, "the descriptor names a parent disk");
    }
    if let Err(problem) = descriptor.check() {
        detected.report(Check::Descriptor, problem);
    }
    if descriptor.keeps_data_inside() {
        detected.virtual_size = header.capacity.checked_mul(SECTOR as u64);
    }
    detected.create_type = descriptor.into_create_type();
    check_footer(detected, header, tail)
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
