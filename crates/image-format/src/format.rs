//! The formats this crate knows, under the names OpenStack uses for them.

use std::fmt;
use std::str::FromStr;

/// A disk image format that can be recognized by content.
///
/// The names ([`Format::as_str`]) are those of Glance's `disk_format` where Glance has one, and
/// those of oslo.utils' inspector for the rest (`qed`, `gpt`, `luks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Anything without a recognized structure.
    Raw,
    /// QEMU copy-on-write, versions 1 to 3.
    Qcow2,
    /// QEMU enhanced disk: obsolete, recognized in order to be refused.
    Qed,
    /// Microsoft Virtual PC ("vpc" in QEMU) with a header at the start: dynamic and differencing disks.
    Vhd,
    /// Microsoft Hyper-V virtual hard disk, version 2.
    Vhdx,
    /// VMware virtual disk: hosted sparse extents, or a text descriptor alone.
    Vmdk,
    /// VirtualBox disk image.
    Vdi,
    /// ISO 9660 or UDF volume.
    Iso,
    /// A disk with a partition table: GPT or plain MBR.
    Gpt,
    /// LUKS encrypted volume.
    Luks,
}

impl Format {
    /// Every format, [`Format::Raw`] first.
    pub const ALL: [Self; 10] = [
        Self::Raw,
        Self::Qcow2,
        Self::Qed,
        Self::Vhd,
        Self::Vhdx,
        Self::Vmdk,
        Self::Vdi,
        Self::Iso,
        Self::Gpt,
        Self::Luks,
    ];

    /// The name OpenStack uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Qed => "qed",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
            Self::Iso => "iso",
            Self::Gpt => "gpt",
            Self::Luks => "luks",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.as_str() == name).ok_or(UnknownFormat)
    }
}

/// The name is not that of a format which can be recognized by content (`ami` and `ploop` are such names).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFormat;

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a format that can be inspected")
    }
}

impl std::error::Error for UnknownFormat {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        assert_eq!("ploop".parse::<Format>(), Err(UnknownFormat));
        assert_eq!("QCOW2".parse::<Format>(), Err(UnknownFormat));
    }
}
