//! `glance-manage store`: catalogues as Python Glance writes them, beside folders in which something is wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use glance_domain::{Image, ImageId, Location, LocationStatus, Status, Timestamp};
use serde_json::{Map, Value};

use crate::support::{Ended, Place};

/// Two file stores and a catalogue at head.
struct Stores {
    place: Place,
}

const DIGITS: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";

fn uuid(number: u32) -> String {
    format!("0c5c3b0f-7b8e-4bd0-9a4f-{number:012}")
}

impl Stores {
    fn new(more: &str) -> Self {
        let place = Place::new();
        let mut text = fs::read_to_string(place.file("glance.conf")).unwrap();
        let (fast, slow) = (place.file("fast"), place.file("slow"));
        text += &format!(
            "[DEFAULT]\nenabled_backends = fast:file, slow:file\n{more}\n[glance_store]\ndefault_backend = fast\n\
             [fast]\nfilesystem_store_datadir = {}\n[slow]\nfilesystem_store_datadir = {}\n",
            fast.display(),
            slow.display()
        );
        fs::write(place.file("glance.conf"), text).unwrap();
        fs::create_dir(fast).unwrap();
        fs::create_dir(slow).unwrap();
        place.managed(&["db", "sync"]);
        Self { place }
    }

    fn adopted() -> Self {
        let stores = Self::new("");
        stores.place.managed(&["store", "adopt"]);
        stores
    }

    /// Runs SQL as somebody else would.
    fn sql(&self, sql: &str) {
        let script =
            "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.executescript(sys.argv[2]); db.commit()";
        let mut python = std::process::Command::new("python3");
        let ended = python.args(["-c", script]).arg(self.place.file("glance.sqlite")).arg(sql).status();
        assert!(ended.unwrap().success());
    }

    /// An active image of the three bytes "abc", in the catalogue only.
    fn image(&self, number: u32) {
        self.sql(&format!(
            "INSERT INTO images (id, status, size, checksum, os_hash_algo, os_hash_value, created_at, deleted, min_disk, \
             min_ram, os_hidden) VALUES ('{}', 'active', 3, '{MD5}', 'sha256', '{DIGITS}', '2026-01-01', 0, 0, 0, 0)",
            uuid(number)
        ));
    }

    fn location(&self, number: u32, url: &str, metadata: &str) {
        self.sql(&format!(
            "INSERT INTO image_locations (image_id, value, created_at, deleted, meta_data, status) VALUES \
             ('{}', '{url}', '2026-01-01', 0, '{metadata}', 'active')",
            uuid(number)
        ));
    }

    /// The image with its data, as a service writes them.
    fn stored(&self, number: u32, store: &str) -> PathBuf {
        let file = self.file(store, &uuid(number), "abc");
        self.image(number);
        self.location(number, &format!("file://{}", file.display()), &format!("{{\"store\": \"{store}\"}}"));
        file
    }

    /// As [`Self::stored`], with an encrypted location.
    fn store_sealed(&self, number: u32, url: &str) {
        let database = format!("sqlite:///{}", self.place.file("glance.sqlite").display());
        let key = Some("0123456789abcdef".to_owned());
        let settings = glance_db::Settings { metadata_encryption_key: key, ..glance_db::Settings::new(database) };
        let location = Location { id: None, url: url.to_owned(), metadata: Map::new(), status: LocationStatus::Active };
        let (id, now) = (ImageId::parse(&uuid(number)).unwrap(), Timestamp::parse_iso("2026-01-01").unwrap());
        let mut image = Image::new(id, None, now);
        (image.status, image.size, image.locations) = (Status::Active, Some(3), vec![location]);
        image.checksum = Some(MD5.to_owned());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let db = glance_db::Database::connect(&settings).await.unwrap();
            db.create_image(&image).await.unwrap();
            db.close().await;
        });
    }

    fn file(&self, store: &str, name: &str, data: &str) -> PathBuf {
        let path = self.place.file(store).join(name);
        fs::write(&path, data).unwrap();
        path
    }

    /// What the command says, and what it found as (kind, store, object or image).
    fn found(&self, words: &[&str], code: i32) -> Vec<(String, String, String)> {
        let ended = self.place.manage(&[words, &["--json"]].concat());
        assert_eq!(ended.code, code, "{ended:?}");
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let findings = ended.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let findings = findings.filter(|finding| finding.get("finding").is_some());
        let mut found: Vec<_> = findings
            .map(|finding| {
                let what = if finding["object"].is_null() { text(&finding, "image") } else { text(&finding, "object") };
                (text(&finding, "finding"), text(&finding, "store"), what)
            })
            .collect();
        found.sort();
        found
    }
}

fn finding(wrong: &str, store: &str, what: impl Into<String>) -> (String, String, String) {
    (wrong.to_owned(), store.to_owned(), what.into())
}

fn age(file: &Path, hours: u64) {
    let then = SystemTime::now() - Duration::from_secs(hours * 3600);
    fs::File::options().write(true).open(file).unwrap().set_modified(then).unwrap();
}

#[test]
fn an_audit_finds_what_the_catalogue_and_the_stores_say_differently() {
    let stores = Stores::new("");
    for (number, store) in [(1, "fast"), (2, "slow"), (3, "fast"), (4, "fast"), (5, "fast")] {
        stores.stored(number, store);
    }
    assert_eq!(stores.found(&["store", "audit"], 0), []);
    fs::remove_file(stores.place.file("fast").join(uuid(3))).unwrap();
    stores.file("fast", &uuid(4), "ab");
    stores.file("fast", &uuid(5), "abcd");
    stores.file("fast", &uuid(6), "abc");
    stores.file("slow", &uuid(1), "abc");
    stores.file("slow", &format!(".{}.t1.part", uuid(7)), "a");
    stores.file("slow", "notes", "");
    stores.file("slow", ".nfs0001", "");
    stores.image(8);
    stores.image(9);
    stores.location(9, "rbd://pool/image", "{}");
    let expected = [
        finding("dataless", "", uuid(8)),
        finding("draft", "slow", format!(".{}.t1.part", uuid(7))),
        finding("foreign", "slow", ".nfs0001"),
        finding("foreign", "slow", "notes"),
        finding("long", "fast", uuid(5)),
        finding("missing", "fast", uuid(3)),
        finding("orphan", "fast", uuid(6)),
        finding("orphan", "slow", uuid(1)),
        finding("short", "fast", uuid(4)),
        finding("unreadable", "", uuid(9)),
    ];
    assert_eq!(stores.found(&["store", "audit"], 3), expected);
    let only_slow = expected.iter().filter(|(_, store, _)| store == "slow").cloned().collect::<Vec<_>>();
    assert_eq!(stores.found(&["store", "audit", "--store", "slow"], 3), only_slow);
    let Ended { code, out, .. } = stores.place.manage(&["store", "audit"]);
    assert_eq!(code, 3);
    assert!(out.contains(&format!("short        store=fast image={} bytes=2 expected=3\n", uuid(4))), "{out}");
    assert!(out.ends_with("6 locations, 9 objects: something is wrong\n"), "{out}");
    assert!(!out.contains("file://") && !out.contains("rbd://"), "{out}");
    assert_eq!(stores.place.manage(&["store", "audit", "--store", "other"]).code, 1);
}

#[test]
fn what_pythons_catalogues_name_is_no_orphan() {
    let stores = Stores::new("");
    let link = stores.place.file("alias");
    std::os::unix::fs::symlink(stores.place.file("fast"), &link).unwrap();
    // Without the name of a store, with that of one that is gone, with the other one's, and by a link.
    for (number, metadata) in [(1, "{}"), (2, "{\"store\": \"renamed\"}"), (3, "null"), (4, "{\"store\": \"slow\"}")] {
        let file = stores.file("fast", &uuid(number), "abc");
        stores.image(number);
        stores.location(number, &format!("file://{}", file.display()), metadata);
    }
    stores.file("fast", &uuid(5), "abc");
    stores.image(5);
    stores.location(5, &format!("filesystem://{}/{}", link.display(), uuid(5)), "{\"store\": \"fast\"}");
    // The image of an old catalogue, an upload that goes on, and data that waits for the scrubber.
    let old = stores.file("fast", "17", "abc");
    stores.image(6);
    stores.location(6, &format!("file://{}", old.display()), "{}");
    stores.file("fast", &uuid(7), "ab");
    stores.image(7);
    stores.sql(&format!("UPDATE images SET status = 'saving', size = NULL WHERE id = '{}'", uuid(7)));
    stores.stored(8, "slow");
    stores.sql(&format!(
        "UPDATE images SET status = 'pending_delete', deleted = 1 WHERE id = '{0}'; UPDATE image_locations SET status = \
         'pending_delete', deleted = 1 WHERE image_id = '{0}'",
        uuid(8)
    ));
    let misplaced = finding("unreadable", "slow", uuid(4));
    assert_eq!(stores.found(&["store", "audit"], 3), [misplaced]);
}

#[test]
fn what_records_name_is_no_orphan() {
    let stores = Stores::adopted();
    let (upload, removed, later) = (uuid(1), stores.file("fast", &uuid(2), "abc"), uuid(3));
    stores.file("fast", &format!("{upload}.1"), "abc");
    stores.file("fast", &format!(".{upload}.t1.part"), "abc");
    stores.file("slow", &format!("{later}.7"), "abc");
    stores.sql(&format!(
        "INSERT INTO rs_transfers (id, kind, image_id, node_id, store, phase, attempt, name, url) VALUES \
         ('a', 'upload', '{upload}', 'n', 'fast', 'finishing', 't1', '{upload}.1', NULL), \
         ('b', 'removal', '{}', 'n', 'fast', 'writing', '', NULL, 'file://{}'), \
         ('c', 'convert', '{later}', 'n', 'slow', 'writing', '', NULL, NULL)",
        uuid(2),
        removed.display()
    ));
    // The data of an image that is being deleted goes first.
    fs::remove_file(stores.stored(4, "fast")).unwrap();
    stores.sql(&format!(
        "INSERT INTO rs_transfers (id, kind, image_id, node_id, store, phase, attempt) VALUES \
         ('d', 'delete', '{}', 'n', '', 'writing', '')",
        uuid(4)
    ));
    assert_eq!(stores.found(&["store", "audit", "--repair"], 0), []);
    assert_eq!(stores.found(&["store", "scrub"], 0), []);
    stores.sql("DELETE FROM rs_transfers WHERE id = 'd'");
    let missing = [finding("missing", "fast", uuid(4))];
    assert_eq!(stores.found(&["store", "audit"], 3), missing);
    assert_eq!(stores.found(&["store", "scrub"], 3), missing);
    stores.sql("DELETE FROM rs_transfers; DELETE FROM image_locations; DELETE FROM images");
    assert_eq!(stores.found(&["store", "audit"], 3).len(), 4);
}

#[test]
fn a_repair_removes_old_orphans_and_nothing_else() {
    let stores = Stores::new("");
    let kept = stores.stored(1, "fast");
    let orphan = stores.file("fast", &uuid(2), "abc");
    let attempt = stores.file("slow", &format!("{}.12", uuid(1)), "abc");
    let draft = stores.file("slow", &format!(".{}.t1.part", uuid(3)), "a");
    let foreign = stores.file("slow", "notes", "");
    let young = stores.file("slow", &uuid(4), "abc");
    for file in [&kept, &orphan, &attempt, &draft, &foreign] {
        age(file, 25);
    }
    age(&young, 23);
    let refused = stores.place.manage(&["store", "audit", "--repair"]);
    assert!(refused.code == 1 && refused.err.contains("store adopt fast"), "{refused:?}");
    stores.place.managed(&["store", "adopt"]);
    assert_eq!(stores.found(&["store", "audit", "--repair"], 3).len(), 5);
    let there = [&kept, &orphan, &attempt, &draft, &foreign, &young].map(|file| file.exists());
    assert_eq!(there, [true, false, false, false, true, true]);
    fs::remove_file(foreign).unwrap();
    stores.found(&["store", "audit", "--repair", "--older-than", "22"], 0);
    assert!(!young.exists());
    assert_eq!(stores.found(&["store", "audit"], 0), []);
}

#[test]
fn encrypted_locations_are_read_with_their_key_and_name_everything_of_their_image_without_it() {
    let key = |key: &str| format!("metadata_encryption_key = {key}");
    let stores = Stores::new(&key("0123456789abcdef"));
    let file = stores.file("fast", &uuid(1), "abc");
    stores.store_sealed(1, &format!("file://{}", file.display()));
    assert_eq!(stores.found(&["store", "audit"], 0), []);
    assert_eq!(stores.found(&["store", "scrub"], 0), []);
    let config = stores.place.file("glance.conf");
    let text = fs::read_to_string(&config).unwrap().replace("0123456789abcdef", "fedcba9876543210");
    fs::write(config, text).unwrap();
    age(&file, 100);
    stores.place.managed(&["store", "adopt"]);
    assert_eq!(stores.found(&["store", "audit", "--repair"], 3), [finding("unreadable", "", uuid(1))]);
    assert!(file.exists());
    assert_eq!(stores.found(&["store", "scrub"], 3), [finding("unreadable", "", uuid(1))]);
}

#[test]
fn a_folder_that_is_not_mounted_is_unreachable_and_never_repaired() {
    let stores = Stores::adopted();
    let file = stores.stored(1, "fast");
    age(&file, 100);
    fs::rename(stores.place.file("fast"), stores.place.file("elsewhere")).unwrap();
    fs::create_dir(stores.place.file("fast")).unwrap();
    let orphan = stores.file("fast", &uuid(2), "abc");
    age(&orphan, 100);
    let found = stores.found(&["store", "audit", "--repair"], 3);
    assert_eq!(found, [finding("unreachable", "fast", ""), finding("unreachable", "fast", uuid(1))]);
    assert!(orphan.exists());
    let adopted = stores.place.managed(&["store", "adopt", "fast"]);
    assert!(adopted.contains("fast is adopted"), "{adopted}");
    let found = stores.found(&["store", "audit"], 3);
    assert_eq!(found, [finding("missing", "fast", uuid(1)), finding("orphan", "fast", uuid(2))]);
}

#[test]
fn adopting_accepts_the_identity_that_is_there() {
    let stores = Stores::new("");
    let first = stores.place.managed(&["store", "adopt"]);
    assert_eq!(first.matches("is adopted").count(), 2, "{first}");
    let again = stores.place.managed(&["store", "adopt", "slow"]);
    assert_eq!((again.matches("is known already").count(), again.contains("fast")), (1, false), "{again}");
    fs::write(stores.place.file("slow").join(".glance-store"), "another-identity\n").unwrap();
    assert_eq!(stores.found(&["store", "audit"], 3), [finding("unreachable", "slow", "")]);
    stores.place.managed(&["store", "adopt"]);
    assert_eq!(stores.found(&["store", "audit"], 0), []);
    assert_eq!(stores.place.manage(&["store", "adopt", "other"]).code, 1);
}

#[test]
fn a_catalogue_of_another_release_is_left_alone() {
    let stores = Stores::new("");
    stores.place.managed(&["db", "downgrade", "rocky_contract02"]);
    for words in [["store", "audit"], ["store", "scrub"], ["store", "adopt"]] {
        let refused = stores.place.manage(&words);
        assert!(refused.code == 1 && refused.err.contains("glance-manage db sync"), "{refused:?}");
    }
    assert!(!stores.place.file("fast").join(".glance-store").exists());
}

#[test]
fn a_scrub_reads_everything_and_goes_on_where_it_was() {
    let stores = Stores::new("");
    for number in 1..=4 {
        stores.stored(number, if number == 2 { "slow" } else { "fast" });
    }
    assert_eq!(stores.found(&["store", "scrub"], 0), []);
    stores.file("fast", &uuid(1), "abd");
    stores.file("slow", &uuid(2), "ab");
    fs::remove_file(stores.place.file("fast").join(uuid(4))).unwrap();
    let (different, short, missing) =
        (finding("different", "fast", uuid(1)), finding("short", "slow", uuid(2)), finding("missing", "fast", uuid(4)));
    assert_eq!(stores.found(&["store", "scrub", "--rate", "0"], 3), [different, missing.clone(), short.clone()]);
    assert_eq!(stores.found(&["store", "scrub", "--store", "slow"], 3), [short]);
    stores.sql(&format!("INSERT INTO rs_scrubs VALUES ('*', '{}', 2, 6, 1)", uuid(2)));
    assert_eq!(stores.found(&["store", "scrub", "--restart"], 3).len(), 3);
    stores.sql(&format!("INSERT INTO rs_scrubs VALUES ('*', '{}', 2, 6, 1)", uuid(2)));
    assert_eq!(stores.found(&["store", "scrub"], 3), [missing]);
    stores.stored(5, "fast");
    stores.sql(&format!("INSERT INTO rs_scrubs VALUES ('*', '{}', 4, 12, 1)", uuid(4)));
    let ended = stores.place.manage(&["store", "scrub"]);
    assert_eq!(ended.code, 3, "an earlier run has found something: {ended:?}");
    assert!(ended.out.contains("5 images, 15 bytes: something is wrong"), "{ended:?}");
    assert_eq!(stores.found(&["store", "scrub"], 3).len(), 3, "a scrub that has ended begins anew");
}
