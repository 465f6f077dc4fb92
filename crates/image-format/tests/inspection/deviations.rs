//! Where this crate deliberately gives another verdict than oslo.utils. `README.md` lists the same rows with the reasons.

use std::collections::BTreeSet;

use crate::builders::{self, DESCRIPTOR, Image};
use crate::verdict::{Entry, Verdict};

/// How `verdicts.py` cuts the images.
const CHUNK: usize = 64 << 10;

/// A deliberate deviation. The comparison fails if nothing shows it any more.
pub(crate) struct Deviation {
    pub(crate) name: &'static str,
    /// An image that shows it.
    pub(crate) example: fn() -> Image,
    /// Whether it is why these verdicts differ.
    pub(crate) explains: fn(&Difference<'_>) -> bool,
}

pub(crate) const TABLE: &[Deviation] = &[
    Deviation {
        name: "text-crash",
        example: || text(&format!("{}# é\n", flat(600))),
        explains: |difference| difference.theirs.0[0].format == "!AttributeError" && difference.is_text(),
    },
    Deviation {
        name: "descriptor-file",
        example: || text(&format!("{DESCRIPTOR}{}", "# filler\n".repeat(60))),
        explains: |difference| {
            difference.is_text() && difference.pair("vmdk", |theirs, ours| theirs.size == "!KeyError" && refused(ours))
        },
    },
    Deviation {
        name: "late-create-type",
        example: || text(&flat(100_000)),
        explains: |difference| difference.is_late() && difference.only_ours_is_vmdk(),
    },
    Deviation {
        name: "long-create-type",
        example: || text(&DESCRIPTOR.replace("monolithicSparse", &"x".repeat(100))),
        explains: |difference| difference.is_text() && difference.only_ours_is_vmdk(),
    },
    Deviation {
        name: "short-head",
        example: || builders::qcow2(3).cut(300),
        explains: |difference| difference.bytes.len() < 512 && difference.ours_alone_refuses(),
    },
    Deviation {
        name: "vmdk-cowd",
        example: || builders::cowd(DESCRIPTOR),
        explains: |difference| difference.bytes.starts_with(b"COWD") && difference.only_ours_is_vmdk(),
    },
    Deviation {
        name: "binary-descriptor",
        example: || text(&flat(600)).put(1, &[0xff]),
        explains: |difference| !difference.is_text() && difference.only_ours_is_vmdk(),
    },
    Deviation {
        name: "differencing-disk",
        example: || builders::vhd().put(60, &4u32.to_be_bytes()),
        explains: |difference| {
            let parent = |_: &Entry, ours: &Entry| ours.checks().contains("backing_file");
            difference.pair("vhd", parent) || difference.pair("vhdx", parent)
        },
    },
    Deviation {
        name: "vmdk-parent",
        example: || builders::vmdk(&format!("{DESCRIPTOR}parentFileNameHint=\"base.vmdk\"\n")),
        explains: |difference| difference.adds("vmdk", &["backing_file"]),
    },
    Deviation {
        name: "vmdk-decoy",
        example: || {
            let extent = "RW\t1\tFLAT\t\"/etc/shadow\"\t0\t=\n";
            builders::vmdk(&format!("{DESCRIPTOR}{extent}createType==monolithicFlat\"\n"))
        },
        explains: |difference| {
            difference.adds("vmdk", &["descriptor"]) || difference.adds("vmdk", &["descriptor", "backing_file"])
        },
    },
    Deviation {
        name: "vmdk-elsewhere",
        example: || builders::stream_optimized().put(28, &[2]),
        explains: |difference| {
            let unreadable = |theirs: &Entry| theirs.safety == "unreadable";
            difference.pair("vmdk", |theirs, ours| unreadable(theirs) && ours.checks().contains("descriptor"))
        },
    },
    Deviation {
        name: "vmdk-capacity",
        example: || builders::vmdk(DESCRIPTOR).put(12, &[0xff; 8]),
        explains: |difference| {
            let impossible = |theirs: &Entry| theirs.size.parse::<u128>().is_ok_and(|size| size > u64::MAX.into());
            difference.pair("vmdk", |theirs, ours| impossible(theirs) && ours.size == "0")
        },
    },
    Deviation {
        name: "qcow2-v2-features",
        example: || builders::qcow2(2).put(72, &[0, 0, 0, 1, 0, 0, 0, 4]),
        explains: |difference| {
            let removes = |theirs: &Entry, ours: &Entry| {
                let mut checks = theirs.checks();
                checks.remove("data_file") && checks == ours.checks() && theirs.size == ours.size
            };
            difference.bytes[4..8] != [0, 0, 0, 3] && difference.pair("qcow2", removes)
        },
    },
    Deviation {
        name: "vhd-current-size",
        example: || builders::vhd().put(48, &(2 * builders::DISK).to_be_bytes()),
        explains: |difference| difference.only_sizes_differ("vhd"),
    },
    Deviation { name: "qed-size", example: builders::qed, explains: |difference| difference.only_sizes_differ("qed") },
    Deviation {
        name: "vhdx-size-length",
        example: || builders::vhdx().put(builders::VHDX_METADATA_AT + 84, &4u32.to_le_bytes()),
        explains: |difference| {
            difference.pair("vhdx", |theirs, ours| theirs.size == "!error" && ours.safety == "unreadable")
        },
    },
    Deviation {
        name: "vhdx-structure",
        example: || builders::vhdx().put(builders::VHDX_METADATA_AT + 80, &64u32.to_le_bytes()),
        explains: |difference| {
            difference.pair("vhdx", |theirs, ours| theirs.safety == "safe" && ours.safety == "unreadable")
        },
    },
    Deviation {
        name: "luks-negative-size",
        example: || builders::luks().put(104, &[0xff; 4]),
        explains: |difference| {
            let negative = |theirs: &Entry| theirs.size.starts_with('-');
            difference
                .pair("luks", |theirs, ours| negative(theirs) && ours.size == "0" && theirs.checks() == ours.checks())
        },
    },
];

/// Two verdicts on the same bytes.
pub(crate) struct Difference<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) theirs: &'a Verdict,
    pub(crate) ours: &'a Verdict,
}

impl Difference<'_> {
    /// Whether both found the same formats, agree on all but `format`, and `differs` holds for that one.
    fn pair(&self, format: &str, differs: impl Fn(&Entry, &Entry) -> bool) -> bool {
        let explained = |(theirs, ours): (&Entry, &Entry)| {
            theirs.format == ours.format && (theirs == ours || theirs.format == format && differs(theirs, ours))
        };
        self.theirs.0.len() == self.ours.0.len() && self.theirs.0.iter().zip(&self.ours.0).all(explained)
    }

    /// Whether we report these checks in addition to theirs, and agree otherwise.
    fn adds(&self, format: &str, checks: &[&'static str]) -> bool {
        self.pair(format, |theirs, ours| {
            let mut expected = theirs.checks();
            let news = checks.iter().filter(|check| expected.insert(**check)).count();
            news == checks.len() && expected == ours.checks() && theirs.size == ours.size
        })
    }

    fn only_sizes_differ(&self, format: &str) -> bool {
        self.pair(format, |theirs, ours| theirs.safety == ours.safety)
    }

    fn is_text(&self) -> bool {
        self.bytes.iter().take(512).all(|byte| matches!(byte, b' '..=b'~' | 0x09..=0x0d | 0x1c..=0x1f))
    }

    /// Whether oslo.utils, which looks for the `createType` in the first chunk alone, could not see all of it.
    fn is_late(&self) -> bool {
        let seen = self.bytes.get(..CHUNK - 64).unwrap_or(self.bytes);
        self.is_text() && !seen.to_ascii_lowercase().windows(12).any(|window| window == b"createtype=\"")
    }

    /// Whether they find nothing, and we find only what is refused.
    fn ours_alone_refuses(&self) -> bool {
        let raw = self.theirs.0.iter().all(|entry| entry.format == "raw");
        raw && self.ours.0.iter().all(|entry| entry.safety != "safe")
    }

    fn only_ours_is_vmdk(&self) -> bool {
        let theirs = self.theirs.0.iter().all(|entry| entry.format != "vmdk");
        theirs && self.ours.0.iter().any(|entry| entry.format == "vmdk" && refused(entry))
    }
}

impl Entry {
    fn checks(&self) -> BTreeSet<&str> {
        if self.safety == "safe" { BTreeSet::new() } else { self.safety.split(',').collect() }
    }
}

fn refused(entry: &Entry) -> bool {
    entry.checks().contains("descriptor")
}

fn text(text: &str) -> Image {
    Image(text.into())
}

/// A descriptor file of flat extents behind a comment of `filler` bytes.
fn flat(filler: usize) -> String {
    format!("#{}\n{}", " ".repeat(filler), DESCRIPTOR.replace("monolithicSparse", "monolithicFlat"))
}
