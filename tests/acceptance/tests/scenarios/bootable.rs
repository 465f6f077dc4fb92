//! Disks and discs that machines really start from, as Debian ships them.

use std::fs;
use std::path::Path;
use std::process::Command;

use acceptance::{Server, clients, disk};

const DISK: &str = "/usr/lib/grub-rescue/grub-rescue-usb.img";
const DISC: &str = "/usr/lib/grub-rescue/grub-rescue-cdrom.iso";

#[test]
fn a_bootable_disk_is_the_same_disk_after_the_trip() {
    let server = Server::start();
    let (qcow2, copy) = (server.folder().file("disk.qcow2"), server.folder().file("copy.qcow2"));
    disk::convert(Path::new(DISK), &qcow2, "qcow2", "");
    there_and_back(&server, "qcow2", &qcow2, &copy);
    clients::run(Command::new("qemu-img").args(["check", "-q"]).arg(&copy));
    disk::assert_same_disk(Path::new(DISK), &copy);
}

#[test]
fn a_bootable_disc_is_the_same_disc_after_the_trip() {
    let server = Server::start();
    let copy = server.folder().file("copy.iso");
    there_and_back(&server, "iso", Path::new(DISC), &copy);
    assert!(fs::read(DISC).unwrap() == fs::read(copy).unwrap(), "other bytes came back");
}

fn there_and_back(server: &Server, format: &str, from: &Path, to: &Path) {
    let mut create = clients::glance(server.endpoint());
    create.args(["image-create", "--name", "bootable", "--container-format", "bare", "--disk-format", format]);
    clients::run(create.arg("--file").arg(from));
    let listed = server.images().list();
    let id = acceptance::images::id_of(&listed[0]);
    let mut download = clients::glance(server.endpoint());
    clients::run(download.args(["image-download", "--file"]).arg(to).arg(&id));
}
