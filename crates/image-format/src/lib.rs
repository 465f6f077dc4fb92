//! Streaming inspection of virtual disk images.
//!
//! An upload names its format and nobody may believe it: a "raw" image can be a qcow2 file whose
//! backing file is `/etc/shadow`, and whoever opens it later with a tool that probes formats hands
//! that file to its author (CVE-2015-5163, CVE-2022-47951, CVE-2024-32498). This crate reads the
//! bytes of an upload as they pass by and answers which formats they carry, how large the disk
//! inside is, and what in them is dangerous.
//!
//! ```
//! use image_format::{Format, Inspector};
//!
//! let mut inspector = Inspector::new();
//! for chunk in [b"any ".as_slice(), b"bytes"] {
//!     inspector.feed(chunk);
//! }
//! let inspection = inspector.finish();
//! let image = inspection.verdict()?;
//! assert_eq!(image.format, Format::Raw);
//! assert_eq!(image.virtual_size, Some(9));
//! assert!(image.is_safe());
//! # Ok::<(), image_format::Ambiguous>(())
//! ```
//!
//! All detectors run side by side over one shared buffer of the stream's first 34 KiB and last
//! 1.5 KiB; only VHDX and VMDK look further. The verdict depends on the bytes alone, never on how
//! they were cut into chunks. Nothing panics, whatever the bytes are, and no length found in them is
//! believed; [`Inspector::buffered_bytes`] stays below [`Inspector::BUFFER_LIMIT`].
//!
//! The rules are those of `oslo_utils.imageutils.format_inspector`, so that an image gets the same
//! answer from every OpenStack service. `README.md` lists where this crate deliberately differs.

mod fields;
mod finding;
mod format;
mod gpt;
mod inspection;
mod inspector;
mod iso;
mod luks;
mod qcow2;
mod qed;
mod stream;
mod vdi;
mod vhd;
mod vhdx;
mod vmdk;

pub use finding::{Check, Finding, UnknownCheck};
pub use format::{Format, UnknownFormat};
pub use inspection::{Ambiguous, Detected, Inspection};
pub use inspector::Inspector;
