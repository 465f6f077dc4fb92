//! What upstream's program cannot do, and what it does wrong.

use crate::support::{Ended, Place, program};

#[test]
fn says_what_it_would_do() {
    let place = Place::new();
    let plan = place.managed(&["db", "sync", "--dry-run"]);
    assert_eq!(plan.lines().count(), 29, "{plan}");
    assert!(plan.starts_with("would apply liberty\nwould apply mitaka01\n"), "{plan}");
    assert!(place.managed(&["db", "version"]).starts_with("Database is either not under migration control"));
    place.managed(&["db", "sync"]);
    assert_eq!(place.managed(&["db", "upgrade", "--dry-run"]), "nothing to do\n");
    let plan = place.managed(&["db", "downgrade", "rocky_contract02", "--dry-run"]);
    assert!(plan.starts_with("would revert 2024_1_contract01\nwould revert 2024_1_expand01\n"), "{plan}");
    for placing in
        [["db", "version_control", "liberty", "--dry-run"], ["db", "version_control", "--dry-run", "liberty"]]
    {
        assert_eq!(place.managed(&placing), "would note liberty and change nothing else\n");
    }
    assert_eq!(place.managed(&["db_version_control", "--dry-run"]), "would note liberty and change nothing else\n");
    assert_eq!(place.managed(&["db", "version"]), "2024_1_contract01\n");
    let here = place.managed(&["db", "downgrade", "heads"]);
    assert_eq!(here, "Downgraded database to: heads, current revision(s): 2024_1_contract01\n");
    place.managed(&["db", "downgrade", "queens_c"]);
    assert!(place.managed(&["db", "expand", "--dry-run"]).starts_with("would apply rocky_expand01\n"));
    for phase in ["migrate", "contract"] {
        let refused = place.manage(&["db", phase, "--dry-run"]);
        assert!(refused.code == 1 && refused.err.contains("before database expansion"), "{refused:?}");
    }
    assert_eq!(place.managed(&["db", "version"]), "queens_contract01\n");
}

#[test]
fn says_what_it_would_purge() {
    let place = Place::new();
    place.managed(&["db", "sync"]);
    assert_eq!(place.managed(&["db", "purge", "--dry-run"]), "nothing to do\n");
    let insert = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1])\nfor id in 'abc':\n  db.execute(\"INSERT INTO \
        images (id, status, created_at, deleted, deleted_at, min_disk, min_ram, os_hidden) VALUES (?, 'deleted', \
        '2020-01-01', 1, '2020-01-01', 0, 0, 0)\", id)\n  db.execute(\"INSERT INTO image_tags (image_id, value, \
        created_at, deleted, deleted_at) VALUES (?, 'tag', '2020-01-01', 1, '2020-01-01')\", id)\ndb.commit()";
    let python = std::process::Command::new("python3").args(["-c", insert]).arg(place.file("glance.sqlite")).status();
    assert!(python.unwrap().success());
    let tags = |rows: u32| format!("would delete {rows} row(s) older than 30 day(s) from table image_tags\n");
    assert_eq!(place.managed(&["db", "purge", "--dry-run"]), tags(3));
    assert_eq!(place.managed(&["db", "purge", "30", "2", "--dry-run"]), tags(2));
    let images = place.managed(&["db", "purge_images_table", "--dry-run"]);
    assert_eq!(images, "would delete 3 row(s) older than 180 day(s) from table images\n");
    let purged = place.manage(&["db", "purge"]);
    assert!(purged.err.contains("Deleted 3 row(s) older than 30 day(s) from table image_tags"), "{purged:?}");
    assert_eq!(place.managed(&["db", "purge", "--dry-run"]), "nothing to do\n");
    let wrong = place.manage(&["db", "purge", "many"]);
    assert_eq!((wrong.code, wrong.err.as_str()), (1, "Invalid int value for age_in_days: many\n"));
}

#[test]
fn goes_back_and_says_where_it_is() {
    let place = Place::new();
    place.managed(&["db", "sync"]);
    let said = place.managed(&["db", "downgrade", "rocky_contract02"]);
    assert_eq!(said, "Downgraded database to: rocky_contract02, current revision(s): rocky_contract02\n");
    let status = place.managed(&["db", "status"]);
    let lines: Vec<_> = status.lines().collect();
    assert_eq!(lines.len(), 29);
    assert_eq!(lines[0], "applied  liberty             the first tables");
    assert_eq!(lines[13], "pending  train_expand01      nothing");
    assert_eq!(place.manage(&["db", "check"]).code, 3);
    place.managed(&["db_sync"]);
    assert_eq!(place.manage(&["db", "check"]).code, 0);
}

#[test]
fn asks_before_it_loses_anything() {
    let place = Place::new();
    place.managed(&["db", "sync"]);
    let insert = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute(\"INSERT INTO images (id, status, \
        created_at, deleted, min_disk, min_ram, os_hidden) VALUES ('a', 'queued', '2026-01-01', 0, 0, 0, 1)\"); db.commit()";
    let python = std::process::Command::new("python3").args(["-c", insert]).arg(place.file("glance.sqlite")).status();
    assert!(python.unwrap().success());
    let Ended { code, out, err } = place.manage(&["db", "downgrade", "liberty"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("rocky_expand01: hidden images show in lists again (1 rows)"), "{err}");
    assert!(err.contains("--accept-loss"), "{err}");
    assert_eq!(place.managed(&["db", "version"]), "2024_1_contract01\n");
    let plan = place.managed(&["db", "downgrade", "liberty", "--dry-run"]);
    assert!(plan.contains("Would be lost:\n  rocky_expand01"), "{plan}");
    place.managed(&["db", "downgrade", "liberty", "--accept-loss"]);
    assert_eq!(place.managed(&["db", "version"]), "liberty\n");
}

#[test]
fn copies_and_restores() {
    let place = Place::new();
    let copy = place.file("copy");
    let copy = copy.to_str().unwrap();
    place.managed(&["db", "sync"]);
    place.managed(&["db", "backup", copy]);
    assert_eq!(place.manage(&["db", "backup", copy]).code, 1, "it would overwrite a copy");
    place.managed(&["db", "downgrade", "mitaka02"]);
    place.managed(&["db", "restore", copy]);
    assert_eq!(place.managed(&["db", "version"]), "2024_1_contract01\n");
    std::fs::write(place.file("junk"), "no database").unwrap();
    let refused = place.manage(&["db", "restore", place.file("junk").to_str().unwrap()]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(place.managed(&["db", "version"]), "2024_1_contract01\n");
    std::fs::remove_file(place.file("glance.sqlite")).unwrap();
    std::fs::write(place.file("glance.sqlite-wal"), "changes of the catalogue that is gone").unwrap();
    place.managed(&["db", "restore", copy]);
    assert!(!place.file("glance.sqlite-wal").exists());
    assert_eq!(place.managed(&["db", "version"]), "2024_1_contract01\n");
}

fn mode(path: &std::path::Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777
}

#[test]
fn copies_are_as_private_as_the_catalogue() {
    let place = Place::new();
    let (catalogue, copy) = (place.file("glance.sqlite"), place.file("copy"));
    place.managed(&["db", "sync"]);
    let private = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    std::fs::set_permissions(&catalogue, private).unwrap();
    place.managed(&["db", "backup", copy.to_str().unwrap()]);
    assert_eq!(mode(&copy), 0o600);
    let readable = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    std::fs::set_permissions(&copy, readable).unwrap();
    place.managed(&["db", "restore", copy.to_str().unwrap()]);
    assert_eq!(mode(&catalogue), 0o600);
}

#[test]
fn restores_into_the_present_folder() {
    let place = Place::new();
    let manage = |words: &[&str]| {
        let mut command = crate::support::program();
        command.current_dir(place.file("")).args(["manage", "--config-file", "relative.conf"]).args(words);
        Ended::from(command.output().unwrap())
    };
    std::fs::write(place.file("relative.conf"), "[database]\nconnection = sqlite:///g.sqlite\n").unwrap();
    for words in [&["db", "sync"][..], &["db", "backup", "copy"], &["db", "restore", "copy"], &["db", "version"]] {
        let ended = manage(words);
        assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
    }
}

#[test]
fn does_not_copy_what_is_not_there() {
    let place = Place::new();
    let (catalogue, copy) = (place.file("glance.sqlite"), place.file("copy"));
    for what in ["no file", "an empty file"] {
        let refused = place.manage(&["db", "backup", copy.to_str().unwrap()]);
        assert_eq!(refused.code, 1, "{what}: {refused:?}");
        assert!(refused.err.contains("there is no catalogue"), "{what}: {refused:?}");
        assert!(!copy.exists(), "{what}");
        std::fs::write(&catalogue, "").unwrap();
    }
    std::fs::remove_file(&catalogue).unwrap();
    let _refused = place.manage(&["db", "backup", copy.to_str().unwrap()]);
    assert!(!catalogue.exists());
}

#[test]
fn does_not_restore_under_a_running_service() {
    let place = Place::new();
    place.managed(&["db", "sync"]);
    let copy = place.file("copy");
    place.managed(&["db", "backup", copy.to_str().unwrap()]);
    let hold = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.execute('SELECT 1 FROM images').fetchall()\n\
        print('open', flush=True)\nsys.stdin.read()\n";
    let mut service = std::process::Command::new("python3")
        .args(["-c", hold])
        .arg(place.file("glance.sqlite"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(service.stdout.take().unwrap()), &mut line).unwrap();
    let refused = place.manage(&["db", "restore", copy.to_str().unwrap()]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("stop the service first"), "{refused:?}");
    assert!(!place.file("glance.sqlite-new").exists());
    drop(service.stdin.take());
    service.wait().unwrap();
    place.managed(&["db", "restore", copy.to_str().unwrap()]);
}

#[test]
fn definitions_go_in_and_come_out() {
    let place = Place::new();
    place.managed(&["db", "sync"]);
    let folder = place.file("definitions");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.to_str().unwrap();
    assert_eq!(place.manage(&["db", "load_metadefs", path]).code, 1, "there is nothing to load");
    let text = r#"{"namespace": "OS::Test", "display_name": "A test!", "properties": {"one": {"type": "string"}}}"#;
    std::fs::write(folder.join("test.json"), text).unwrap();
    std::fs::write(folder.join("README"), "not JSON").unwrap();
    place.managed(&["db", "load_metadefs", "--path", path]);
    std::fs::write(folder.join("broken.json"), "{").unwrap();
    assert_eq!(place.manage(&["db_load_metadefs", path, "yes"]).code, 1, "one file is broken");
    assert_eq!(place.manage(&["db", "load_metadefs", path, "--overwrite"]).code, 1, "without --merge");
    let out = place.file("out");
    std::fs::create_dir(&out).unwrap();
    place.managed(&["db", "export_metadefs", "--path", out.to_str().unwrap()]);
    let exported: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("Atest.json")).unwrap()).unwrap();
    assert_eq!(exported["properties"]["one"]["type"], "string");
    place.managed(&["db", "unload_metadefs"]);
    std::fs::remove_file(out.join("Atest.json")).unwrap();
    place.managed(&["db", "export_metadefs", out.to_str().unwrap()]);
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn finds_a_service_without_configuration() {
    let place = Place::new();
    let folder = place.file("data");
    std::fs::create_dir(&folder).unwrap();
    let run = |words: &[&str]| -> Ended {
        program().arg("manage").args(words).arg("--data-dir").arg(&folder).output().unwrap().into()
    };
    assert_eq!(run(&["db", "sync"]).code, 0);
    assert!(folder.join("glance.sqlite").is_file());
    assert_eq!(run(&["db", "version"]).out, "2024_1_contract01\n");
    let refused: Ended =
        program().args(["manage", "db", "version", "--config-file", "/nonexistent"]).output().unwrap().into();
    assert_eq!(refused.code, 1, "{refused:?}");
}

#[test]
fn the_definitions_of_the_project_can_be_loaded() {
    let place = Place::new();
    place.managed(&["db", "sync"]);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../etc/metadefs");
    place.managed(&["db_load_metadefs", folder.to_str().unwrap()]);
    let out = place.file("out");
    std::fs::create_dir(&out).unwrap();
    place.managed(&["db", "export_metadefs", out.to_str().unwrap()]);
    let json = |folder: &std::path::Path| {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|extension| extension == "json")).count()
    };
    assert_eq!(json(&out), json(&folder));
    assert_eq!(json(&out), 32, "one for each namespace of upstream");
}
