//! Limits that a real Keystone keeps: how much a project has and may have, and who is refused. With `--full` the same is
//! done with Python Glance, and what is seen compared.

use acceptance::keystone::{ADMIN, Keystone, MEMBER, OTHER, Person};
use acceptance::shared::{Engine, Service, Shared};
use acceptance::{Request, Response, environment, wait};
use serde_json::{Value, json};

const MIB: usize = 1 << 20;

/// The limits of every project, in MiB or numbers of images.
const REGISTERED: [(&str, i64); 4] = [
    ("image_size_total", 1000),
    ("image_stage_total", 1000),
    ("image_count_total", 100),
    ("image_count_uploading", 100),
];

#[test]
fn projects_have_no_more_than_keystone_allows() {
    let mut keystone = Keystone::start();
    let ours = shared(&keystone);
    ours.manage(&["db", "sync"]);
    let service = ours.start_ours();
    let seen = play(&keystone, &service, "image_count_total is over limit of 2 due to current usage 2 and delta 1");
    if environment::is_full() {
        let theirs = shared(&keystone);
        theirs.manage_with_python(&["db_sync"]);
        let python = theirs.start_python();
        assert_eq!(seen, play(&keystone, &python, "image_count_total is over limit of 2"));
    }
    without_keystone(&mut keystone, &service);
}

/// A service whose limits Keystone keeps for an endpoint that exists.
fn shared(keystone: &Keystone) -> Shared {
    let endpoint = keystone.limited_endpoint(&REGISTERED);
    let shared = Shared::create(Engine::Sqlite);
    shared.configure(&keystone.configuration(&keystone.url()));
    shared.configure(&keystone.limits_configuration(&endpoint));
    shared
}

/// Gives the statuses and documents on the way.
fn play(keystone: &Keystone, service: &Service, words: &str) -> Vec<(u16, Value)> {
    let project = keystone.project(MEMBER.project);
    let tokens = [ADMIN, MEMBER, OTHER].map(|person| (person, keystone.token(person)));
    let ask = |person: Person, request: Request| {
        let (_, token) = tokens.iter().find(|(known, _)| *known == person).unwrap();
        service.endpoint.send(&request.header("X-Auth-Token", token))
    };
    let create = |person| ask(person, image());
    let usage = |person| ask(person, Request::new("GET", "/v2/info/usage"));
    let upload = |id: &str, bytes| ask(MEMBER, acceptance::images::upload_request(id).body(&vec![1; bytes]));
    let mut seen = Vec::new();
    let mut note = |answer: &Response, document: Value| seen.push((answer.status, document));

    for limit in [("image_count_total", 2), ("image_size_total", 2)] {
        keystone.limit(&project, limit);
    }
    let ids: Vec<String> =
        (0..2).map(|_| create(MEMBER).expect_status(201).json()["id"].as_str().unwrap().to_owned()).collect();
    let refused = create(MEMBER);
    assert!(refused.text().contains(words), "{}", refused.text());
    note(&refused, Value::Null);
    note(&create(OTHER), Value::Null);
    note(&usage(MEMBER), usage(MEMBER).json());
    note(&usage(OTHER), usage(OTHER).json());

    note(&upload(&ids[0], 3 * MIB), Value::Null);
    note(&upload(&ids[0], 2 * MIB), Value::Null);
    note(&upload(&ids[1], MIB), Value::Null);
    note(&usage(MEMBER), usage(MEMBER).json());
    keystone.limit(&project, ("image_size_total", 3));
    note(&upload(&ids[1], MIB), Value::Null);
    keystone.limit(&project, ("image_count_total", -1));
    let more = create(MEMBER);
    note(&more, Value::Null);
    keystone.limit(&project, ("image_count_uploading", 0));
    keystone.limit(&project, ("image_size_total", -1));
    let id = more.json()["id"].as_str().unwrap().to_owned();
    // A limit that was lowered counts after a moment.
    let refused = wait::until("the new limit counts", || {
        let answer = upload(&id, 1);
        (answer.status == 413).then_some(answer)
    });
    note(&refused, Value::Null);
    note(&ask(ADMIN, Request::new("GET", &format!("/v2/images/{id}"))), Value::Null);
    keystone.limit(&project, ("image_count_uploading", 1));
    note(&upload(&id, 1), Value::Null);
    note(&usage(MEMBER), usage(MEMBER).json());
    let statuses: Vec<u16> = seen.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [413, 201, 200, 200, 413, 204, 413, 200, 204, 201, 413, 200, 204, 200]);
    seen
}

/// Nobody gets more while limits cannot be asked; the service recovers by itself.
fn without_keystone(keystone: &mut Keystone, service: &Service) {
    let token = keystone.token(OTHER);
    let send = |request: Request| service.endpoint.send(&request.header("X-Auth-Token", &token));
    let _ = send(Request::new("GET", "/v2/images")).expect_status(200);
    keystone.kill();
    wait::until("what is remembered is forgotten", || (send(image()).status == 503).then_some(()));
    let _ = send(Request::new("GET", "/v2/info/usage")).expect_status(503);
    let _ = send(Request::new("GET", "/v2/images")).expect_status(200);
    keystone.start_again();
    wait::until("the service asks again", || (send(image()).status == 201).then_some(()));
}

fn image() -> Request {
    Request::new("POST", "/v2/images").json(&json!({"name": "one", "disk_format": "raw", "container_format": "bare"}))
}
