//! The command prints what python-glanceclient prints: both read from the same service.
//!
//! Runs when `GLANCE_TEST_IMAGE_URL` (a service that accepts any token) and `GLANCE_TEST_PYTHON_GLANCE` (the path of
//! python-glanceclient's `glance`) are set.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::ffi::OsString;
use std::process::{Command, Output, Stdio};

use glance_client::{Client, ImageData, Json, MemberStatus, NewImage, UploadOptions};

struct Rig {
    url: OsString,
    python: OsString,
    home: tempfile::TempDir,
}

impl Rig {
    fn from_environment() -> Option<Self> {
        let url = std::env::var_os("GLANCE_TEST_IMAGE_URL")?;
        let python = std::env::var_os("GLANCE_TEST_PYTHON_GLANCE")?;
        Some(Self { url, python, home: tempfile::tempdir().unwrap() })
    }

    fn run(&self, program: &OsString, arguments: &[&str]) -> Output {
        Command::new(program)
            .env_clear()
            .envs([("HOME", self.home.path().as_os_str()), ("LANG", "C.UTF-8".as_ref())])
            .envs([("OS_IMAGE_URL", self.url.as_os_str()), ("OS_AUTH_TOKEN", "any".as_ref())])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn assert_same(&self, arguments: &[&str]) {
        let theirs = self.run(&self.python, arguments);
        let ours = self.run(&env!("CARGO_BIN_EXE_glance").into(), arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&ours.stdout), text(&theirs.stdout), "standard output of {arguments:?}");
        assert_eq!(ours.status.code(), theirs.status.code(), "exit code of {arguments:?}: {ours:?}");
        assert_eq!(text(&ours.stderr), text(&theirs.stderr), "standard error of {arguments:?}");
    }
}

async fn create(client: &Client, fields: &str) -> String {
    let fields: Json = serde_json::from_str(fields).unwrap();
    let new =
        fields.as_object().unwrap().iter().fold(NewImage::new(), |new, (name, value)| new.set(name, value.clone()));
    client.images().create(&new).await.unwrap().id().to_owned()
}

/// Images whose names and properties are hard to print.
async fn seed(client: &Client) -> Vec<String> {
    let long = "web-download, glance-direct -- well-known words, and-more-hyphenated-words 0123456789-0123456789";
    let mut images = Vec::new();
    for fields in [
        r#"{"name":"日本語 é","tags":["it's","b \"q\"","a"],"os_distro":"x","empty":""}"#.to_owned(),
        format!(r#"{{"name":"{long} {long}","disk_format":"raw","container_format":"bare","k":"{long} {long}"}}"#),
        format!(r#"{{"tab":"a\tb\tc","lines":"one\ntwo\n\n{}","os_hidden":true}}"#, "x".repeat(200)),
        format!(r#"{{"name":"é-{}","wide":"{}"}}"#, "y".repeat(100), "日本 ".repeat(70)),
    ] {
        images.push(create(client, &fields).await);
    }
    let data = ImageData::from_bytes(vec![7; 1_500_000]);
    client.images().upload(&images[1], data, UploadOptions::default()).await.unwrap();
    let members = client.members(&images[0]);
    members.create("22222222222222222222222222222222").await.unwrap();
    members.create("other project").await.unwrap();
    members.update("other project", MemberStatus::Accepted).await.ok();
    images
}

#[tokio::test]
async fn output_is_the_same() {
    let Some(rig) = Rig::from_environment() else { return };
    let client = Client::builder(rig.url.to_str().unwrap()).token("any").build().unwrap();
    let images = seed(&client).await;
    let [plain, long, hidden, wide] = [0, 1, 2, 3].map(|place| images[place].as_str());
    let commands: &[&[&str]] = &[
        &["image-list"],
        &["--verbose", "image-list"],
        &["image-list", "--limit", "3", "--page-size", "2", "--sort-key", "created_at", "--sort-dir", "desc"],
        &["image-list", "--sort", "size:desc,name"],
        &["image-list", "--hidden"],
        &["image-list", "--hidden", "True", "--include-stores"],
        &["image-list", "--tag", "it's", "--tag", "a"],
        &["image-list", "--property-filter", "os_distro=x", "--visibility", "shared"],
        &["image-list", "--property-filter", "nonsense"],
        &["image-list", "--owner", "nobody"],
        &["image-list", "--checksum", "0123456789abcdef0123456789abcdef"],
        &["image-show", plain],
        &["image-show", long],
        &["image-show", long, "--human-readable"],
        &["image-show", long, "--max-column-width", "17"],
        &["image-show", hidden, "--max-column-width", "33"],
        &["image-show", hidden],
        &["image-show", wide, "--max-column-width", "21"],
        &["image-show", wide, "--max-column-width", "4"],
        &["image-show", "no-such-image"],
        &["image-download", "no-such-image", "--file", "/dev/null"],
        &["image-download", plain, "--file", "/dev/null"],
        &["image-delete", "no-such-image", "nor this"],
        &["image-deactivate", "no-such-image"],
        &["member-list", "--image-id", plain],
        &["member-list", "--image-id", wide],
        &["member-list", "--image-id", "no-such-image"],
        &["member-get", plain, "nobody"],
        &["member-get", plain, "22222222222222222222222222222222"],
        &["image-tag-update", wide, "new"],
        &["import-info"],
        &["stores-info"],
        &["stores-info", "--detail"],
        &["usage"],
        &["explain", "image"],
        &["explain", "metadefs/namespace"],
        &["explain", "nothing"],
    ];
    for command in commands {
        rig.assert_same(command);
    }
    for image in &images {
        client.images().delete(image).await.unwrap();
    }
}
