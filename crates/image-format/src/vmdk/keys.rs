//! The keys of a VMDK descriptor that matter, found in its text as it passes by.

const CREATE_TYPE_LIMIT: usize = 63;
/// QEMU takes no longer values.
const QEMU_TYPE_LIMIT: usize = 127;

/// Finds a word in a stream of bytes. The first byte of the word must not occur in it again, which
/// makes the search trivial.
#[derive(Debug)]
pub(super) struct Needle {
    word: &'static [u8],
    matched: usize,
    found: usize,
}

impl Needle {
    pub(super) const fn new(word: &'static [u8]) -> Self {
        Self { word, matched: 0, found: 0 }
    }

    pub(super) const fn was_found(&self) -> bool {
        self.found > 0
    }

    /// Returns whether this byte completes the word.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        if byte != self.word[self.matched] {
            self.matched = 0;
        }
        if byte == self.word[self.matched] {
            self.matched += 1;
        }
        let complete = self.matched == self.word.len();
        if complete {
            self.matched = 0;
            self.found += 1;
        }
        complete
    }
}

/// Reads the value of the first `createType="…"`.
#[derive(Debug)]
pub(super) struct CreateType {
    key: Needle,
    phase: Phase,
    value: Vec<u8>,
    quoted: bool,
    closed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Key,
    Equals,
    Quote,
    Value,
}

impl CreateType {
    pub(super) const fn new() -> Self {
        Self { key: Needle::new(b"createtype"), phase: Phase::Key, value: Vec::new(), quoted: false, closed: false }
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.phase = match (self.phase, byte) {
            (Phase::Equals, b'=') => Phase::Quote,
            (Phase::Quote, b'"') if !self.quoted => {
                self.quoted = true;
                Phase::Value
            }
            (Phase::Value, b'"') => {
                self.closed = true;
                Phase::Key
            }
            (Phase::Value, byte) if byte != b'\n' && self.value.len() < CREATE_TYPE_LIMIT => {
                self.value.push(byte);
                Phase::Value
            }
            (_, byte) if self.key.push(byte.to_ascii_lowercase()) => Phase::Equals,
            _ => Phase::Key,
        };
    }

    pub(super) const fn is_quoted(&self) -> bool {
        self.quoted
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        self.value.len()
    }

    pub(super) fn value(&self) -> Option<&str> {
        std::str::from_utf8(&self.value).ok().filter(|_| self.closed)
    }

    /// QEMU takes the first key with this very spelling of `createType`; any other in the text may be a decoy.
    pub(super) const fn is_contradictory(&self) -> bool {
        self.key.found > 1
    }
}

/// Reads the subformat as QEMU does: it skips two bytes behind the first `createType`, whatever they are, and takes
/// what follows up to a quotation mark.
#[derive(Debug)]
pub(super) struct QemuType {
    key: Needle,
    skip: usize,
    value: Vec<u8>,
    closed: bool,
}

impl QemuType {
    pub(super) const fn new() -> Self {
        Self { key: Needle::new(b"createType"), skip: 2, value: Vec::new(), closed: false }
    }

    pub(super) fn push(&mut self, byte: u8) {
        if !self.key.was_found() {
            self.key.push(byte);
        } else if self.skip > 0 {
            self.skip -= 1;
        } else if byte == b'"' {
            self.closed = true;
        } else if !self.closed && self.value.len() <= QEMU_TYPE_LIMIT {
            self.value.push(byte);
        }
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        self.value.len()
    }

    /// Every subformat that any release of QEMU opens is one word.
    pub(super) fn is_word(&self) -> bool {
        let fits = (1..=QEMU_TYPE_LIMIT).contains(&self.value.len());
        self.closed && fits && self.value.iter().all(u8::is_ascii_alphanumeric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subformats_are_read_as_qemu_reads_them() {
        for (text, opens) in [
            ("createType=\"vmfs\"", true),
            ("# createType  vmfs\"", true),
            ("createType=\"monolithicFlat\" createType=\"x y\"", true),
            ("createType\"\"vmfs\"", true),
            ("createTypecreateType\"", true),
            ("createType=\"vmfs", false),
            ("createType=\"\"", false),
            ("createtype=\"vmfs\"", false),
            ("createType = \"vmfs\"", false),
            ("createType=\"x y\" createType=\"vmfs\"", false),
        ] {
            let mut read = QemuType::new();
            text.bytes().for_each(|byte| read.push(byte));
            assert_eq!(read.is_word(), opens, "{text}");
        }
    }
}
