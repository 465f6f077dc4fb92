//! From this service to Python Glance for good, and back again: nothing of ours is left in the database meanwhile, and
//! nothing is lost.

use acceptance::shared::{Engine, Shared};
use acceptance::{Images, data};

#[test]
fn on_sqlite() {
    there_and_back(Engine::Sqlite);
}

#[test]
fn on_postgres() {
    there_and_back(Engine::Postgres);
}

#[test]
fn on_mysql() {
    there_and_back(Engine::MySql);
}

fn there_and_back(engine: Engine) {
    let shared = Shared::create(engine);
    shared.manage(&["db", "sync"]);
    let bytes = data::bytes(1, 300_000);
    let ours = shared.start_ours();
    let [stays, goes] = ["stays", "goes"].map(|name| ours.images().create_with_data(name, &bytes));
    drop(ours);
    assert!(shared.manage(&["work", "list"]).starts_with("There are no records"));
    shared.manage(&["db", "detach"]);

    let python = shared.start_python();
    assert_same(&python.images(), &[&stays, &goes], &bytes);
    let _ = python.images().delete(&goes).expect_status(204);
    let theirs = python.images().create_with_data("theirs", &bytes);
    drop(python);
    assert!(shared.manage(&["work", "list"]).contains("does not use the catalogue"));

    let ours = shared.start_ours();
    assert_same(&ours.images(), &[&stays, &theirs], &bytes);
    let _ = ours.images().delete(&theirs).expect_status(204);
    assert!(shared.manage(&["store", "audit"]).ends_with("1 locations, 1 objects: nothing is wrong\n"));
    assert!(shared.manage(&["store", "scrub"]).ends_with("1 images, 300000 bytes: nothing is wrong\n"));
}

fn assert_same(images: &Images, ids: &[&String], bytes: &[u8]) {
    assert_eq!(images.list().len(), ids.len());
    for id in ids {
        assert_eq!(images.download(id).expect_status(200).body, bytes);
    }
}
