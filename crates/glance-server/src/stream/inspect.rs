//! Whether the bytes of an image are what the image says, and safe (`glance-behaviour` part 7.3).
//!
//! Only bare images are inspected: what is inside an OVA or an archive is not a disk. Data that is declared `raw` may be
//! anything, but what it is recognised as must be safe all the same: whoever opens it later may probe its format.
//! `require_image_format_match = False` tolerates another format than the declared one, and nothing else.

use glance_domain::Image;
use image_format::{Check, Detected, Finding, Format, Inspector};

use crate::app::error::{Error, Result};
use crate::config::ImageFormat;

/// The inspection of one upload.
pub struct Inspection {
    /// `None` for containers, which nobody looks into.
    inspector: Option<Box<Inspector>>,
    declared: String,
    rules: ImageFormat,
}

/// Why data is refused.
enum Refused {
    /// It is not of the declared format; a warning where the configuration is lenient.
    Mismatch(String),
    /// It cannot be checked: it ends within its headers, or they cannot be followed.
    Unreadable(String),
    /// It is dangerous.
    Unsafe(String),
}

impl Inspection {
    /// Inspects the data of `image`.
    #[must_use]
    pub fn of(image: &Image, rules: &ImageFormat) -> Self {
        let bare = image.container_format.as_deref() == Some("bare");
        Self {
            inspector: bare.then(|| Box::new(Inspector::new())),
            declared: image.disk_format.clone().unwrap_or_default(),
            rules: rules.clone(),
        }
    }

    /// Looks at the next chunk.
    pub fn feed(&mut self, chunk: &[u8]) {
        if let Some(inspector) = &mut self.inspector {
            inspector.feed(chunk);
        }
    }

    /// Ends the inspection and gives the size of the disk inside, in bytes, if it is known and not zero.
    ///
    /// # Errors
    /// `UnacceptableData` for data of another format, of several formats at once, or with dangerous contents.
    pub fn verdict(mut self) -> Result<Option<u64>> {
        let Some(inspector) = self.inspector.take() else { return Ok(None) };
        let found = inspector.finish();
        let judged = match self.judge(&found) {
            Err(Refused::Mismatch(why)) if !self.rules.require_image_format_match => self.tolerate(&found, &why),
            judged => judged,
        };
        match judged {
            Ok(virtual_size) => Ok(virtual_size.filter(|size| *size > 0)),
            Err(Refused::Mismatch(why)) => Err(Error::UnacceptableData(why.into())),
            Err(Refused::Unreadable(why)) => {
                Err(Error::UnacceptableData(format!("Image format inspection failed: {why}").into()))
            }
            Err(Refused::Unsafe(why)) => {
                tracing::warn!(declared = %self.declared, %why, "the image is not safe");
                Err(Error::UnacceptableData("Image failed safety checks".into()))
            }
        }
    }

    fn judge(&self, found: &image_format::Inspection) -> Result<Option<u64>, Refused> {
        let detected =
            found.verdict_allowing_hybrid_iso().map_err(|ambiguous| Refused::Mismatch(ambiguous.to_string()))?;
        let virtual_size = self.match_format(found, detected)?;
        if virtual_size.is_some_and(|size| i64::try_from(size).is_err()) {
            return Err(Refused::Unsafe("it claims a disk that no catalogue can describe".into()));
        }
        self.check_safety(detected)?;
        Ok(virtual_size)
    }

    fn match_format(&self, found: &image_format::Inspection, detected: &Detected) -> Result<Option<u64>, Refused> {
        let declared = self.declared.as_str();
        if detected.format.as_str() == declared {
            return Ok(detected.virtual_size);
        }
        let inspectable = Format::ALL.iter().any(|format| format.as_str() == declared);
        match detected.format {
            Format::Raw if !inspectable => Ok(None),
            _ if declared == "raw" => {
                tracing::warn!(detected = detected.format.as_str(), "an image that is declared raw is something else");
                Ok(Some(found.bytes))
            }
            Format::Raw | Format::Gpt if declared == "vhd" && found.fixed_vhd_size.is_some() => {
                Ok(found.fixed_vhd_size)
            }
            other => Err(Refused::Mismatch(format!(
                "Image disk_format {declared} does not match stream data {}",
                other.as_str()
            ))),
        }
    }

    /// Keeps data of another format than declared, or of several formats, if none of them is dangerous. Partition tables
    /// and versions are not judged: much that is neither a disk nor a LUKS volume looks a little like one.
    fn tolerate(&self, found: &image_format::Inspection, why: &str) -> Result<Option<u64>, Refused> {
        for detected in &found.formats {
            refuse(detected, |finding| finding.check.is_about_other_files())?;
        }
        tracing::warn!(declared = %self.declared, %why, "the image's format does not match; it is kept as it is");
        Ok(None)
    }

    fn check_safety(&self, detected: &Detected) -> Result<(), Refused> {
        refuse(detected, |finding| !self.is_tolerated(detected.format, finding.check))
    }

    /// Whether a failed check only warns: partition tables, as configured; kernels and ramdisks often look like one.
    fn is_tolerated(&self, format: Format, check: Check) -> bool {
        let kernel = matches!(self.declared.as_str(), "aki" | "ari") && check == Check::Mbr;
        let configured = self.rules.gpt_safety_checks_nonfatal.iter().any(|name| name == check.as_str());
        format == Format::Gpt && (kernel || configured)
    }
}

/// Refuses data with a finding that is `fatal`, and data that cannot be checked.
fn refuse(detected: &Detected, fatal: impl Fn(&Finding) -> bool) -> Result<(), Refused> {
    if let Some(finding) = detected.findings.iter().find(|finding| fatal(finding)) {
        return Err(Refused::Unsafe(finding.to_string()));
    }
    detected.unreadable.clone().map_or(Ok(()), |why| Err(Refused::Unreadable(why)))
}

#[cfg(test)]
mod tests {
    use glance_domain::{ImageId, Timestamp};

    use super::*;

    fn verdict(disk: &str, container: &str, data: &[u8], lenient: bool) -> Result<Option<u64>> {
        let mut image = Image::new(ImageId::parse("one").unwrap(), None, Timestamp::parse_iso("2026-01-01").unwrap());
        image.disk_format = Some(disk.into());
        image.container_format = Some(container.into());
        let rules = ImageFormat {
            container_formats: Vec::new(),
            disk_formats: Vec::new(),
            require_image_format_match: !lenient,
            gpt_safety_checks_nonfatal: Vec::new(),
        };
        let mut inspection = Inspection::of(&image, &rules);
        data.chunks(100).for_each(|chunk| inspection.feed(chunk));
        inspection.verdict()
    }

    /// A qcow2 header (version 3) for a disk of 64 KiB, with a backing file name of `backing` bytes.
    fn qcow2(backing: u32) -> Vec<u8> {
        let mut header = vec![0; 1024];
        header[..4].copy_from_slice(b"QFI\xfb");
        header[7] = 3;
        if backing > 0 {
            header[8..16].copy_from_slice(&512_u64.to_be_bytes());
            header[16..20].copy_from_slice(&backing.to_be_bytes());
        }
        header[20..24].copy_from_slice(&16_u32.to_be_bytes());
        header[24..32].copy_from_slice(&65536_u64.to_be_bytes());
        header[100..104].copy_from_slice(&104_u32.to_be_bytes());
        header
    }

    #[test]
    fn the_declared_format_must_be_the_real_one() {
        assert_eq!(verdict("qcow2", "bare", &qcow2(0), false).unwrap(), Some(65536));
        let refused = verdict("qcow2", "bare", b"abc", false).unwrap_err().to_string();
        assert_eq!(refused, "Image disk_format qcow2 does not match stream data raw");
        assert_eq!(verdict("qcow2", "bare", b"abc", true).unwrap(), None);
        assert_eq!(verdict("raw", "bare", b"abc", false).unwrap(), Some(3));
        assert_eq!(verdict("raw", "bare", b"", false).unwrap(), None);
        assert_eq!(verdict("ami", "bare", b"abc", false).unwrap(), None);
    }

    #[test]
    fn raw_may_be_anything_that_is_safe() {
        assert_eq!(verdict("raw", "bare", &qcow2(0), false).unwrap(), Some(1024));
        let refused = verdict("raw", "bare", &qcow2(10), true).unwrap_err().to_string();
        assert_eq!(refused, "Image failed safety checks");
    }

    /// A text that QEMU opens together with `/etc/shadow`, whatever it is declared to be.
    const FLAT_VMDK: &[u8] = b"version=1\ncreateType=\"vmfs\"\nparentCID=1\nRW 1 VMFS \"/etc/shadow\"\n";

    fn dangerous() -> Vec<(&'static str, Vec<u8>)> {
        let data_file = [&qcow2(0)[..79], &[4], &[0; 32]].concat();
        let cowd = [b"COWD".as_slice(), &[0; 508], b"parentFileNameHint=\"/etc/shadow\"\n"].concat();
        let in_an_iso = [qcow2(10), vec![0; 31 << 10], b"\x01CD001\x01".to_vec(), vec![0; 4096]].concat();
        vec![
            ("OSSA-2015-014: backing file", qcow2(10)),
            ("OSSA-2015-014: backing file, short head", qcow2(10)[..112].to_vec()),
            ("OSSA-2024-001: data file", data_file),
            ("OSSA-2023-002: flat VMDK", FLAT_VMDK.to_vec()),
            ("COWD with a parent", cowd),
            ("a qcow2 in an ISO", in_an_iso),
            ("QED", [b"QED\0".as_slice(), &[0; 508]].concat()),
        ]
    }

    /// Also OSSA-2024-003 and OSSA-2026-002: what others were tricked into opening by its content.
    #[test]
    fn dangerous_data_is_refused_whatever_it_is_declared_to_be_and_however_lenient_the_rules_are() {
        for (what, data) in dangerous() {
            for declared in ["raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "ploop", "ami", "aki", "ari"] {
                for lenient in [false, true] {
                    let verdict = verdict(declared, "bare", &data, lenient);
                    let refused = matches!(verdict, Err(Error::UnacceptableData(_)));
                    assert!(refused, "{what}, declared {declared}, lenient: {lenient}: {verdict:?}");
                }
            }
        }
    }

    #[test]
    fn lenient_rules_tolerate_another_format_and_nothing_else() {
        let empty_table = [vec![0; 510], vec![0x55, 0xaa], vec![0; 512]].concat();
        for (what, data, declared) in [
            ("another format", qcow2(0), "vmdk"),
            ("none at all", b"abc".to_vec(), "vhdx"),
            ("a boot sector", empty_table.clone(), "ami"),
            ("two formats", [qcow2(0), vec![0; 31 << 10], b"\x01CD001\x01".to_vec(), vec![0; 4096]].concat(), "iso"),
        ] {
            assert!(verdict(declared, "bare", &data, false).is_err(), "{what}");
            assert_eq!(verdict(declared, "bare", &data, true).unwrap(), None, "{what}");
        }
        let truncated = verdict("vhdx", "bare", b"vhdxfile", true).unwrap_err().to_string();
        assert_eq!(truncated, "Image format inspection failed: the metadata is truncated");
        assert!(
            verdict("raw", "bare", &empty_table, true).is_err(),
            "the declared format matches, the table is invalid"
        );
    }

    #[test]
    fn a_disk_that_no_catalogue_can_describe_is_refused() {
        let mut huge = qcow2(0);
        huge[24..32].copy_from_slice(&(1_u64 << 63).to_be_bytes());
        assert!(verdict("qcow2", "bare", &huge, true).is_err());
    }

    #[test]
    fn containers_are_not_looked_into() {
        assert_eq!(verdict("qcow2", "ova", &qcow2(10), false).unwrap(), None);
    }
}
