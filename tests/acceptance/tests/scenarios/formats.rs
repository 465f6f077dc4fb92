//! The formats of the project's first announcement: raw, machine images with kernel and ramdisk, VHD, VDI, qcow2, VMDK,
//! OVF; each made by qemu-img, uploaded, described and downloaded unchanged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use acceptance::folder::Folder;
use acceptance::{clients, data, disk, images};
use serde_json::{Value, json};

use crate::support::Target;

/// disk_format, container_format, qemu's format, qemu's options.
const DISKS: [(&str, &str, &str, &str); 7] = [
    ("raw", "bare", "raw", ""),
    ("vhd", "bare", "vpc", "subformat=dynamic"),
    ("vdi", "bare", "vdi", ""),
    ("qcow2", "bare", "qcow2", ""),
    ("vmdk", "bare", "vmdk", "subformat=monolithicSparse"),
    ("vhdx", "bare", "vhdx", ""),
    ("vmdk", "ovf", "vmdk", "subformat=monolithicSparse"),
];

#[test]
fn disks_of_every_format_come_back_unchanged() {
    let (target, folder) = (Target::new(), Folder::new());
    for (disk_format, container_format, qemu_format, options) in DISKS {
        let path = folder.file(&format!("disk.{disk_format}"));
        disk::make(&path, qemu_format, options, "16M");
        let image =
            round_trip(&target, &path, json!({"disk_format": disk_format, "container_format": container_format}));
        // What is in another container than `bare` is not looked into.
        let virtual_size = (container_format == "bare").then(|| disk::virtual_size(&path));
        assert_eq!(image["virtual_size"], json!(virtual_size), "{disk_format}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_streamed_vmdk_comes_back_unchanged() {
    let (target, folder) = (Target::new(), Folder::new());
    let path = streamed_vmdk(&folder);
    let image = round_trip(&target, &path, json!({"disk_format": "vmdk", "container_format": "bare"}));
    assert_eq!(image["virtual_size"], json!(16 << 20));
}

#[test]
fn an_appliance_comes_back_unchanged() {
    let (target, folder) = (Target::new(), Folder::new());
    streamed_vmdk(&folder);
    let description = "<?xml version=\"1.0\"?><Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\"/>";
    fs::write(folder.file("appliance.ovf"), description).unwrap();
    let mut tar = Command::new("tar");
    clients::run(tar.current_dir(folder.path()).args(["-cf", "appliance.ova", "appliance.ovf", "stream.vmdk"]));
    let path = folder.file("appliance.ova");
    round_trip(&target, &path, json!({"disk_format": "vmdk", "container_format": "ova"}));
}

#[test]
fn a_machine_image_names_its_kernel_and_ramdisk() {
    let (target, folder) = (Target::new(), Folder::new());
    let part = |format: &str, attributes: Value| {
        let path = folder.file(format);
        fs::write(&path, data::bytes(u64::from(format.as_bytes()[1]), 300_000)).unwrap();
        let mut all = json!({"name": format, "disk_format": format, "container_format": format});
        all.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
        round_trip(&target, &path, all)
    };
    let kernel = images::id_of(&part("aki", json!({})));
    let ramdisk = images::id_of(&part("ari", json!({})));
    let machine = part("ami", json!({"kernel_id": kernel, "ramdisk_id": ramdisk}));
    assert_eq!((&machine["kernel_id"], &machine["ramdisk_id"]), (&json!(kernel), &json!(ramdisk)));
}

#[test]
fn data_of_another_format_is_refused_and_leaves_nothing() {
    let (target, folder) = (Target::new(), Folder::new());
    let path = folder.file("disk.qcow2");
    disk::make(&path, "qcow2", "", "16M");
    let image = target.images.create(&json!({"disk_format": "vmdk", "container_format": "bare"}));
    let id = images::id_of(&image);
    let _ = target.images.upload(&id, &fs::read(path).unwrap()).expect_status(415);
    target.images.wait_for_status(&id, "queued");
    target.assert_stored(&[]);
    let _ = target.images.delete(&id).expect_status(204);
}

#[test]
fn a_disk_that_refers_to_a_file_of_the_host_is_refused() {
    let (target, folder) = (Target::new(), Folder::new());
    let path = folder.file("disk.qcow2");
    let mut create = Command::new("qemu-img");
    create.args(["create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd"]).arg(&path).arg("16M");
    clients::run(&mut create);
    let id = images::id_of(&target.images.create(&json!({"disk_format": "qcow2", "container_format": "bare"})));
    let _ = target.images.upload(&id, &fs::read(path).unwrap()).expect_status(415);
    target.images.wait_for_status(&id, "queued");
    let _ = target.images.delete(&id).expect_status(204);
}

fn streamed_vmdk(folder: &Folder) -> PathBuf {
    let (raw, stream) = (folder.file("disk.raw"), folder.file("stream.vmdk"));
    disk::make(&raw, "raw", "", "16M");
    disk::convert(&raw, &stream, "vmdk", "subformat=streamOptimized");
    stream
}

/// Uploads a file, looks at the image, downloads and compares it; removes the image and returns its last description.
fn round_trip(target: &Target, path: &Path, attributes: Value) -> Value {
    let bytes = fs::read(path).unwrap();
    let created = target.images.create(&attributes);
    assert_eq!(created["status"], "queued");
    let id = images::id_of(&created);
    let uploaded = target.images.upload(&id, &bytes);
    assert_eq!(uploaded.status, 204, "{attributes}: {}", uploaded.text());
    let image = target.images.show(&id);
    let (md5, sha512) = data::digests(&bytes);
    assert_eq!(image["status"], "active", "{attributes}");
    assert_eq!(image["size"], json!(bytes.len()), "{attributes}");
    assert_eq!((&image["checksum"], &image["os_hash_value"]), (&json!(md5), &json!(sha512)), "{attributes}");
    assert_eq!(image["os_hash_algo"], "sha512");
    let download = target.images.download(&id).expect_status(200);
    assert!(download.body == bytes, "{attributes}: other bytes came back");
    assert_eq!(download.header("content-md5"), Some(md5.as_str()));
    let _ = target.images.delete(&id).expect_status(204);
    image
}
