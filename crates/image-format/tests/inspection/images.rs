//! Files to compare over: every format and subformat `qemu-img` writes, and what it cannot write.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::builders::{self, Image};
use crate::deviations;
use crate::random::Random;

/// Arguments of `qemu-img`, which runs in an empty folder. The last word names the image.
const COMMANDS: &[&str] = &[
    "create -q -f raw raw 1M",
    "create -q -f qcow qcow-v1 4M",
    "create -q -f qcow2 -o compat=0.10 qcow2-v2",
    "create -q -f qcow2 -o compat=1.1 qcow2-v3",
    "create -q -f qcow2 -o cluster_size=512 qcow2-cluster-512",
    "create -q -f qcow2 -o cluster_size=2M qcow2-cluster-2M",
    "create -q -f qcow2 -o lazy_refcounts=on,refcount_bits=64 qcow2-lazy",
    "create -q -f qcow2 -o extended_l2=on qcow2-extended-l2",
    "create -q -f qcow2 -o compression_type=zstd qcow2-zstd",
    "create -q -f qcow2 -o preallocation=metadata qcow2-preallocated",
    "create -q -f qcow2 -o compat=0.10 -b raw -F raw qcow2-v2-backing",
    "create -q -f qcow2 -o compat=1.1 -b raw -F raw qcow2-v3-backing",
    "create -q -f qcow2 -o data_file=qcow2-data qcow2-data-file",
    "create -q -f qcow2 -o data_file=qcow2-data-raw,data_file_raw=on qcow2-data-file-raw",
    "create -q -f qcow2 --object secret,id=s,data=x -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 qcow2-luks",
    "create -q -f qed qed",
    "create -q -f qed -b raw -F raw qed-backing",
    "create -q -f vpc vpc-dynamic",
    "create -q -f vpc -o force_size=on vpc-dynamic-forced",
    "create -q -f vpc -o subformat=fixed vpc-fixed",
    "create -q -f vpc -o subformat=fixed,force_size=on vpc-fixed-forced",
    "create -q -f vhdx vhdx-dynamic",
    "create -q -f vhdx -o subformat=fixed vhdx-fixed",
    "create -q -f vhdx -o block_size=2M,log_size=2M vhdx-block-size",
    "create -q -f vmdk vmdk-monolithic-sparse",
    "create -q -f vmdk -o hwversion=7 vmdk-hwversion",
    "create -q -f vmdk -o compat6=on vmdk-compat6",
    "create -q -f vmdk -o zeroed_grain=on,adapter_type=lsilogic,toolsversion=10 vmdk-zeroed-grain",
    "create -q -f vmdk -o subformat=monolithicFlat vmdk-monolithic-flat",
    "create -q -f vmdk -o subformat=twoGbMaxExtentSparse vmdk-split-sparse",
    "create -q -f vmdk -o subformat=twoGbMaxExtentFlat vmdk-split-flat",
    "create -q -f vmdk -o subformat=streamOptimized vmdk-stream-created",
    "create -q -f vmdk -b vmdk-monolithic-sparse -F vmdk vmdk-backing",
    "create -q -f vdi vdi-dynamic",
    "create -q -f vdi -o static=on vdi-static",
    "create -q -f luks --object secret,id=s,data=x -o key-secret=s,iter-time=10 luks",
    "create -q -f luks --object secret,id=s,data=x -o key-secret=s,iter-time=10,cipher-mode=cbc,ivgen-alg=plain64 luks-cbc",
    "create -q -f parallels parallels",
    "convert -f raw -O raw gpt raw-converted",
    "convert -f raw -O qcow2 gpt qcow2-converted",
    "convert -f raw -O qcow2 -c gpt qcow2-compressed",
    "convert -f raw -O vpc -o subformat=fixed,force_size=on gpt vpc-fixed-gpt",
    "convert -f raw -O vpc gpt vpc-converted",
    "convert -f raw -O vhdx gpt vhdx-converted",
    "convert -f raw -O vmdk gpt vmdk-converted",
    "convert -f raw -O vmdk -o subformat=streamOptimized gpt vmdk-stream-converted",
    "convert -f raw -O vdi gpt vdi-converted",
    "convert -f raw -O qed gpt qed-converted",
];
const DISK_SIZE: &str = "4M";
/// Bytes of a file that is copied and damaged over and over.
const SMALL: usize = 1 << 20;

/// A file on disk.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// Makes all files in `folder`, which must be empty.
pub(crate) fn make(folder: &Path) -> Vec<File> {
    for (name, image) in hand_made() {
        fs::write(folder.join(name), image.0).expect("write an image");
    }
    COMMANDS.iter().for_each(|command| run_qemu_img(folder, command));
    read(folder)
}

/// Makes what `qemu-img` writes in a moment, with its backing files, data files and extents.
pub(crate) fn make_small(folder: &Path) -> Vec<File> {
    let quick = |command: &&&str| command.starts_with("create") && !command.contains("luks");
    COMMANDS.iter().filter(quick).for_each(|command| run_qemu_img(folder, command));
    run_qemu_img(folder, "create -q -f qcow -b raw -F raw qcow-v1-backing");
    let mut files = read(folder);
    files.retain(|file| file.bytes.len() <= SMALL);
    files
}

fn read(folder: &Path) -> Vec<File> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("list the folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let file = |path: PathBuf| File { bytes: fs::read(&path).expect("read an image"), path };
    paths.into_iter().map(file).collect()
}

fn run_qemu_img(folder: &Path, command: &str) {
    let mut words: Vec<&str> = command.split(' ').collect();
    let sized = words.contains(&"convert") || words.last() == Some(&"1M") || words.last() == Some(&"4M");
    if !sized {
        words.push(DISK_SIZE);
    }
    let output = Command::new("qemu-img").args(&words).current_dir(folder).output().expect("run qemu-img");
    assert!(output.status.success(), "qemu-img {command}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whole images, so that damage has something to hit: a disk, partition tables, optical media, and
/// one of each format built by hand.
fn hand_made() -> Vec<(String, Image)> {
    let mut random = Random(3);
    let noise = (0..256 << 10).map(|_| random.next() as u8).collect::<Vec<_>>();
    let disk = |start: &Image| start.clone().put(8192, &noise).put((1 << 20) - 1, &[0]);
    let linux = builders::partition(0x80, [1, 1, 0], 0x83, 2048);
    let mut images = vec![
        ("gpt".to_owned(), disk(&builders::gpt())),
        ("mbr".to_owned(), disk(&builders::mbr(&[linux]))),
        ("mbr-empty".to_owned(), disk(&builders::mbr(&[]))),
        ("fat".to_owned(), disk(&builders::fat())),
        ("noise".to_owned(), Image(noise.clone())),
        ("empty".to_owned(), Image::default()),
        ("iso-hybrid".to_owned(), builders::iso().put(0, &builders::gpt().0[..512])),
        ("udf".to_owned(), builders::iso().put(32 << 10, b"\0NSR03")),
        ("qcow2-in-iso".to_owned(), builders::iso().put(0, &builders::qcow2(3).0)),
    ];
    images.extend(deviations::TABLE.iter().map(|row| (format!("deviation-{}", row.name), (row.example)())));
    let built = builders::well_formed().into_iter().enumerate();
    images.extend(built.map(|(index, (format, image, _))| (format!("built-{index}-{format}"), Image(image))));
    images
}
