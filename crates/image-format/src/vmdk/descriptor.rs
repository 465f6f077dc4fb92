//! The text that describes a VMDK, read line by line as it passes by.
//! Source: "Virtual Disk Format 5.0", "The Descriptor File", and how QEMU `block/vmdk.c` reads it.
//!
//! Every line must be understood, because QEMU searches the text for its keys wherever they stand, and
//! takes any line for an extent that scans as one.

use super::keys::{CreateType, Needle, QemuType};
use crate::stream::Arrived;

/// QEMU reads no longer descriptors.
const LENGTH_LIMIT: u64 = (1 << 20) - 1;
/// Longer lines are not understood. QEMU allows names of 511 bytes.
const LINE_LIMIT: usize = 4096;
const SAFE_CREATE_TYPES: [&str; 2] = ["monolithicSparse", "streamOptimized"];
const EXTENT_ACCESS: [&[u8]; 3] = [b"rw", b"rdonly", b"noaccess"];

/// A descriptor that occupies a known part of a stream, and ends at its first zero byte.
///
/// QEMU reads on to a zero byte when there is none in that part, and takes its keys from there too: behind
/// the known part, nothing but the keys is looked for.
#[derive(Debug)]
pub(super) struct Descriptor {
    position: u64,
    end: u64,
    limit: u64,
    terminated: bool,
    empty: bool,
    ascii: bool,
    lines: Lines,
    create_type: CreateType,
    qemu_type: QemuType,
    /// Whether the value of `create_type` is whole, and lies in the known part.
    typed: bool,
    parent: Needle,
}

impl Descriptor {
    /// A descriptor of `length` bytes, or of as many as QEMU would read.
    pub(super) fn new(start: u64, length: u64) -> Self {
        Self {
            position: start,
            end: start.saturating_add(length.min(LENGTH_LIMIT)),
            limit: start.saturating_add(LENGTH_LIMIT),
            terminated: false,
            empty: true,
            ascii: true,
            lines: Lines::default(),
            create_type: CreateType::new(),
            qemu_type: QemuType::new(),
            typed: false,
            parent: Needle::new(b"parentfilenamehint"),
        }
    }

    /// Takes what has arrived of the descriptor.
    pub(super) fn feed(&mut self, arrived: Arrived<'_>) {
        while !self.is_complete() {
            let rest = arrived.at(self.position);
            if rest.is_empty() {
                return;
            }
            let missing = usize::try_from(self.limit - self.position).unwrap_or(usize::MAX);
            for &byte in &rest[..rest.len().min(missing)] {
                self.read(byte);
                if self.terminated {
                    return;
                }
            }
        }
    }

    fn read(&mut self, byte: u8) {
        if byte == 0 {
            self.terminated = true;
            return;
        }
        self.create_type.push(byte);
        self.qemu_type.push(byte);
        if self.position < self.end {
            self.empty = false;
            self.ascii &= byte.is_ascii();
            self.lines.push(byte.to_ascii_lowercase());
            self.typed = self.create_type.is_closed();
        }
        self.parent.push(byte.to_ascii_lowercase());
        self.position += 1;
    }

    /// Whether nothing more of the stream can change the descriptor.
    pub(super) const fn is_complete(&self) -> bool {
        self.terminated || self.position >= self.limit
    }

    /// The position in the stream up to which it extends, with its padding.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        self.lines.current.len() + self.create_type.buffered_bytes() + self.qemu_type.buffered_bytes()
    }

    /// Whether a text is a descriptor, for oslo.utils (`createType="…`) or for QEMU.
    pub(super) fn is_descriptor_file(&self) -> bool {
        self.create_type.is_quoted() || self.opens_in_qemu()
    }

    /// Whether QEMU would take a file that starts with this for a descriptor file and open its extents.
    pub(super) fn opens_in_qemu(&self) -> bool {
        self.qemu_type.is_word()
    }

    /// Whether the text names a parent disk, which QEMU would open as backing file.
    pub(super) const fn has_parent(&self) -> bool {
        self.parent.was_found()
    }

    /// Whether the subformat is one that keeps its data in the same file.
    pub(super) fn keeps_data_inside(&self) -> bool {
        let named = self.create_type.value().filter(|_| self.typed && self.ascii);
        named.is_some_and(|named| SAFE_CREATE_TYPES.iter().any(|safe| named.eq_ignore_ascii_case(safe)))
    }

    /// Checks the descriptor of a file that must contain its own data.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.empty {
            return Err("there is no descriptor");
        }
        if !self.ascii {
            return Err("the descriptor is not ASCII text");
        }
        if !self.keeps_data_inside() {
            return Err("the subformat is not supported");
        }
        if self.create_type.is_contradictory() {
            return Err("the subformat is given more than once");
        }
        self.lines.check()
    }

    /// The value of `createType`, as written.
    pub(super) fn into_create_type(self) -> Option<String> {
        self.create_type.value().map(str::to_owned)
    }
}

/// Classifies lines as they end.
#[derive(Debug, Default)]
struct Lines {
    current: Vec<u8>,
    extents: usize,
    problem: Option<&'static str>,
}

impl Lines {
    fn push(&mut self, byte: u8) {
        if byte == b'\n' {
            let line = std::mem::take(&mut self.current);
            match classify(&line) {
                Ok(Line::Extent) => self.extents += 1,
                Ok(Line::Other) => {}
                Err(problem) => self.problem = self.problem.or(Some(problem)),
            }
            self.current = line;
            self.current.clear();
        } else if self.current.len() < LINE_LIMIT {
            self.current.push(byte);
        } else {
            self.problem = self.problem.or(Some("the descriptor has a line that is too long"));
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        let last = classify(&self.current);
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        match (last?, self.extents) {
            (Line::Other, 0) => Err("the descriptor has no extents"),
            _ => Ok(()),
        }
    }
}

enum Line {
    Extent,
    /// Blank, a comment, an entry of the disk database, or a header field.
    Other,
}

/// Tells what a line in lower case is, if it is harmless.
fn classify(line: &[u8]) -> Result<Line, &'static str> {
    let start = line.iter().position(|&byte| !is_space(byte)).unwrap_or(line.len());
    let line = &line[start..];
    let key = line.iter().position(|&byte| byte == b'=').map(|end| &line[..end]);
    if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"ddb") {
        return Ok(Line::Other);
    }
    if key.is_some_and(|key| !key.iter().copied().any(is_space)) {
        return Ok(Line::Other);
    }
    let access = line.split(|&byte| is_space(byte)).next().unwrap_or_default();
    if !EXTENT_ACCESS.contains(&access) {
        return Err("the descriptor has a line that is not understood");
    }
    if line.contains(&b'/') {
        return Err("the descriptor has an extent with a path");
    }
    Ok(Line::Extent)
}

/// White space as C and Python see it, which is more than Rust's `is_ascii_whitespace`.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, 0x09..=0x0d | 0x1c..=0x20)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARMLESS: &str = "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\n\
        createType=\"monolithicSparse\"\n\n# Extent description\nRW 2048 SPARSE \"disk.vmdk\"\n\n\
        # The Disk Data Base\n#DDB\n\nddb.virtualHWVersion = \"4\"\n";

    fn read(text: &[u8]) -> Descriptor {
        read_part(text, text.len())
    }

    fn read_part(text: &[u8], length: usize) -> Descriptor {
        let mut descriptor = Descriptor::new(0, length as u64);
        descriptor.feed(Arrived { head: &[], start: 0, chunk: text });
        descriptor
    }

    fn problem(text: &str) -> &'static str {
        read(text.as_bytes()).check().expect_err("a dangerous descriptor")
    }

    #[test]
    fn harmless_descriptor_passes() {
        let descriptor = read(HARMLESS.as_bytes());
        assert_eq!(descriptor.check(), Ok(()));
        assert!(!descriptor.has_parent());
        assert_eq!(descriptor.into_create_type().as_deref(), Some("monolithicSparse"));
    }

    #[test]
    fn text_ends_at_a_zero_byte() {
        let padded = [HARMLESS.as_bytes(), b"\0RW 1 FLAT \"/etc/shadow\" 0\n"].concat();
        assert_eq!(read(&padded).check(), Ok(()));
    }

    #[test]
    fn keys_behind_the_declared_end_count_up_to_a_zero_byte() {
        let parent = "parentFileNameHint=\"base.vmdk\"";
        let overlong = |tail: &str| read_part(format!("{HARMLESS}{tail}").as_bytes(), HARMLESS.len());
        assert!(overlong(parent).has_parent());
        assert!(!overlong(&format!("\0{parent}")).has_parent());
        assert_eq!(overlong("createType=\"vmfs\"").check(), Err("the subformat is given more than once"));
        assert_eq!(overlong("any é data").check(), Ok(()));
        let cut = read_part(HARMLESS.as_bytes(), HARMLESS.find("Sparse").expect("the type"));
        assert_eq!(cut.check(), Err("the subformat is not supported"));
    }

    #[test]
    fn extents_must_be_there_and_have_no_path() {
        assert_eq!(problem(&HARMLESS.replace("RW", "# RW")), "the descriptor has no extents");
        assert_eq!(problem(&HARMLESS.replace("disk.vmdk", "/etc/shadow")), "the descriptor has an extent with a path");
    }

    #[test]
    fn extent_cannot_pose_as_a_header_field() {
        let tabs = HARMLESS.replace("\n\n#", "\nRW\t1\tFLAT\t\"/etc/shadow\"\t0\t=\n\n#");
        assert_eq!(problem(&tabs), "the descriptor has an extent with a path");
    }

    #[test]
    fn unknown_and_endless_lines_are_refused() {
        assert_eq!(problem(&format!("{HARMLESS}change me\n")), "the descriptor has a line that is not understood");
        let endless = format!("{HARMLESS}#{}", "x".repeat(LINE_LIMIT));
        assert_eq!(problem(&endless), "the descriptor has a line that is too long");
    }

    #[test]
    fn only_subformats_with_their_own_data_pass() {
        let flat = HARMLESS.replace("monolithicSparse", "monolithicFlat");
        assert_eq!(problem(&flat), "the subformat is not supported");
        assert_eq!(read(flat.as_bytes()).into_create_type().as_deref(), Some("monolithicFlat"));
        assert_eq!(problem(&HARMLESS.replace("createType", "type")), "the subformat is not supported");
        assert_eq!(problem(&HARMLESS.replace("Sparse\"\n", "Sparse\n")), "the subformat is not supported");
        let long = HARMLESS.replace("monolithicSparse", &"x".repeat(64));
        assert_eq!(problem(&long), "the subformat is not supported");
        assert_eq!(read(HARMLESS.to_uppercase().as_bytes()).check(), Ok(()));
    }

    #[test]
    fn second_create_type_is_refused_in_any_spelling() {
        for decoy in ["createType=\"monolithicFlat\"", "CREATETYPE==monolithicFlat\"", "#createType"] {
            assert_eq!(problem(&format!("{HARMLESS}{decoy}\n")), "the subformat is given more than once", "{decoy}");
        }
    }

    #[test]
    fn parent_is_noticed_wherever_it_stands() {
        let text = format!("{HARMLESS}# parentFileNameHint=\"/etc/shadow\"\n");
        assert!(read(text.as_bytes()).has_parent());
    }

    #[test]
    fn descriptor_must_be_ascii_and_not_empty() {
        assert_eq!(problem(""), "there is no descriptor");
        assert_eq!(problem(&format!("{HARMLESS}# é\n")), "the descriptor is not ASCII text");
    }
}
