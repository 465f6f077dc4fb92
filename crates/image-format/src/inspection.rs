//! The result of an inspection: what matched, and how to get one answer out of it.

use std::fmt;

use crate::stream::SECTOR;
use crate::{Check, Finding, Format};

/// What a whole stream turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The formats that match, in the order of [`Format::ALL`]. Never empty: content that matches
    /// nothing is [`Format::Raw`], and `Raw` never stands beside another format.
    pub formats: Vec<Detected>,
    /// Length of the stream in bytes.
    pub bytes: u64,
    /// Size in bytes of the disk inside, if the stream ends with the footer of a *fixed* VHD. Such an
    /// image is a raw disk followed by 512 bytes, and [`Inspection::formats`] treats it as that, as
    /// oslo.utils does; a caller that was promised a `vhd` can tell it from one that was not.
    pub fixed_vhd_size: Option<u64>,
}

impl Inspection {
    /// The one format of the stream.
    ///
    /// # Errors
    ///
    /// [`Ambiguous`] if several formats match: one of them may be hidden in another.
    pub fn verdict(&self) -> Result<&Detected, Ambiguous> {
        match self.formats.as_slice() {
            [only] => Ok(only),
            several => Err(Ambiguous { formats: several.iter().map(|detected| detected.format).collect() }),
        }
    }

    /// Like [`Inspection::verdict`], but a bootable ISO that also carries a partition table (a
    /// "hybrid" image, made to be written to a USB stick) is an ISO. Glance judges uploads this way.
    ///
    /// # Errors
    ///
    /// [`Ambiguous`] for every other combination.
    pub fn verdict_allowing_hybrid_iso(&self) -> Result<&Detected, Ambiguous> {
        match self.formats.as_slice() {
            [iso, gpt] if iso.format == Format::Iso && gpt.format == Format::Gpt => Ok(iso),
            _ => self.verdict(),
        }
    }
}

/// One format that matches a stream, and what is known of the image if it is read as that format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The format.
    pub format: Format,
    /// Size in bytes of the disk a guest would see, if the image says so.
    pub virtual_size: Option<u64>,
    /// Safety checks that failed, as far as they could run if the image is [`unreadable`](Self::unreadable).
    pub findings: Vec<Finding>,
    /// Why the image cannot be checked for safety, if it cannot: it ends within its own headers, or
    /// they cannot be followed. Such an image is no valid image of its format.
    pub unreadable: Option<String>,
    /// The `createType` of a VMDK descriptor, as written, at most 63 bytes.
    pub create_type: Option<String>,
    /// The name of the backing file of a qcow2 image, as far as it is UTF-8. Hostile text: it can hold anything.
    pub backing_file: Option<String>,
}

impl Detected {
    pub(crate) const fn new(format: Format) -> Self {
        Self {
            format,
            virtual_size: None,
            findings: Vec::new(),
            unreadable: None,
            create_type: None,
            backing_file: None,
        }
    }

    pub(crate) fn with_virtual_size(mut self, bytes: Option<u64>) -> Self {
        self.virtual_size = bytes;
        self
    }

    pub(crate) fn unreadable(mut self, reason: impl Into<String>) -> Self {
        self.unreadable = Some(reason.into());
        self
    }

    /// Unreadable if a stream of `bytes` bytes ends within its first sector. What was found in it still counts.
    pub(crate) fn with_first_sector_in(mut self, bytes: u64) -> Self {
        if bytes < SECTOR as u64 {
            self.virtual_size = None;
            self.unreadable.get_or_insert_with(|| "the header is truncated".to_owned());
        }
        self
    }

    pub(crate) fn report(&mut self, check: Check, message: impl Into<String>) {
        self.findings.push(Finding::new(check, message));
    }

    /// Whether every safety check could run and none failed.
    #[must_use]
    pub const fn is_safe(&self) -> bool {
        self.unreadable.is_none() && self.findings.is_empty()
    }
}

/// A stream matches several formats at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguous {
    /// The formats that match.
    pub formats: Vec<Format>,
}

impl fmt::Display for Ambiguous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Multiple formats detected: ")?;
        for (index, format) in self.formats.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{format}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Ambiguous {}
