//! The images of OpenStack's security advisories, each in every disguise that QEMU sees through.

use image_format::{Check, Detected, Format, Inspector};

use crate::builders::{self, DESCRIPTOR, Image};
use crate::verdict::inspect;

fn only(image: &Image) -> Detected {
    inspect(&image.0, 1000).verdict().expect("one format").clone()
}

fn fails(image: &Image, check: Check) -> bool {
    only(image).findings.iter().any(|finding| finding.check == check && check.is_about_other_files())
}

fn backing_file(version: u32) -> Image {
    builders::qcow2(version).put(8, &112_u64.to_be_bytes()).put(16, &11_u32.to_be_bytes()).put(112, b"/etc/shadow")
}

#[test]
fn ossa_2015_014_qcow2_with_a_backing_file() {
    for version in 1..=4 {
        for length in [1024, 511, 123, 60, 9] {
            // The offset of the name is cut only where the file is shorter than that field.
            let image = backing_file(version).cut(length.max(16));
            assert!(fails(&image, Check::BackingFile), "version {version}, {length} bytes");
        }
    }
}

#[test]
fn ossa_2024_001_qcow2_with_a_data_file() {
    for length in [1024, 511, 104, 80] {
        let image = builders::qcow2(3).put(79, &[4]).cut(length);
        assert!(fails(&image, Check::DataFile), "{length} bytes");
    }
    for unknown in [1_u64 << 4, 1 << 63] {
        let image = builders::qcow2(3).put(72, &unknown.to_be_bytes()).cut(80);
        assert!(fails(&image, Check::UnknownFeatures));
    }
}

#[test]
fn ossa_2023_002_vmdk_descriptor_with_extents() {
    let flat = DESCRIPTOR.replace("monolithicSparse", "monolithicFlat");
    for (what, text) in [
        ("as VMware writes it", flat.clone()),
        ("shorter than any header", "version=1\ncreateType=\"vmfs\"\nparentCID=1\nRW 1 VMFS \"/x\"\n".to_owned()),
        ("with the line ends of Windows", flat.replace('\n', "\r\n")),
        ("with other letters than ASCII", flat.replacen('#', "# é\n#", 1)),
        ("with control characters", flat.replacen('#', "#\u{1}\u{7f}\n#", 1)),
        ("without the equals sign", flat.replace("createType=", "createType:")),
        ("in a comment", flat.replace("createType=", "# createType=")),
        ("in the capitals of another key", flat.replacen("version", "CREATETYPE=x\nversion", 1)),
    ] {
        let image = Image(text.clone().into_bytes());
        assert!(fails(&image, Check::Descriptor), "{what}: {text}");
        let padded = Image([text.as_bytes(), &[0; 4096]].concat());
        assert!(fails(&padded, Check::Descriptor), "{what}, with zeroes behind it");
    }
}

#[test]
fn ossa_2023_002_sparse_vmdk_with_the_descriptor_of_a_flat_one() {
    let flat = DESCRIPTOR.replace("monolithicSparse", "monolithicFlat");
    assert!(fails(&builders::vmdk(&flat).put(12, &[0; 8]), Check::Descriptor));
    let elsewhere = builders::vmdk(DESCRIPTOR).put(12, &[0; 8]).put(28, &[40]).put(40 * 512, flat.as_bytes());
    assert!(fails(&elsewhere, Check::Descriptor));
}

#[test]
fn parents_of_a_vmdk_are_found_whatever_its_header_says() {
    let parent = format!("{DESCRIPTOR}parentFileNameHint=\"/etc/shadow\"\n");
    let vmdk = builders::vmdk(&parent);
    for (what, image) in [
        ("COWD", builders::cowd(&parent)),
        ("COWD, cut behind the descriptor", builders::cowd(&parent).cut(512 + parent.len())),
        ("sparse", vmdk.clone()),
        ("a descriptor behind the end", vmdk.clone().put(36, &[0xff; 7])),
        ("no descriptor", vmdk.clone().put(36, &[0; 8])),
        ("a descriptor elsewhere", vmdk.clone().put(28, &[7])),
        ("an unknown version", vmdk.clone().put(4, &[9])),
        ("a footer that is not there", vmdk.put(56, &[0xff; 8])),
    ] {
        assert!(fails(&image, Check::BackingFile), "{what}");
    }
    assert!(!fails(&builders::vmdk(DESCRIPTOR), Check::BackingFile));
}

#[test]
fn cowd_extents_are_refused_with_or_without_a_parent() {
    for image in [builders::cowd(DESCRIPTOR), Image(b"COWD".to_vec())] {
        assert!(fails(&image, Check::Descriptor) && !fails(&image, Check::BackingFile));
    }
}

#[test]
fn differencing_disks_of_hyper_v_name_a_parent() {
    assert!(fails(&builders::vhd().put(60, &4_u32.to_be_bytes()), Check::BackingFile));
    let locator = *b"\x2d\x5f\xd3\xa8\x0b\xb3\x4d\x45\xab\xf7\xd3\xd8\x48\x34\xab\x0c";
    let vhdx = builders::vhdx().put(builders::VHDX_METADATA_AT + 32, &locator);
    assert!(fails(&vhdx, Check::BackingFile));
    assert!(fails(&vhdx.cut(builders::VHDX_SIZE_AT), Check::BackingFile), "without the size");
}

/// OSSA-2016-012: a header that makes `qemu-img` take all memory. Here it is read in a fixed room.
#[test]
fn ossa_2016_012_headers_that_claim_huge_tables_take_no_memory() {
    for (format, image, _) in builders::well_formed() {
        for field in (8..128).step_by(4) {
            let mut inspector = Inspector::new();
            let hostile = Image(image.clone()).put(field, &[0xff; 4]);
            for chunk in hostile.0.chunks(64 << 10) {
                inspector.feed(chunk);
                assert!(inspector.buffered_bytes() <= Inspector::BUFFER_LIMIT, "{format}, field {field}");
            }
        }
    }
}

#[test]
fn short_heads_go_on_with_zeroes() {
    for (format, image, needed) in builders::well_formed() {
        let magic = match format {
            Format::Vdi => 0x44,
            Format::Qcow2 | Format::Vmdk | Format::Vhd => 8,
            _ => continue,
        };
        for length in [magic, 100.max(magic), 511] {
            let found = only(&Image(image.clone()).cut(length));
            assert_eq!(found.format, format, "{length} bytes of {needed}");
            assert!(!found.is_safe(), "{format}: {length} bytes are no whole header");
        }
    }
    assert_eq!(only(&builders::qed().cut(4)).findings[0].check, Check::Banned);
    assert_eq!(only(&Image(Vec::new())).format, Format::Raw);
}
