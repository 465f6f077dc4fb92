//! The one type that is fed: it runs every detector side by side.

use crate::stream::{Arrived, Head, SECTOR, Tail};
use crate::{Detected, Format, Inspection};
use crate::{gpt, iso, luks, qcow2, qed, vdi, vhd, vhdx, vmdk};

/// Inspects a stream of bytes for all known formats.
///
/// Feed it every byte of the stream in order, in chunks of any size, then [`finish`](Self::finish) it.
/// Once the headers are past, a chunk costs a copy of its last 1.5 KiB.
#[derive(Debug)]
pub struct Inspector {
    head: Head,
    tail: Tail,
    vhdx: vhdx::Scan,
    vmdk: vmdk::Scan,
    bytes: u64,
}

impl Inspector {
    /// No inspector ever buffers more than this many bytes of its stream.
    pub const BUFFER_LIMIT: usize = 128 * 1024;

    /// An inspector that has seen nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            head: Head::new(iso::HEADER_END),
            tail: Tail::new(vmdk::FOOTER_LENGTH),
            vhdx: vhdx::Scan::new(),
            vmdk: vmdk::Scan::new(),
            bytes: 0,
        }
    }

    /// Takes the next bytes of the stream.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.head.feed(chunk);
        self.tail.feed(chunk);
        let arrived = Arrived { head: self.head.bytes(), start: self.bytes, chunk };
        self.vhdx.feed(arrived);
        self.vmdk.feed(arrived);
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
    }

    /// Whether what has been fed so far proves that the stream is not of `format`, however it goes on.
    /// An upload that must match its declared format can be given up at that moment.
    /// Nothing ever rules out [`Format::Raw`].
    #[must_use]
    pub fn rules_out(&self, format: Format) -> bool {
        let head = self.head.bytes();
        match format {
            Format::Raw => false,
            Format::Vhdx => self.vhdx.rules_out(),
            Format::Vmdk => self.vmdk.rules_out(),
            Format::Iso => head.len() >= iso::HEADER_END && iso::detect(head).is_none(),
            Format::Luks => head.len() >= luks::MAGIC.len() && !head.starts_with(luks::MAGIC),
            Format::Vhd => head.len() >= vhd::COOKIE.len() && !head.starts_with(vhd::COOKIE),
            Format::Qcow2 => head.len() >= SECTOR && qcow2::detect(head, self.bytes).is_none(),
            Format::Qed => head.len() >= SECTOR && qed::detect(head).is_none(),
            Format::Vdi => head.len() >= SECTOR && vdi::detect(head, self.bytes).is_none(),
            Format::Gpt => head.len() >= SECTOR && gpt::detect(head, self.bytes).is_none(),
        }
    }

    /// Bytes of the stream held at this moment.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        let windows = self.head.bytes().len() + self.tail.bytes().len();
        windows + self.vhdx.buffered_bytes() + self.vmdk.buffered_bytes()
    }

    /// The verdict on the stream, which ends here.
    #[must_use]
    pub fn finish(self) -> Inspection {
        let Self { head, tail, vhdx, vmdk, bytes } = self;
        let (probed, tail) = (head.into_probed(), tail.bytes());
        let head = probed.as_slice();
        let matches = [
            qcow2::detect(head, bytes),
            qed::detect(head),
            vhd::detect(head, bytes),
            vhdx.finish(head, bytes),
            vmdk.finish(head, tail, bytes),
            vdi::detect(head, bytes),
            iso::detect(head),
            gpt::detect(head, bytes),
            luks::detect(head, bytes),
        ];
        let mut formats: Vec<Detected> = matches.into_iter().flatten().collect();
        if formats.is_empty() {
            formats.push(Detected::new(Format::Raw).with_virtual_size(Some(bytes)));
        }
        Inspection { formats, bytes, fixed_vhd_size: vhd::fixed_size(tail, bytes) }
    }
}

impl Default for Inspector {
    fn default() -> Self {
        Self::new()
    }
}
