//! The clients that people have, each through the whole life of an image.

use std::fs;
use std::path::PathBuf;

use acceptance::{Server, clients, data};
use serde_json::Value;

const SIZE: usize = 3_000_000;

/// A server, a file to upload, a name for the copy.
fn scene(seed: u64) -> (Server, PathBuf, PathBuf) {
    let server = Server::start();
    let (file, copy) = (server.folder().file("image.raw"), server.folder().file("copy.raw"));
    fs::write(&file, data::bytes(seed, SIZE)).unwrap();
    (server, file, copy)
}

fn only_image(server: &Server) -> Value {
    let mut images = server.images().list();
    assert_eq!(images.len(), 1);
    images.remove(0)
}

#[test]
fn our_own_client() {
    let (server, file, copy) = scene(20);
    let glance = || clients::glance(server.endpoint());
    let mut create = glance();
    create.args(["image-create", "--name", "ours", "--disk-format", "raw", "--container-format", "bare"]);
    clients::run(create.args(["--property", "os_distro=debian", "--file"]).arg(&file));
    let image = only_image(&server);
    let id = image["id"].as_str().unwrap();
    assert_eq!((&image["status"], &image["os_distro"]), (&"active".into(), &"debian".into()));
    assert!(clients::run(glance().arg("image-list")).contains(id));
    let shown = clients::run(glance().args(["image-show", id]));
    assert!(shown.contains(image["checksum"].as_str().unwrap()), "{shown}");
    clients::run(glance().args(["image-update", id, "--name", "renamed"]));
    assert_eq!(only_image(&server)["name"], "renamed");
    clients::run(glance().args(["image-download", "--file"]).arg(&copy).arg(id));
    assert!(fs::read(&file).unwrap() == fs::read(&copy).unwrap(), "other bytes came back");
    clients::run(glance().args(["image-delete", id]));
    assert!(server.images().list().is_empty() && server.stored_files().is_empty());
}

#[test]
fn python_glanceclient() {
    let (server, file, copy) = scene(21);
    let glance = || clients::python_glance(server.endpoint());
    let mut create = glance();
    create.args(["image-create", "--name", "python", "--disk-format", "raw", "--container-format", "bare"]);
    clients::run(create.args(["--property", "os_distro=debian", "--file"]).arg(&file));
    let image = only_image(&server);
    let id = image["id"].as_str().unwrap();
    assert_eq!((&image["status"], &image["os_distro"]), (&"active".into(), &"debian".into()));
    assert!(clients::run(glance().arg("image-list")).contains(id));
    let shown = clients::run(glance().args(["image-show", id]));
    assert!(shown.contains(image["checksum"].as_str().unwrap()), "{shown}");
    clients::run(glance().args(["image-update", id, "--name", "renamed", "--remove-property", "os_distro"]));
    let updated = only_image(&server);
    assert_eq!((&updated["name"], &updated["os_distro"]), (&"renamed".into(), &Value::Null));
    clients::run(glance().args(["image-tag-update", id, "tagged"]));
    assert_eq!(only_image(&server)["tags"], serde_json::json!(["tagged"]));
    clients::run(glance().args(["image-download", "--file"]).arg(&copy).arg(id));
    assert!(fs::read(&file).unwrap() == fs::read(&copy).unwrap(), "other bytes came back");
    clients::run(glance().args(["image-deactivate", id]));
    clients::run(glance().args(["image-reactivate", id]));
    clients::run(glance().args(["image-delete", id]));
    assert!(server.images().list().is_empty() && server.stored_files().is_empty());
}

#[test]
fn openstack_command() {
    let (server, file, copy) = scene(22);
    let openstack = || clients::openstack(server.endpoint());
    let mut create = openstack();
    create.args(["image", "create", "osc", "--disk-format", "raw", "--container-format", "bare"]);
    clients::run(create.args(["--property", "os_distro=debian", "--file"]).arg(&file));
    let image = only_image(&server);
    let id = image["id"].as_str().unwrap();
    assert_eq!((&image["status"], &image["os_distro"]), (&"active".into(), &"debian".into()));
    assert!(clients::run(openstack().args(["image", "list"])).contains(id));
    let shown = clients::run(openstack().args(["image", "show", "-f", "json", "osc"]));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["id"], &shown["checksum"]), (&image["id"], &image["checksum"]));
    clients::run(openstack().args(["image", "set", "--name", "renamed", "--tag", "tagged", id]));
    assert_eq!(only_image(&server)["name"], "renamed");
    clients::run(openstack().args(["image", "save", "--file"]).arg(&copy).arg(id));
    assert!(fs::read(&file).unwrap() == fs::read(&copy).unwrap(), "other bytes came back");
    clients::run(openstack().args(["image", "delete", id]));
    assert!(server.images().list().is_empty() && server.stored_files().is_empty());
}

#[test]
fn openstacksdk() {
    const SCRIPT: &str = r#"
import sys
import openstack

url, source, copy = sys.argv[1:]
cloud = openstack.connection.Connection(auth_type="none", auth={"endpoint": url}, image_api_version="2")
made = cloud.create_image("sdk", filename=source, disk_format="raw", container_format="bare", wait=True, os_distro="debian")
found = cloud.image.find_image("sdk")
assert found.id == made.id and found.status == "active", found
assert [image.id for image in cloud.image.images()] == [made.id]
cloud.image.update_image(made.id, name="renamed")
cloud.image.add_tag(made.id, "tagged")
again = cloud.image.get_image(made.id)
assert again.name == "renamed" and again.tags == ["tagged"], again
cloud.image.download_image(made.id, output=copy)
cloud.image.delete_image(made.id, ignore_missing=False)
assert list(cloud.image.images()) == []
"#;
    let (server, file, copy) = scene(23);
    clients::run(clients::python(server.endpoint(), SCRIPT).arg(&file).arg(&copy));
    assert!(fs::read(&file).unwrap() == fs::read(&copy).unwrap(), "other bytes came back");
    assert!(server.stored_files().is_empty());
}
