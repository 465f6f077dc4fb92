//! Damage that keeps images openable: it hits where QEMU and we look, and puts in what both search for.

use std::path::Path;

use crate::builders::{self, DESCRIPTOR, Image};
use crate::images::File;
use crate::random::Random;

/// Formats that QEMU is told instead of probing.
const FORMATS: &[&str] = &["vmdk", "vmdk", "vmdk", "qcow2", "qcow", "qed", "vpc", "vdi", "vhdx", "parallels"];

/// What decides in one format or another. The files that are named exist.
const WORDS: &[&[u8]] = &[
    b"QFI\xfb",
    b"QED\0",
    b"KDMV",
    b"COWD",
    b"LUKS\xba\xbe",
    b"conectix",
    b"vhdxfile",
    b"\x7f\x10\xda\xbe",
    b"version=1\n",
    b"version=3\r\n",
    b"#",
    b"# \xff\0\n",
    b" \r\n",
    b"\nRW 1 FLAT \"raw\" 0\n",
    b"\nRW\t1\x0bVMFS\x0c\"raw\"\n",
    b"\nRW 1 SPARSE \"vmdk-monolithic-sparse\"\n",
    b"createType=\"vmfs\"",
    b"createType  vmfs\"",
    b"createtype=\"vmfs\"",
    b"createType=\"monolithicSparse\"",
    b"createType",
    b"CID=1\nparentCID=ffffffff\n",
    b"parentFileNameHint=\"raw\"",
    b"parentFileNameHint",
    b"\"",
    b"\n",
    b"\r\n",
    b" ",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
];

/// Images that `qemu-img` does not write.
pub(crate) fn hand_made(folder: &Path) -> Vec<File> {
    let parent = format!("{DESCRIPTOR}parentFileNameHint=\"raw\"\n");
    let flat =
        DESCRIPTOR.replace("monolithicSparse", "monolithicFlat").replace("SPARSE \"disk.vmdk\"", "FLAT \"raw\" 0");
    let text = |text: &str| Image(text.into());
    let images = [
        ("cowd", builders::cowd(DESCRIPTOR)),
        ("cowd-parent", builders::cowd(&parent)),
        ("vmdk-parent", builders::vmdk(&parent)),
        ("vmdk-no-capacity", builders::vmdk(&flat).put(12, &[0; 8])),
        ("vmdk-long-descriptor", builders::vmdk(&parent).put(36, &[0xff; 7])),
        ("text-flat", text(&flat)),
        ("text-parent", text(&format!("{flat}parentFileNameHint=\"raw\"\n"))),
        ("text-short", text("version=1\ncreateType=\"vmfs\"\nparentCID=1\nRW 1 VMFS \"raw\"\n")),
        ("text-binary", text(&flat).put(3, &[0xff])),
        ("text-loose", text(&flat.replace("createType=", "createType:"))),
        ("text-split", text(&flat.replace('\n', "\r\n"))),
        ("qcow2-short", short_qcow2(0)),
        (
            "qcow2-short-backing",
            short_qcow2(0).put(8, &112_u64.to_be_bytes()).put(16, &3_u32.to_be_bytes()).put(112, b"raw"),
        ),
        ("qcow2-short-data-file", short_qcow2(4)),
    ];
    let file = |(name, image): (&str, Image)| File { path: folder.join(name), bytes: image.0 };
    images.into_iter().map(file).collect()
}

/// The smallest qcow2 file that QEMU opens: a disk of no bytes, with tables in the zeroes behind the end of the file.
fn short_qcow2(features: u64) -> Image {
    let data_file = [b"DATA".as_slice(), &3_u32.to_be_bytes(), b"raw"].concat();
    builders::qcow2(3)
        .cut(112)
        .put(24, &[0; 8])
        .put(48, &(1_u64 << 16).to_be_bytes())
        .put(56, &1_u32.to_be_bytes())
        .put(72, &features.to_be_bytes())
        .put(96, &4_u32.to_be_bytes())
        .put(100, &112_u32.to_be_bytes())
        .put(112, if features == 0 { b"" } else { &data_file })
}

/// A damaged image, and the format it is opened as; `None` has QEMU probe it.
pub(crate) fn damage(seeds: &[File], random: &mut Random) -> (Vec<u8>, Option<&'static str>) {
    let mut bytes = random.pick(seeds).bytes.clone();
    for _ in 0..=random.below(3) {
        match random.below(8) {
            0 => bytes.truncate(edge(&bytes, random)),
            1 => insert(&mut bytes, random),
            2 => splice(&mut bytes, &random.pick(seeds).bytes, random),
            3 => remove(&mut bytes, random),
            _ => overwrite(&mut bytes, random),
        }
    }
    let format = (random.below(4) == 0).then(|| *random.pick(FORMATS));
    (bytes, format)
}

/// A position where formats keep their structures.
fn edge(bytes: &[u8], random: &mut Random) -> usize {
    let reach = *random.pick(&[16, 80, 128, 512, 600, 1024, 2048, 4096, 65_536 + 512]);
    let place = random.below(reach);
    let place = if random.below(3) == 0 { place.next_multiple_of(8) } else { place };
    place.min(bytes.len())
}

fn content(random: &mut Random) -> Vec<u8> {
    match random.below(4) {
        0 => vec![random.next() as u8],
        1 => vec![*random.pick(&[0, 1, 0xff]); *random.pick(&[1, 2, 4, 8, 64])],
        _ => random.pick(WORDS).to_vec(),
    }
}

fn overwrite(bytes: &mut [u8], random: &mut Random) {
    let (at, new) = (edge(bytes, random), content(random));
    let length = new.len().min(bytes.len() - at);
    bytes[at..at + length].copy_from_slice(&new[..length]);
}

fn insert(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = edge(bytes, random);
    bytes.splice(at..at, content(random));
}

fn remove(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = edge(bytes, random);
    let end = (at + 1 + random.below(16)).min(bytes.len());
    bytes.drain(at..end);
}

/// Puts a part of another image in the same place.
fn splice(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let (start, end) = (edge(other, random), edge(other, random));
    let (start, end) = (start.min(end), start.max(end));
    bytes.resize(bytes.len().max(end), 0);
    bytes[start..end].copy_from_slice(&other[start..end]);
}
