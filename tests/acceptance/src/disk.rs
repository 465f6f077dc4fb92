//! Real disk images, made by qemu-img.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::clients::run;

/// Makes a disk of `size` (qemu's notation) in a format of qemu's, with data at its beginning and further on.
///
/// # Panics
/// When qemu's tools fail.
pub fn make(path: &Path, format: &str, options: &str, size: &str) {
    let mut create = Command::new("qemu-img");
    create.args(["create", "-q", "-f", format]);
    if !options.is_empty() {
        create.args(["-o", options]);
    }
    run(create.arg(path).arg(size));
    let mut fill = Command::new("qemu-io");
    fill.args(["-f", format, "-c", "write -q -P 0x5a 0 192k", "-c", "write -q -P 0xc3 3M 64k"]);
    run(fill.arg(path));
}

/// Makes another file of the same disk in another format.
///
/// # Panics
/// When qemu-img fails.
pub fn convert(from: &Path, to: &Path, format: &str, options: &str) {
    let mut convert = Command::new("qemu-img");
    convert.args(["convert", "-O", format]);
    if !options.is_empty() {
        convert.args(["-o", options]);
    }
    run(convert.arg(from).arg(to));
}

/// The size in bytes that the disk has for a guest.
///
/// # Panics
/// When qemu-img does not understand the file.
#[must_use]
pub fn virtual_size(path: &Path) -> u64 {
    let said = run(Command::new("qemu-img").args(["info", "--output=json"]).arg(path));
    let said: Value = serde_json::from_str(&said).unwrap();
    said["virtual-size"].as_u64().unwrap()
}

/// Whether two files hold the same disk.
///
/// # Panics
/// When they do not, or qemu-img fails.
pub fn assert_same_disk(one: &Path, other: &Path) {
    run(Command::new("qemu-img").arg("compare").arg(one).arg(other));
}
