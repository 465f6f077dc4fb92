//! What makes an image dangerous, by the names operators know from oslo.utils and from
//! Glance's option `gpt_safety_checks_nonfatal`.

use std::fmt;
use std::str::FromStr;

/// A named safety check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// The format itself is never allowed (QED).
    Banned,
    /// The image names another file as its base.
    BackingFile,
    /// The image keeps its data in another file.
    DataFile,
    /// The image needs features or a version nobody here knows.
    UnknownFeatures,
    /// A VMDK descriptor refers to other files, or says something that is not understood.
    Descriptor,
    /// The footer of a streamed VMDK contradicts its header.
    Footer,
    /// The partition table is not a valid MBR, or not a valid protective one in front of a GPT.
    Mbr,
    /// The version of the format cannot be checked (LUKS).
    Version,
}

impl Check {
    /// Every check.
    pub const ALL: [Self; 8] = [
        Self::Banned,
        Self::BackingFile,
        Self::DataFile,
        Self::UnknownFeatures,
        Self::Descriptor,
        Self::Footer,
        Self::Mbr,
        Self::Version,
    ];

    /// Whether a failure means that opening the image can read or write other files, or that nobody can tell. The
    /// other checks only find an image that is not as its format demands.
    #[must_use]
    pub const fn is_about_other_files(self) -> bool {
        match self {
            Self::Banned
            | Self::BackingFile
            | Self::DataFile
            | Self::UnknownFeatures
            | Self::Descriptor
            | Self::Footer => true,
            Self::Mbr | Self::Version => false,
        }
    }

    /// The name oslo.utils gives the check.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Banned => "banned",
            Self::BackingFile => "backing_file",
            Self::DataFile => "data_file",
            Self::UnknownFeatures => "unknown_features",
            Self::Descriptor => "descriptor",
            Self::Footer => "footer",
            Self::Mbr => "mbr",
            Self::Version => "version",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Check {
    type Err = UnknownCheck;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|check| check.as_str() == name).ok_or(UnknownCheck)
    }
}

/// No check has this name. Configured lists may hold such names; they demote nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCheck;

impl fmt::Display for UnknownCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of a safety check")
    }
}

impl std::error::Error for UnknownCheck {}

/// A safety check that failed. A check reports at most one finding per image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check that failed.
    pub check: Check,
    /// Why, in words for a log. Never quotes the image.
    pub message: String,
}

impl Finding {
    pub(crate) fn new(check: Check, message: impl Into<String>) -> Self {
        Self { check, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for check in Check::ALL {
            assert_eq!(check.as_str().parse(), Ok(check));
        }
        assert_eq!("gptmbr".parse::<Check>(), Err(UnknownCheck));
    }
}
