//! Python Glance and this service at once on one catalogue: no update is lost, no upload succeeds twice, and neither
//! answers an error that it would not answer alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use acceptance::data::{self, Random};
use acceptance::shared::{Engine, Service, Shared};
use acceptance::{Request, Response, environment, images};
use serde_json::{Value, json};

/// Of these work on images of their own …
const CLIENTS: u64 = 8;
/// … and of these each sends the same to both services at once.
const RIVALS: u64 = 2;

/// What one change in so many is: one that both services are asked for.
const CONTESTED: u64 = 10;

type Both = [Service; 2];

/// What was done, for the one who reads it.
#[derive(Debug, Default)]
struct Figures {
    changes: AtomicU64,
    comparisons: AtomicU64,
    contested_uploads: AtomicU64,
    contested_deletions: AtomicU64,
    /// Python Glance looks whether the image is there and deletes it later, so that two of it may succeed, too.
    deleted_by_both: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn on_mysql() {
    let operations = if environment::is_full() { 10_000 } else { 400 };
    let shared = Shared::create(Engine::MySql);
    shared.manage_with_python(&["db_sync"]);
    let services = [shared.start_python(), shared.start_ours()];
    let (services, figures) = (&services, &Figures::default());
    let contested = operations / CONTESTED;
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || own_images(services, figures, client, (operations - contested) / CLIENTS));
        }
        for rival in 0..RIVALS {
            // Each round takes four changes.
            scope.spawn(move || (0..contested / RIVALS / 4).for_each(|round| contest(services, figures, rival, round)));
        }
    });
    for service in services {
        assert_eq!(service.images().list().len(), 0);
    }
    println!("{figures:?}");
}

/// An image that only one client changes.
struct Own {
    id: String,
    count: u64,
    tagged: bool,
    shared: bool,
    data: Option<Vec<u8>>,
}

/// Changes by one client through both services: each sees at once what the other has written.
fn own_images(services: &Both, figures: &Figures, client: u64, operations: u64) {
    let mut random = Random::new(client);
    let mut current: Option<Own> = None;
    for number in 0..operations {
        let service = &services[random.below(2) as usize];
        count(&figures.changes);
        let Some(own) = &mut current else {
            current = Some(Own::create(service, &format!("{client}-{number}")));
            continue;
        };
        if random.below(12) == 0 {
            own.delete(service);
            assert!(services.iter().all(|service| is_gone(service, &own.id)), "{} is still there", own.id);
            current = None;
            continue;
        }
        own.change(service, random.below(4), number);
        services.iter().for_each(|service| own.compare(service));
        count(&figures.comparisons);
    }
    if let Some(own) = current {
        own.delete(&services[0]);
    }
}

fn send(service: &Service, method: &str, path: &str, status: u16) {
    let _ = service.endpoint.send(&Request::new(method, path)).expect_status(status);
}

fn is_gone(service: &Service, id: &str) -> bool {
    service.endpoint.send(&Request::new("GET", &format!("/v2/images/{id}"))).status == 404
}

impl Own {
    fn create(service: &Service, name: &str) -> Self {
        let attributes = json!({"name": name, "count": "0", "disk_format": "raw", "container_format": "bare"});
        let id = images::id_of(&service.images().create(&attributes));
        Self { id, count: 0, tagged: false, shared: false, data: None }
    }

    fn change(&mut self, service: &Service, kind: u64, number: u64) {
        let path = format!("/v2/images/{}", self.id);
        match kind {
            0 => {
                let method = if self.tagged { "DELETE" } else { "PUT" };
                send(service, method, &format!("{path}/tags/tag"), 204);
                self.tagged = !self.tagged;
            }
            1 if self.shared => {
                send(service, "DELETE", &format!("{path}/members/mia"), 204);
                self.shared = false;
            }
            1 => {
                let add = Request::new("POST", &format!("{path}/members")).json(&json!({"member": "mia"}));
                let _ = service.endpoint.send(&add).expect_status(200);
                self.shared = true;
            }
            2 if self.data.is_none() => {
                let bytes = data::bytes(number, 1000);
                let _ = service.images().upload(&self.id, &bytes).expect_status(204);
                self.data = Some(bytes);
            }
            _ => {
                self.count += 1;
                let changes = json!([{"op": "replace", "path": "/count", "value": self.count.to_string()}]);
                let patch = Request::new("PATCH", &path).body(changes.to_string().as_bytes());
                let patch = patch.header("Content-Type", "application/openstack-images-v2.1-json-patch");
                let _ = service.endpoint.send(&patch).expect_status(200);
            }
        }
    }

    fn compare(&self, service: &Service) {
        let (id, shown) = (&self.id, service.images().show(&self.id));
        assert_eq!(shown["count"], json!(self.count.to_string()), "{id}");
        assert_eq!(shown["tags"], if self.tagged { json!(["tag"]) } else { json!([]) }, "{id}");
        assert_eq!(
            shown["checksum"],
            self.data.as_ref().map_or(Value::Null, |data| json!(data::digests(data).0)),
            "{id}"
        );
        assert_eq!(shown["status"], if self.data.is_some() { "active" } else { "queued" }, "{id}");
        let members = service.endpoint.send(&Request::new("GET", &format!("/v2/images/{id}/members")));
        let members = members.expect_status(200).json();
        assert_eq!(members["members"].as_array().unwrap().len(), usize::from(self.shared), "{id}");
    }

    fn delete(&self, service: &Service) {
        let _ = service.images().delete(&self.id).expect_status(204);
    }
}

/// Both services get the same request at once.
fn contest(services: &Both, figures: &Figures, rival: u64, round: u64) {
    let creator = &services[usize::from(!round.is_multiple_of(2))];
    let id = creator.images().create_raw(&format!("contested {rival}-{round}"));
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
    count(&figures.contested_uploads);
    creator.images().wait_for_status(&id, "active");
    for service in services {
        service.images().verify(&service.images().show(&id));
    }
    // For Python Glance's administrators, what is deleted is still there.
    let delete = Request::new("DELETE", &format!("/v2/images/{id}")).header("X-Roles", "member,reader");
    let deleted = both(&|service| service.endpoint.send(&delete));
    assert!(deleted.contains(&204), "{deleted:?}");
    assert!(deleted.iter().all(|status| matches!(status, 204 | 404 | 409)), "{deleted:?}");
    assert!(services.iter().all(|service| is_gone(service, &id)), "{id} is still there");
    count(&figures.contested_deletions);
    if deleted == [204, 204] {
        count(&figures.deleted_by_both);
    }
}
