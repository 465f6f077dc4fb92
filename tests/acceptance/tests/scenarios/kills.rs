//! The process is killed again and again while clients upload and delete; nothing may be lost, nothing left over.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use acceptance::data::{self, Random};
use acceptance::http::{Endpoint, Request};
use acceptance::images::{Images, id_of, upload_request};
use acceptance::{Server, environment, wait};
use serde_json::json;

const CLIENTS: u64 = 3;

/// Clients send in pieces of this size, so that a kill can come between any two.
const PIECE: usize = 128 << 10;

/// What the service has promised by its answers: the digest of each image that is active, nothing for one that is gone.
type Promises = Mutex<BTreeMap<String, Option<String>>>;

#[test]
fn nothing_is_lost_and_nothing_left_over_however_often_the_process_is_killed() {
    let kills = environment::number("GLANCE_ACCEPTANCE_KILLS").unwrap_or(if environment::is_full() { 200 } else { 20 });
    let seed = environment::number("GLANCE_ACCEPTANCE_SEED").unwrap_or(1);
    println!("{kills} kills, GLANCE_ACCEPTANCE_SEED={seed}");
    let mut random = Random::new(seed);
    let mut server = Server::start();
    let promises = Promises::default();
    for round in 0..kills {
        one_kill(&mut server, &promises, &mut random);
        server.start_again();
        check(&server, &promises, round);
    }
}

/// Lets clients work until a random amount of data has moved, and kills the server a random moment later.
fn one_kill(server: &mut Server, promises: &Promises, random: &mut Random) {
    let moved = AtomicU64::new(0);
    let enough = random.below(12 << 20);
    let moment = Duration::from_micros(random.below(20_000));
    let seeds: Vec<u64> = (0..CLIENTS).map(|_| random.next_number()).collect();
    let endpoint = server.endpoint();
    thread::scope(|scope| {
        for seed in seeds {
            let moved = &moved;
            scope.spawn(move || work_until_the_server_is_gone(endpoint, promises, moved, seed));
        }
        wait::until("the clients have work going", || (moved.load(Ordering::Relaxed) >= enough).then_some(()));
        // Not a wait for anything: the point of the kill is to be anywhere.
        thread::sleep(moment);
        server.kill();
    });
}

/// Uploads and deletes images; returns when a request fails, which only the kill does.
fn work_until_the_server_is_gone(endpoint: Endpoint, promises: &Promises, moved: &AtomicU64, seed: u64) {
    let mut random = Random::new(seed);
    loop {
        let going_on = if random.below(3) == 0 {
            delete_one(endpoint, promises, &mut random)
        } else {
            upload_one(endpoint, promises, moved, &mut random)
        };
        if going_on.is_err() {
            return;
        }
    }
}

fn upload_one(endpoint: Endpoint, promises: &Promises, moved: &AtomicU64, random: &mut Random) -> std::io::Result<()> {
    let attributes = json!({"name": "killed", "disk_format": "raw", "container_format": "bare"});
    let created = endpoint.try_send(&Request::new("POST", "/v2/images").json(&attributes))?.expect_status(201);
    let id = id_of(&created.json());
    let length = 1 + random.below(3 << 20) as usize;
    let bytes = random.bytes(length);
    let mut upload = endpoint.try_begin(&upload_request(&id), bytes.len() as u64)?;
    for piece in bytes.chunks(PIECE) {
        upload.write(piece)?;
        moved.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
    let _ = upload.finish()?.expect_status(204);
    promises.lock().unwrap().insert(id, Some(data::digests(&bytes).0));
    Ok(())
}

/// Deletes one of the images that are there; from the request on nothing is promised, from the answer on it is gone.
fn delete_one(endpoint: Endpoint, promises: &Promises, random: &mut Random) -> std::io::Result<()> {
    let id = {
        let mut promises = promises.lock().unwrap();
        let there: Vec<String> = promises.iter().filter(|(_, md5)| md5.is_some()).map(|(id, _)| id.clone()).collect();
        if there.is_empty() {
            return Ok(());
        }
        let id = there[random.below(there.len() as u64) as usize].clone();
        promises.remove(&id);
        id
    };
    let answer = endpoint.try_send(&Request::new("DELETE", &format!("/v2/images/{id}")))?;
    let _ = answer.expect_status(204);
    promises.lock().unwrap().insert(id, None);
    Ok(())
}

/// Promises are kept, what is active is whole, and the store holds exactly that.
fn check(server: &Server, promises: &Promises, round: u64) {
    let images = server.images();
    wait::until("no image is being saved by nobody", || {
        images.list().iter().all(|image| image["status"] != "saving").then_some(())
    });
    let listed = images.list();
    let mut active = Vec::new();
    for image in listed {
        match image["status"].as_str().unwrap() {
            "active" => {
                images.verify(&image);
                active.push(image);
            }
            "queued" => {}
            other => panic!("round {round}: image {} is {other}", image["id"]),
        }
    }
    for (id, promised) in &*promises.lock().unwrap() {
        let found = active.iter().find(|image| image["id"] == *id).map(|image| image["checksum"].as_str().unwrap());
        assert_eq!(found, promised.as_deref(), "round {round}: image {id}");
    }
    let mut expected: Vec<String> = active.iter().map(id_of).collect();
    expected.sort();
    wait::until("the store holds the active images and nothing else", || {
        (server.stored_files() == expected).then_some(())
    });
    forget_most(&images, promises, active.iter().map(id_of).collect());
}

/// Keeps the rounds short: only a few images go on to the next.
fn forget_most(images: &Images, promises: &Promises, active: Vec<String>) {
    const KEPT: usize = 6;
    let mut promises = promises.lock().unwrap();
    promises.retain(|_, promised| promised.is_some());
    for id in active.iter().skip(KEPT) {
        let _ = images.delete(id).expect_status(204);
        promises.remove(id);
    }
}
