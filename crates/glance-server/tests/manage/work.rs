//! `glance-manage work`, and what `db detach` does while there are records.

use crate::support::Place;

fn place() -> Place {
    let place = Place::new();
    place.managed(&["db", "sync"]);
    assert!(place.managed(&["work", "list"]).contains("does not use the catalogue"));
    sql(&place, "SELECT 1");
    let embedded = std::fs::read_to_string(place.file("glance.conf")).unwrap();
    let text = format!("{embedded}[glance_store]\nfilesystem_store_datadir = {}\n", place.file("images").display());
    std::fs::write(place.file("glance.conf"), text).unwrap();
    std::fs::create_dir(place.file("images")).unwrap();
    place.managed(&["store", "adopt"]);
    place
}

fn sql(place: &Place, sql: &str) {
    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.executescript(sys.argv[2]); db.commit()";
    let mut python = std::process::Command::new("python3");
    assert!(python.args(["-c", script]).arg(place.file("glance.sqlite")).arg(sql).status().unwrap().success());
}

/// A removal that has failed and an upload of a live node.
fn records(place: &Place) {
    let now = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
    sql(
        place,
        &format!(
            "INSERT INTO rs_nodes (id, name, boot_id, pid_namespace, pid, pid_started, heartbeat, lease) VALUES \
             ('n1', 'alpha', 'b', 'p', 1, 1, {now}, 3600000); \
             INSERT INTO rs_transfers (id, kind, image_id, node_id, store, phase, attempt, name, url, tries, not_before, \
             problem, began) VALUES \
             ('r1', 'removal', 'image-1', 'n0', 'file', 'writing', '', NULL, 's3://key:secret@host/b/o', 3, {now} + 90000, \
             'The store denies access.', {now} - 7300000), \
             ('u1', 'upload', 'image-2', 'n1', 'file', 'writing', 't1', 'image-2', NULL, NULL, NULL, NULL, {now})"
        ),
    );
}

#[test]
fn records_are_listed_and_shown_without_their_locations() {
    let place = place();
    assert!(place.managed(&["work", "list"]).starts_with("There are no records"));
    records(&place);
    let table = place.managed(&["work", "list"]);
    let lines: Vec<_> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines[0], "ID KIND IMAGE STORE PHASE NODE AGE TRIES NEXT PROBLEM");
    assert_eq!(lines[1], "r1 removal image-1 file (gone) 2h 3 1min The store denies access.");
    assert_eq!(lines[2], "u1 upload image-2 file writing alpha 0s 0");
    let json = place.managed(&["work", "list", "--json"]);
    let json: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&json[0]["kind"], &json[0]["tries"], &json[1]["node"]),
        (&"removal".into(), &3.into(), &"alpha".into())
    );
    assert_eq!((&json[0]["node_is_live"], &json[1]["node_is_live"]), (&false.into(), &true.into()));
    let shown = place.managed(&["work", "show", "r1"]);
    assert!(shown.contains("problem           The store denies access.\n") && !shown.contains("url"), "{shown}");
    for words in [
        &["work", "list", "--show-urls"][..],
        &["work", "list", "--json", "--show-urls"],
        &["work", "show", "r1", "--show-urls"],
    ] {
        let shown = place.managed(words);
        assert!(shown.contains("s3://host/b/o") && !shown.contains("secret"), "{shown}");
    }
    assert_eq!(place.manage(&["work", "show", "other"]).code, 1);
}

#[test]
fn records_are_forgotten_on_demand_and_those_of_running_services_with_force() {
    let place = place();
    records(&place);
    place.managed(&["work", "forget", "r1"]);
    let refused = place.manage(&["work", "forget", "u1"]);
    assert!(refused.code == 1 && refused.err.contains("--force"), "{refused:?}");
    place.managed(&["work", "forget", "u1", "--force"]);
    assert!(place.managed(&["work", "list"]).starts_with("There are no records"));
    assert_eq!(place.manage(&["work", "forget", "u1"]).code, 1);
}

#[test]
fn detaching_waits_for_records_and_services() {
    let place = place();
    records(&place);
    let refused = place.manage(&["db", "detach"]);
    assert!(refused.code == 1 && refused.err.contains("alpha"), "{refused:?}");
    sql(&place, "UPDATE rs_nodes SET heartbeat = 0");
    let refused = place.manage(&["db", "detach"]);
    assert!(refused.code == 1 && refused.err.contains("glance-manage work list"), "{refused:?}");
    place.managed(&["work", "forget", "r1"]);
    assert_eq!(place.manage(&["db", "detach"]).code, 1);
    place.managed(&["work", "forget", "u1"]);
    place.managed(&["db", "detach"]);
    assert!(place.managed(&["work", "list"]).contains("does not use the catalogue"));
    place.managed(&["store", "adopt"]);
}
