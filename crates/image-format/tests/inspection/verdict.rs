//! A verdict as one line of text, in which ours and that of oslo.utils can be compared.

use std::fmt;

use image_format::{Detected, Inspection, Inspector};

/// `name size safety` for each format, sorted by name. The size is 0 if there is none, or if the image is unreadable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict(pub(crate) Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) format: String,
    /// A number, or `!` and the exception that came instead.
    pub(crate) size: String,
    /// `safe`, `unreadable`, or the names of the failed checks, sorted.
    pub(crate) safety: String,
}

impl Verdict {
    pub(crate) fn parse(line: &str) -> Self {
        let entry = |text: &str| {
            let mut words = text.split(' ').map(str::to_owned);
            let mut next = || words.next().unwrap_or_default();
            Entry { format: next(), size: next(), safety: next() }
        };
        Self(line.split(';').map(entry).collect())
    }

    /// What this crate says about `bytes`, fed in chunks of `chunk` bytes.
    pub(crate) fn of(bytes: &[u8], chunk: usize) -> Self {
        Self::from(&inspect(bytes, chunk))
    }
}

impl From<&Inspection> for Verdict {
    fn from(inspection: &Inspection) -> Self {
        let mut entries: Vec<Entry> = inspection.formats.iter().map(Entry::from).collect();
        entries.sort_by(|left, right| left.format.cmp(&right.format));
        Self(entries)
    }
}

impl From<&Detected> for Entry {
    fn from(detected: &Detected) -> Self {
        let mut checks: Vec<&str> = detected.findings.iter().map(|finding| finding.check.as_str()).collect();
        checks.sort_unstable();
        let safety = match (&detected.unreadable, checks.as_slice()) {
            (Some(_), _) => "unreadable".to_owned(),
            (None, []) => "safe".to_owned(),
            (None, checks) => checks.join(","),
        };
        let size = if safety == "unreadable" { 0 } else { detected.virtual_size.unwrap_or(0) }.to_string();
        Self { format: detected.format.to_string(), size, safety }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Entry { format, size, safety } in &self.0 {
            write!(f, "{format} {size} {safety};")?;
        }
        Ok(())
    }
}

pub(crate) fn inspect(bytes: &[u8], chunk: usize) -> Inspection {
    let mut inspector = Inspector::new();
    bytes.chunks(chunk).for_each(|chunk| inspector.feed(chunk));
    inspector.finish()
}
