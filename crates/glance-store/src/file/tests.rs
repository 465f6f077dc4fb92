//! The driver as a whole: the conformance suite, and what only files have.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use glance_domain::ImageId;
use tempfile::TempDir;

use super::*;
use crate::conformance;
use crate::error::Kind;
use crate::store::{ByteRange, NewObject, NoJournal, Phase, Store, StoreContext, Stored};

fn store(options: FileOptions) -> FileStore {
    FileStore::open(options).unwrap()
}

fn scratch() -> (TempDir, FileOptions) {
    let scratch = tempfile::tempdir().unwrap();
    let options = FileOptions::new(scratch.path().join("images"));
    (scratch, options)
}

fn object(image: &str) -> NewObject {
    NewObject {
        image: ImageId::parse(image).unwrap(),
        name: image.to_owned(),
        attempt: "t1".to_owned(),
        size_hint: None,
    }
}

async fn write(store: &FileStore, image: &str, data: impl Into<Bytes>) -> crate::Result<Stored> {
    let mut writer = store.begin(&StoreContext::default(), &object(image), Arc::new(NoJournal)).await?;
    writer.write(data.into()).await?;
    writer.finish().await
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_in_every_configuration() {
    for provisioning in [Provisioning::Thick, Provisioning::Thin] {
        for durability in [Durability::Synced, Durability::Unsynced] {
            let (scratch, options) = scratch();
            conformance::run(&store(FileOptions { provisioning, durability, ..options })).await;
            assert_eq!(names(&scratch.path().join("images")), [""; 0], "{provisioning:?} {durability:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gathered_is_handed_on_when_that_is_wanted() {
    let (scratch, options) = scratch();
    let store = store(options);
    let mut writer = store.begin(&StoreContext::default(), &object("a"), Arc::new(NoJournal)).await.unwrap();
    let length =
        || fs::read_dir(scratch.path().join("images")).unwrap().next().unwrap().unwrap().metadata().unwrap().len();
    for _ in 0..2 {
        writer.write(Bytes::from_static(&[7; 5000])).await.unwrap();
    }
    assert_eq!(length(), 0, "small chunks are gathered");
    writer.flush().await.unwrap();
    assert_eq!(length(), 10_000);
    writer.write(Bytes::from_static(&[8; 10])).await.unwrap();
    assert_eq!(writer.finish().await.unwrap().bytes, 10_010);
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_with_two_folders_and_a_timeout() {
    let (scratch, mut options) = scratch();
    options.datadirs.push(DataDir { path: scratch.path().join("more"), priority: 5 });
    options.timeout = Some(Timeout { after: std::time::Duration::from_secs(60), threads: 2, warn_percent: 100 });
    conformance::run(&store(options)).await;
    assert_eq!(names(&scratch.path().join("images")).len() + names(&scratch.path().join("more")).len(), 0);
}

#[tokio::test]
async fn the_folder_of_greater_priority_gets_the_image_and_all_are_searched() {
    let (scratch, mut options) = scratch();
    options.datadirs.push(DataDir { path: scratch.path().join("more"), priority: 5 });
    let store = store(options);
    let stored = write(&store, "one", "data").await.unwrap();
    assert_eq!(stored.url, format!("file://{}/more/one", scratch.path().display()));
    fs::write(scratch.path().join("images/two"), "there already").unwrap();
    assert_eq!(write(&store, "two", "data").await.err().unwrap().kind(), Kind::Duplicate);
    assert_eq!(store.properties()["data_dir"], scratch.path().join("more").to_str().unwrap());

    let context = StoreContext::default();
    store.abandon(&context, &object("one"), Phase::Finishing, None).await.unwrap();
    assert_eq!(names(&scratch.path().join("more")), [""; 0]);
    assert_eq!(names(&scratch.path().join("images")), ["two"]);
}

#[tokio::test]
async fn an_unfinished_image_is_one_hidden_file_named_after_image_and_transfer() {
    let (scratch, options) = scratch();
    let store = store(options);
    let images = scratch.path().join("images");
    let mut writer = store.begin(&StoreContext::default(), &object("one"), Arc::new(NoJournal)).await.unwrap();
    writer.write("data".into()).await.unwrap();
    assert_eq!(names(&images), [".one.t1.part"]);
    let url = format!("file://{}/.one.t1.part", images.display());
    let opened = store.open(&StoreContext::default(), &url, None).await;
    assert_eq!(opened.err().unwrap().kind(), Kind::BadLocation);
    writer.finish().await.unwrap();
    assert_eq!(names(&images), ["one"]);
}

#[tokio::test]
async fn a_transfer_that_failed_to_publish_leaves_the_image_of_another() {
    let (scratch, options) = scratch();
    let store = store(options);
    let writer = store.begin(&StoreContext::default(), &object("one"), Arc::new(NoJournal)).await.unwrap();
    drop(writer);
    fs::write(scratch.path().join("images/one"), "theirs").unwrap();
    store.abandon(&StoreContext::default(), &object("one"), Phase::Finishing, None).await.unwrap();
    assert_eq!(names(&scratch.path().join("images")), ["one"]);
}

#[tokio::test]
async fn permissions_and_metadata_are_applied() {
    let (scratch, options) = scratch();
    let metadata = scratch.path().join("metadata.json");
    let entry = format!(r#"{{"id": "nfs", "mountpoint": "{}"}}"#, scratch.path().display());
    fs::write(&metadata, entry).unwrap();
    let store = store(FileOptions { file_perm: 0o640, metadata_file: Some(metadata), ..options });
    let stored = write(&store, "one", "data").await.unwrap();
    let path = store.local_path(&stored.url).unwrap();
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(stored.metadata["id"], "nfs");
}

#[test]
fn a_permission_that_locks_the_service_out_is_refused() {
    let (_scratch, options) = scratch();
    let refused = FileStore::open(FileOptions { file_perm: 0o044, ..options }).err().unwrap();
    assert_eq!(refused.kind(), Kind::Config);
}

#[tokio::test]
async fn thin_images_take_no_space_for_zeroes_and_thick_ones_do() {
    for (provisioning, zeroes_take_space) in [(Provisioning::Thin, false), (Provisioning::Thick, true)] {
        let (_scratch, options) = scratch();
        let store = store(FileOptions { provisioning, ..options });
        let mut writer = store.begin(&StoreContext::default(), &object("one"), Arc::new(NoJournal)).await.unwrap();
        for _ in 0..4 {
            writer.write(vec![0; 1024 * 1024].into()).await.unwrap();
        }
        writer.write_zeroes(4 * 1024 * 1024).await.unwrap();
        writer.write("end".into()).await.unwrap();
        let stored = writer.finish().await.unwrap();
        let facts = fs::metadata(store.local_path(&stored.url).unwrap()).unwrap();
        assert_eq!(facts.len(), 8 * 1024 * 1024 + 3);
        assert_eq!(facts.blocks() * 512 > 8 * 1024 * 1024, zeroes_take_space, "{provisioning:?}");
    }
}

#[tokio::test]
async fn a_store_for_reading_only_reads() {
    let (_scratch, options) = scratch();
    let stored = write(&store(options.clone()), "one", "data").await.unwrap();
    let reader = FileStore::open_read_only(options).unwrap();
    let context = StoreContext::default();
    assert_eq!(reader.size(&context, &stored.url).await.unwrap(), 4);
    assert_eq!(write(&reader, "two", "data").await.err().unwrap().kind(), Kind::ReadOnly);
    assert_eq!(reader.delete(&context, &stored.url).await.unwrap_err().kind(), Kind::ReadOnly);
    let capabilities = reader.capabilities();
    assert!(!capabilities.write && !capabilities.delete && capabilities.read_random);
    reader.health().await.unwrap();
}

#[tokio::test]
async fn a_file_cut_short_under_a_reader_is_an_error() {
    let (_scratch, options) = scratch();
    let store = store(options);
    let stored = write(&store, "one", vec![1; 1024 * 1024]).await.unwrap();
    let context = StoreContext::default();
    let mut object = store.open(&context, &stored.url, None).await.unwrap();
    object.chunks.next().await.unwrap().unwrap();
    let file = fs::File::options().write(true).open(store.local_path(&stored.url).unwrap()).unwrap();
    file.set_len(300_000).unwrap();
    let rest: crate::Result<Vec<Bytes>> = object.chunks.try_collect().await;
    assert_eq!(rest.unwrap_err().kind(), Kind::Unavailable);

    let range = Some(ByteRange { offset: 200_000, length: 100_001 });
    assert_eq!(store.open(&context, &stored.url, range).await.err().unwrap().kind(), Kind::Unavailable);
    let range = Some(ByteRange { offset: u64::MAX, length: 2 });
    assert_eq!(store.open(&context, &stored.url, range).await.err().unwrap().kind(), Kind::Unavailable);
}

#[tokio::test]
async fn a_folder_that_has_gone_is_unhealthy_and_not_empty() {
    let (scratch, options) = scratch();
    let store = store(options);
    store.health().await.unwrap();
    fs::rename(scratch.path().join("images"), scratch.path().join("elsewhere")).unwrap();
    assert_eq!(store.health().await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(store.list(&StoreContext::default()).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(write(&store, "one", "data").await.err().unwrap().kind(), Kind::Unavailable);
}

#[test]
fn a_location_is_recognised_by_its_folder_and_not_by_a_common_prefix() {
    let (scratch, options) = scratch();
    let store = store(options);
    let root = scratch.path().display();
    assert!(store.recognises(&format!("file://{root}/images/one")));
    assert!(store.recognises(&format!("filesystem://{root}/images/one")));
    assert!(!store.recognises(&format!("file://{root}/images2/one")));
    assert_eq!(store.local_path(&format!("file://{root}/images2/one")), None);
    assert_eq!(
        store.local_path(&format!("file://{root}/images/one")),
        Some(PathBuf::from(format!("{root}/images/one")))
    );
}

#[tokio::test]
async fn a_full_disk_is_told_apart_and_left_clean() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = store(FileOptions::new(disk.0.path().join("images")));
    let mut writer = store.begin(&StoreContext::default(), &object("one"), Arc::new(NoJournal)).await.unwrap();
    let mut result = Ok(());
    for _ in 0..8 {
        result = result.and(writer.write(vec![1; 1024 * 1024].into()).await);
    }
    assert_eq!(result.unwrap_err().kind(), Kind::Full);
    writer.abort().await.unwrap();
    assert_eq!(names(&disk.0.path().join("images")), [""; 0]);
    write(&store, "two", vec![1; 1024 * 1024]).await.unwrap();
}

#[tokio::test]
async fn folders_too_small_for_the_announced_size_refuse_it_at_once() {
    let Some(disk) = SmallDisk::mount() else { return };
    let datadir = |name| DataDir { path: disk.0.path().join(name), priority: 0 };
    let store = store(FileOptions { datadirs: vec![datadir("a"), datadir("b")], ..FileOptions::new("") });
    let large = NewObject { size_hint: Some(1 << 30), ..object("one") };
    assert_eq!(
        store.begin(&StoreContext::default(), &large, Arc::new(NoJournal)).await.err().unwrap().kind(),
        Kind::Full
    );
}

#[tokio::test]
async fn a_file_system_that_refuses_is_told_apart() {
    let Some(disk) = SmallDisk::mount() else { return };
    let options = FileOptions::new(disk.0.path().join("images"));
    let store = store(options.clone());
    let stored = write(&store, "one", "data").await.unwrap();
    let new = store.begin(&StoreContext::default(), &object("two"), Arc::new(NoJournal)).await.unwrap();
    drop(new);
    disk.make_read_only();
    let context = StoreContext::default();
    assert_eq!(store.delete(&context, &stored.url).await.unwrap_err().kind(), Kind::Denied);
    assert_eq!(write(&store, "three", "data").await.err().unwrap().kind(), Kind::Denied);
    assert_eq!(store.health().await.unwrap_err().kind(), Kind::Denied);
    let abandoned = store.abandon(&context, &object("two"), Phase::Writing, None).await;
    assert_eq!(abandoned.unwrap_err().kind(), Kind::Denied);
    assert_eq!(FileStore::open(options.clone()).err().unwrap().kind(), Kind::Config);
    assert_eq!(FileStore::open_read_only(options).unwrap().size(&context, &stored.url).await.unwrap(), 4);
}

/// A file system of 4 MiB, where the test may mount one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(folder.path())
            .output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("SKIPPED: this user cannot mount a small file system");
        None
    }
}

impl SmallDisk {
    fn make_read_only(&self) {
        let remount = std::process::Command::new("mount").args(["-o", "remount,ro"]).arg(self.0.path()).status();
        assert!(remount.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        std::process::Command::new("umount").arg("-l").arg(self.0.path()).status().unwrap();
    }
}
