//! Python Glance and this service at once on one catalogue: no update is lost, and no upload succeeds twice.

use std::thread;

use acceptance::data::Random;
use acceptance::shared::{Engine, Service, Shared};
use acceptance::{Request, Response, environment, images};
use serde_json::json;

const CLIENTS: u64 = 8;

#[test]
fn on_mysql() {
    let operations = if environment::is_full() { 10_000 } else { 400 };
    let shared = Shared::create(Engine::MySql);
    shared.manage_with_python(&["db_sync"]);
    let services = [shared.start_python(), shared.start_ours()];
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let services = &services;
            scope.spawn(move || own_images(services, client, operations / CLIENTS));
        }
    });
    for round in 0..operations / 40 {
        contested(&services, round);
    }
    for service in &services {
        assert_eq!(service.images().list().len(), 0);
    }
}

fn patch(service: &Service, id: &str, path: &str, op: &str, value: u64) -> Response {
    let changes = json!([{"op": op, "path": path, "value": value.to_string()}]);
    let request = Request::new("PATCH", &format!("/v2/images/{id}")).body(changes.to_string().as_bytes());
    service.endpoint.send(&request.header("Content-Type", "application/openstack-images-v2.1-json-patch"))
}

/// Changes by one client through both services: each sees at once what the other has written.
fn own_images(services: &[Service; 2], client: u64, operations: u64) {
    let mut random = Random::new(client);
    let mut current: Option<(String, u64, bool)> = None;
    for number in 0..operations {
        let service = if random.below(2) == 0 { &services[0] } else { &services[1] };
        let action = random.below(4);
        let Some((id, count, tagged)) = &mut current else {
            let image = service.images().create(&json!({"name": format!("{client}-{number}"), "count": "0"}));
            current = Some((images::id_of(&image), 0, false));
            continue;
        };
        let path = format!("/v2/images/{id}/tags/tag");
        match action {
            0 | 1 => {
                *count += 1;
                let _ = patch(service, id, "/count", "replace", *count).expect_status(200);
            }
            2 => {
                let method = if *tagged { "DELETE" } else { "PUT" };
                let _ = service.endpoint.send(&Request::new(method, &path)).expect_status(204);
                *tagged = !*tagged;
            }
            _ if number.is_multiple_of(3) => {
                let _ = service.images().delete(id).expect_status(204);
                current = None;
                continue;
            }
            _ => {}
        }
        for service in services {
            let shown = service.images().show(id);
            assert_eq!(shown["count"], json!(count.to_string()), "{id}");
            assert_eq!(shown["tags"], if *tagged { json!(["tag"]) } else { json!([]) }, "{id}");
        }
    }
    if let Some((id, ..)) = current {
        let _ = services[0].images().delete(&id).expect_status(204);
    }
}

/// Both services get the same request at once.
fn contested(services: &[Service; 2], round: u64) {
    let creator = if round.is_multiple_of(2) { &services[0] } else { &services[1] };
    let id = creator.images().create_raw(&format!("contested {round}"));
    let both = |send: &(dyn Fn(&Service) -> Response + Sync)| -> [u16; 2] {
        thread::scope(|scope| {
            let sending = services.each_ref().map(|service| scope.spawn(move || send(service).status));
            sending.map(|sending| sending.join().unwrap())
        })
    };
    let uploaded = both(&|service| service.images().upload(&id, format!("{}", service.endpoint.address).as_bytes()));
    assert_eq!(uploaded.iter().filter(|status| **status == 204).count(), 1, "{uploaded:?}");
    // Python Glance takes an image that somebody else has filled meanwhile for one that is gone.
    assert!(uploaded.iter().all(|status| matches!(status, 204 | 409 | 410)), "{uploaded:?}");
    creator.images().wait_for_status(&id, "active");
    for service in services {
        service.images().verify(&service.images().show(&id));
    }
    let deleted = both(&|service| service.images().delete(&id));
    // Python Glance looks for the image first and deletes whatever is there then, so that two of it succeed, too.
    assert!(deleted.contains(&204), "{deleted:?}");
    assert!(deleted.iter().all(|status| matches!(status, 204 | 404 | 409)), "{deleted:?}");
}
