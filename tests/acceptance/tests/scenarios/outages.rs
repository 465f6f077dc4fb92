//! The database dies under load and comes back: no acknowledged change is lost, nothing succeeds twice, and the service
//! goes on by itself.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use acceptance::data::Random;
use acceptance::database::Database;
use acceptance::shared::{Engine, Service, Shared};
use acceptance::{Request, environment, wait};
use serde_json::{Value, json};

/// How often the database dies.
const DEATHS: u32 = 3;

#[test]
fn of_postgres() {
    outages(Engine::Postgres);
}

#[test]
fn of_mysql() {
    outages(Engine::MySql);
}

/// What the clients have in common.
struct Load {
    stop: AtomicBool,
    succeeded: AtomicU64,
    refused: AtomicU64,
}

impl Load {
    /// Waits until that many more requests have succeeded.
    fn go_on(&self, more: u64) {
        let enough = self.succeeded.load(Ordering::Relaxed) + more;
        wait::until("the service works", || (self.succeeded.load(Ordering::Relaxed) >= enough).then_some(()));
    }
}

/// Lets the clients end, even when the test fails.
struct StopAtEnd<'l>(&'l AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Without an answer nobody knows whether a request had an effect.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done(u16),
    Unknown,
}

fn outages(engine: Engine) {
    let (clients, between) = if environment::is_full() { (64, Duration::from_secs(15)) } else { (8, Duration::ZERO) };
    let mut database = Database::start(engine);
    let shared = Shared::on_server(engine, &database.url);
    shared.manage(&["db", "sync"]);
    let service = shared.start_ours();
    let load = Load { stop: AtomicBool::new(false), succeeded: AtomicU64::new(0), refused: AtomicU64::new(0) };
    let (service, load) = (&service, &load);
    thread::scope(|scope| {
        let _stop = StopAtEnd(&load.stop);
        let clients: Vec<_> = (0..clients).map(|number| scope.spawn(move || client(service, load, number))).collect();
        for _ in 0..DEATHS {
            let since = Instant::now();
            load.go_on(100);
            while since.elapsed() < between {
                load.go_on(1);
            }
            database.kill();
            let refused = load.refused.load(Ordering::Relaxed);
            wait::until("the outage is noticed", || (load.refused.load(Ordering::Relaxed) > refused).then_some(()));
            database.start_again();
        }
        load.go_on(100);
        load.stop.store(true, Ordering::Relaxed);
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
}

/// One client's images: it knows what was acknowledged, and what may have happened besides.
fn client(service: &Service, load: &Load, number: u64) {
    let mut random = Random::new(number);
    let mut count = 0;
    while !load.stop.load(Ordering::Relaxed) {
        count += 1;
        let id = format!("{number:08}-0000-4000-8000-{count:012}");
        if create(service, load, &id) {
            change(service, load, &id, random.below(12));
            delete_twice(service, load, &id);
        }
    }
}

fn request(service: &Service, load: &Load, request: &Request) -> (Outcome, Value) {
    match service.endpoint.try_send(request) {
        Ok(answer) if answer.status == 503 => {
            load.refused.fetch_add(1, Ordering::Relaxed);
            assert!(answer.header("retry-after").is_some());
            (Outcome::Unknown, Value::Null)
        }
        Ok(answer) => {
            assert!(answer.status < 500, "{}: {}", answer.status, answer.text());
            load.succeeded.fetch_add(1, Ordering::Relaxed);
            let body = if answer.body.first() == Some(&b'{') { answer.json() } else { Value::Null };
            (Outcome::Done(answer.status), body)
        }
        Err(error) => panic!("the service is always there: {error}"),
    }
}

/// What there is now, once the service can tell: `None` when there is no such image.
fn look(service: &Service, load: &Load, id: &str) -> Option<Value> {
    wait::until("the service can tell", || {
        match request(service, load, &Request::new("GET", &format!("/v2/images/{id}"))) {
            (Outcome::Done(200), image) => Some(Some(image)),
            (Outcome::Done(404), _) => Some(None),
            (Outcome::Done(status), _) => panic!("{status}"),
            (Outcome::Unknown, _) => None,
        }
    })
}

/// Whether the image is there afterwards.
fn create(service: &Service, load: &Load, id: &str) -> bool {
    let attributes = json!({"id": id, "name": id, "count": "0"});
    let (outcome, _) = request(service, load, &Request::new("POST", "/v2/images").json(&attributes));
    let there = look(service, load, id).is_some();
    match outcome {
        Outcome::Done(201) => assert!(there, "{id} was acknowledged and is lost"),
        Outcome::Done(status) => panic!("{status}"),
        Outcome::Unknown => {}
    }
    there
}

fn change(service: &Service, load: &Load, id: &str, times: u64) {
    let (mut count, mut tags) = (0, 0);
    for time in 1..=times {
        let changes = json!([{"op": "replace", "path": "/count", "value": time.to_string()}]);
        let patch = Request::new("PATCH", &format!("/v2/images/{id}")).body(changes.to_string().as_bytes());
        let patch = patch.header("Content-Type", "application/openstack-images-v2.1-json-patch");
        let (patched, _) = request(service, load, &patch);
        let (tagged, _) = request(service, load, &Request::new("PUT", &format!("/v2/images/{id}/tags/{time}")));
        let image = look(service, load, id).unwrap_or_else(|| panic!("{id} is lost"));
        let (seen, seen_tags) = (image["count"].clone(), image["tags"].as_array().unwrap().len());
        match patched {
            Outcome::Done(200) => assert_eq!(seen, json!(time.to_string()), "{id}"),
            Outcome::Done(status) => panic!("{status}"),
            Outcome::Unknown => {
                assert!(seen == json!(time.to_string()) || seen == json!(count.to_string()), "{id}: {seen}")
            }
        }
        match tagged {
            Outcome::Done(204) => assert_eq!(seen_tags, tags + 1, "{id}"),
            Outcome::Done(status) => panic!("{status}"),
            Outcome::Unknown => assert!(seen_tags == tags || seen_tags == tags + 1, "{id}: {seen_tags}"),
        }
        count = seen.as_str().unwrap().parse().unwrap();
        tags = seen_tags;
    }
}

/// Two at once: at most one is told that it did it.
fn delete_twice(service: &Service, load: &Load, id: &str) {
    let delete = || request(service, load, &Request::new("DELETE", &format!("/v2/images/{id}"))).0;
    let outcomes = thread::scope(|scope| {
        let other = scope.spawn(delete);
        [delete(), other.join().unwrap()]
    });
    let done = outcomes.iter().filter(|outcome| **outcome == Outcome::Done(204)).count();
    assert!(done <= 1, "{id}: {outcomes:?}");
    if done == 1 {
        assert!(look(service, load, id).is_none(), "{id} was deleted and is there");
    }
}
