//! Each format by hand-made headers: what is detected, which size it has, which checks fail.

use image_format::{Check, Detected, Format, Inspection};

use crate::builders::{self, DESCRIPTOR, DISK, Image};
use crate::verdict::{Verdict, inspect};

fn only(image: &Image) -> Detected {
    inspect(&image.0, 1000).verdict().expect("one format").clone()
}

fn checks(image: &Image) -> Vec<Check> {
    only(image).findings.into_iter().map(|finding| finding.check).collect()
}

#[test]
fn well_formed_images_tell_their_size_and_are_safe() {
    for (format, image, _) in builders::well_formed() {
        let size = match format {
            Format::Iso => 20 * 2048,
            Format::Gpt => image.len() as u64,
            Format::Luks => image.len() as u64 - 8 * 512,
            _ => DISK,
        };
        let found = only(&Image(image));
        assert_eq!((found.format, found.virtual_size), (format, Some(size)));
        assert_eq!(found.is_safe(), format != Format::Qed, "{format}");
    }
}

#[test]
fn anything_else_is_raw() {
    for bytes in [vec![], vec![0; 100_000], b"not a disk".repeat(5000)] {
        let found = only(&Image(bytes.clone()));
        assert_eq!((found.format, found.virtual_size), (Format::Raw, Some(bytes.len() as u64)));
        assert!(found.is_safe());
    }
}

#[test]
fn qcow2_must_stand_on_its_own() {
    let v3 = builders::qcow2(3);
    let with_backing = v3.clone().put(8, &600u64.to_be_bytes()).put(16, &11u32.to_be_bytes()).put(600, b"/etc/shadow");
    let found = only(&with_backing);
    assert_eq!(found.findings[0].check, Check::BackingFile);
    assert_eq!(found.backing_file.as_deref(), Some("/etc/shadow"));

    let out_of_reach = v3.clone().put(8, &[0xff; 8]).put(16, &[0xff; 4]);
    assert_eq!(only(&out_of_reach).backing_file, None);
    assert_eq!(checks(&out_of_reach), [Check::BackingFile]);

    assert_eq!(checks(&v3.clone().put(79, &[0b0000_1011])), []);
    assert_eq!(checks(&v3.clone().put(79, &[0b0000_0100])), [Check::DataFile]);
    for bit in 4..64 {
        let features = v3.clone().put(72, &(1u64 << bit).to_be_bytes());
        assert_eq!(checks(&features), [Check::UnknownFeatures], "bit {bit}");
    }
}

#[test]
fn qcow2_versions() {
    for (version, expected) in [(1, vec![Check::UnknownFeatures]), (2, vec![]), (4, vec![Check::UnknownFeatures])] {
        assert_eq!(checks(&builders::qcow2(version)), expected, "version {version}");
    }
    // Version 2 has no feature bits: whatever is there is a header extension.
    assert_eq!(checks(&builders::qcow2(2).put(72, &[0xff; 8])), []);
}

#[test]
fn qed_is_banned() {
    assert_eq!(checks(&builders::qed()), [Check::Banned]);
}

#[test]
fn vhd_has_its_current_size() {
    let resized = builders::vhd().put(48, &(2 * DISK).to_be_bytes());
    assert_eq!(only(&resized).virtual_size, Some(2 * DISK));
}

#[test]
fn fixed_vhd_is_raw_with_a_note() {
    let fixed = builders::fixed_vhd(Image::zeroed(8192));
    let inspection = inspect(&fixed.0, 100);
    assert_eq!(inspection.verdict().expect("one format").format, Format::Raw);
    assert_eq!(inspection.fixed_vhd_size, Some(8192));

    let size = |image: Image| inspect(&image.0, 100).fixed_vhd_size;
    assert_eq!(size(fixed.clone().put(8192 + 64, &[1])), None, "wrong checksum");
    assert_eq!(size(Image([vec![0; 512], fixed.0].concat())), None, "wrong size");
    assert_eq!(size(builders::vhd()), None, "dynamic");
}

#[test]
fn vhdx_without_a_size() {
    let vhdx = builders::vhdx();
    let (regions, metadata) = (builders::VHDX_REGIONS_AT, builders::VHDX_METADATA_AT);
    for (what, image) in [
        ("no region table", vhdx.clone().put(regions, b"geri")),
        ("too many regions", vhdx.clone().put(regions + 8, &2048u32.to_le_bytes())),
        ("no metadata region", vhdx.clone().put(regions + 8, &1u32.to_le_bytes())),
        ("too many items", vhdx.clone().put(metadata + 10, &2048u16.to_le_bytes())),
        ("no size item", vhdx.clone().put(metadata + 10, &1u16.to_le_bytes())),
    ] {
        let found = only(&image);
        assert_eq!((found.format, found.virtual_size), (Format::Vhdx, None), "{what}");
        assert!(found.is_safe(), "{what}");
    }
}

#[test]
fn vhdx_that_cannot_be_followed() {
    let vhdx = builders::vhdx();
    let (regions, metadata) = (builders::VHDX_REGIONS_AT, builders::VHDX_METADATA_AT);
    for (what, image) in [
        ("metadata region in front", vhdx.clone().put(regions + 64, &4096u64.to_le_bytes())),
        ("metadata region behind the end", vhdx.clone().put(regions + 64, &[0xff; 8])),
        ("no metadata table", vhdx.clone().put(metadata, b"x")),
        ("size item inside the table", vhdx.clone().put(metadata + 80, &64u32.to_le_bytes())),
        ("size item behind the end", vhdx.clone().put(metadata + 80, &[0xff; 4])),
        ("size item of another length", vhdx.clone().put(metadata + 84, &4u32.to_le_bytes())),
    ] {
        let found = only(&image);
        assert_eq!(found.format, Format::Vhdx, "{what}");
        assert!(found.unreadable.is_some() && !found.is_safe(), "{what}");
    }
}

#[test]
fn vmdk_descriptor_files_are_never_safe() {
    for kind in ["monolithicFlat", "twoGbMaxExtentSparse", "vmfs", "monolithicSparse", "streamOptimized", "custom"] {
        let text = DESCRIPTOR.replace("monolithicSparse", kind);
        let found = only(&Image(text.clone().into_bytes()));
        assert_eq!((found.format, found.create_type.as_deref()), (Format::Vmdk, Some(kind)));
        assert_eq!(found.findings[0].check, Check::Descriptor);
        // The extent that matters can follow far behind, or behind something that is no text.
        for filler in ["# filler\n".repeat(50_000), "# é\n".repeat(200)] {
            let padded = format!("#{}\n{filler}{text}", " ".repeat(600));
            assert_eq!(checks(&Image(padded.into_bytes())), [Check::Descriptor], "{kind}");
        }
    }
}

#[test]
fn text_without_a_create_type_is_raw() {
    let text = DESCRIPTOR.replace("createType", "type");
    assert_eq!(only(&Image(text.into_bytes())).format, Format::Raw);
    let zero = Image(DESCRIPTOR.into()).put(20, &[0]);
    assert_eq!(only(&zero).format, Format::Raw, "QEMU reads no further than to a zero byte");
    let open = Image(DESCRIPTOR.replace("Sparse\"\n", "Sparse\n").into()).put(100, &[0x80]);
    assert_eq!(only(&open).format, Format::Raw, "binary, and no value that QEMU would take");
}

#[test]
fn vmdk_header_must_be_usable() {
    let vmdk = builders::vmdk(DESCRIPTOR);
    assert_eq!(checks(&vmdk.clone().put(4, &4u32.to_le_bytes())), [Check::Descriptor], "version");
    assert_eq!(checks(&vmdk.clone().put(28, &2u64.to_le_bytes())), [Check::Descriptor], "descriptor elsewhere");
    assert_eq!(checks(&vmdk.clone().put(36, &0u64.to_le_bytes())), [Check::Descriptor], "no descriptor");
    assert!(only(&vmdk.clone().put(36, &[0xff; 8])).unreadable.is_some(), "descriptor behind the end");
    assert_eq!(only(&vmdk.put(12, &[0xff; 8])).virtual_size, None, "impossible capacity");
}

#[test]
fn vmdk_descriptor_is_read_to_its_end() {
    let filler = "# filler\n".repeat(50_000);
    let text = format!("{DESCRIPTOR}{filler}");
    assert!(only(&builders::vmdk(&text)).is_safe());
    let dangerous = format!("{text}RW 1 FLAT \"/etc/shadow\" 0\n");
    assert_eq!(checks(&builders::vmdk(&dangerous)), [Check::Descriptor]);
    let parent = format!("{text}parentFileNameHint=\"base.vmdk\"\n");
    assert_eq!(checks(&builders::vmdk(&parent)), [Check::BackingFile]);
}

#[test]
fn vmdk_footer_must_repeat_the_header() {
    let stream = builders::stream_optimized();
    let footer = stream.0.len() - 1536;
    for (what, image) in [
        ("signature", stream.clone().put(footer + 512, b"COWD")),
        ("version", stream.clone().put(footer + 516, &[2])),
        ("descriptor place", stream.clone().put(footer + 512 + 28, &[2])),
        ("descriptor size", stream.clone().put(footer + 512 + 36, &[19])),
        ("another footer", stream.clone().put(footer + 512 + 56, &[0xff; 8])),
        ("marker size", stream.clone().put(footer + 8, &[1])),
        ("marker type", stream.clone().put(footer + 12, &[2])),
        ("marker padding", stream.clone().put(footer + 511, &[1])),
        ("end value", stream.clone().put(footer + 1024, &[1])),
        ("end padding", stream.clone().put(footer + 1535, &[1])),
    ] {
        assert_eq!(checks(&image), [Check::Footer], "{what}");
    }
    // The header of the footer may differ where it must: it knows the grain directory.
    assert!(only(&stream.clone().put(footer + 512 + 56, &[99])).is_safe());
    let elsewhere = stream.put(28, &[2]).put(footer + 512 + 28, &[2]);
    assert_eq!(checks(&elsewhere), [Check::Descriptor]);
}

#[test]
fn iso_and_udf() {
    for (identifier, kind, size) in
        [(b"CD001", 1, Some(40_960)), (b"CD001", 2, None), (b"NSR02", 0, None), (b"NSR03", 0, None)]
    {
        let found = only(&builders::iso().put(32 << 10, &[kind]).put((32 << 10) + 1, identifier));
        assert_eq!((found.format, found.virtual_size), (Format::Iso, size));
    }
    assert_eq!(only(&builders::iso().put((32 << 10) + 1, b"BEA01")).format, Format::Raw);
}

#[test]
fn partition_tables() {
    use builders::{mbr, partition};
    let linux = partition(0x80, [1, 1, 0], 0x83, 2048);
    let protective = partition(0, [0, 2, 0], 0xEE, 1);
    let empty = [0; 16];
    for (what, partitions, expected) in [
        ("one partition", vec![linux], vec![]),
        ("a partition in the last entry", vec![empty, empty, empty, linux], vec![]),
        ("protective", vec![protective], vec![]),
        ("none", vec![], vec![Check::Mbr]),
        ("boot flag", vec![partition(1, [1, 1, 0], 0x83, 2048)], vec![Check::Mbr]),
        ("protective and another", vec![protective, linux], vec![Check::Mbr]),
        ("protective, but second", vec![empty, protective], vec![Check::Mbr]),
        ("protective with another CHS", vec![partition(0, [0, 1, 0], 0xEE, 1)], vec![Check::Mbr]),
        ("protective with another LBA", vec![partition(0, [0, 2, 0], 0xEE, 2)], vec![Check::Mbr]),
    ] {
        assert_eq!(checks(&mbr(&partitions)), expected, "{what}");
    }
    assert_eq!(only(&builders::fat()).format, Format::Raw);
}

#[test]
fn luks_versions_and_sizes() {
    assert_eq!(checks(&builders::luks().put(6, &2u16.to_be_bytes())), [Check::Version]);
    let beyond_the_end = builders::luks().put(104, &[0xff; 4]);
    assert_eq!(only(&beyond_the_end).virtual_size, None);
}

#[test]
fn several_formats_are_ambiguous_but_for_a_hybrid_iso() {
    let both = |image: Image| {
        let Inspection { formats, .. } = inspect(&image.0, 1000);
        formats.into_iter().map(|found| found.format).collect::<Vec<_>>()
    };
    let hybrid = builders::iso().put(0, &builders::gpt().0[..512]);
    assert_eq!(both(hybrid.clone()), [Format::Iso, Format::Gpt]);
    let inspection = inspect(&hybrid.0, 1000);
    let ambiguous = inspection.verdict().expect_err("two formats");
    assert_eq!(ambiguous.to_string(), "Multiple formats detected: iso,gpt");
    assert_eq!(inspection.verdict_allowing_hybrid_iso().expect("an ISO").format, Format::Iso);

    let hidden = builders::iso().put(0, &builders::qcow2(3).0);
    assert_eq!(both(hidden.clone()), [Format::Qcow2, Format::Iso]);
    assert!(inspect(&hidden.0, 1000).verdict_allowing_hybrid_iso().is_err());
    let three = hybrid.put(0, b"QFI\xfb");
    assert!(inspect(&three.0, 1000).verdict_allowing_hybrid_iso().is_err());
    assert_eq!(Verdict::of(&three.0, 1000).0.len(), 3);
}
