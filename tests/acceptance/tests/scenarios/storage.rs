//! What a project may store, while two nodes take its data at once and one of them dies.

use std::thread;

use acceptance::http::Framing;
use acceptance::shared::{Engine, Service, Shared};
use acceptance::{Images, data, wait};

const MIB: usize = 1 << 20;
/// As many images as the quota lets in …
const FIT: usize = 3;
/// … of these.
const UPLOADS: usize = 8;

#[test]
fn on_sqlite() {
    the_quota_holds(Engine::Sqlite);
}

#[test]
fn on_postgres() {
    the_quota_holds(Engine::Postgres);
}

#[test]
fn on_mysql() {
    the_quota_holds(Engine::MySql);
}

fn the_quota_holds(engine: Engine) {
    let shared = Shared::create(engine);
    shared.configure(&format!("[DEFAULT]\nuser_storage_quota = {FIT}MB\n"));
    shared.manage(&["db", "sync"]);
    let [mut first, second] = [shared.start_ours(), shared.start_ours()];
    as_many_as_fit([first.images(), second.images()], Framing::Length(MIB as u64));
    as_many_as_fit([first.images(), second.images()], Framing::Chunked);
    the_dead_hold_nothing(&mut first, &second.images());
}

/// All at once through both nodes: no two get the last byte.
fn as_many_as_fit(nodes: [Images; 2], framing: Framing) {
    let ids: Vec<String> = (0..UPLOADS).map(|number| nodes[0].create_raw(&format!("{number}"))).collect();
    let bytes = data::bytes(1, MIB);
    let upload = |node: &Images, id: &str| {
        let mut sending = node.begin_upload(id, framing);
        // A refusal comes before all was sent, and may end the connection.
        let _ = sending.write(&bytes);
        sending.finish().unwrap().status
    };
    let statuses: Vec<u16> = thread::scope(|scope| {
        let (nodes, upload) = (&nodes, &upload);
        let running: Vec<_> =
            ids.iter().enumerate().map(|(n, id)| scope.spawn(move || upload(&nodes[n % 2], id))).collect();
        running.into_iter().map(|upload| upload.join().unwrap()).collect()
    });
    let stored = |status: u16| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((stored(204), stored(413)), (FIT, UPLOADS - FIT), "{framing:?}: {statuses:?}");
    for (id, status) in ids.iter().zip(&statuses) {
        nodes[1].wait_for_status(id, if *status == 204 { "active" } else { "queued" });
        let _ = nodes[1].delete(id).expect_status(204);
    }
}

/// What a node had reserved is free once another has cleaned up after it.
fn the_dead_hold_nothing(node: &mut Service, survivor: &Images) {
    let (broken, probe, whole) =
        (survivor.create_raw("broken"), survivor.create_raw("probe"), survivor.create_raw("whole"));
    let mut upload = node.images().begin_upload(&broken, Framing::Length((FIT * MIB) as u64));
    upload.write(&data::bytes(2, MIB)).unwrap();
    survivor.wait_for_status(&broken, "saving");
    let refused = survivor.upload(&probe, b"x").expect_status(413);
    assert!(refused.text().contains("The size of the data 1 will exceed the limit. 0 bytes remaining."));
    node.kill();
    wait::until("another node cleans up", || (survivor.upload(&probe, b"x").status == 204).then_some(()));
    assert_eq!(survivor.status(&broken), "queued");
    let _ = survivor.delete(&probe).expect_status(204);
    let _ = survivor.upload(&whole, &data::bytes(3, FIT * MIB)).expect_status(204);
}
