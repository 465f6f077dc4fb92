//! Clients that upload, change and delete images through any of two nodes, and remember what they were promised.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use acceptance::data::{self, Random};
use acceptance::http::{Endpoint, Request};
use acceptance::images::{Images, id_of, upload_request};
use acceptance::wait;
use serde_json::json;

/// The clients' common state.
pub(super) struct Storm {
    nodes: Mutex<[Endpoint; 2]>,
    /// The MD5 of each image whose upload was acknowledged, and whose deletion nobody has asked for.
    promises: Mutex<BTreeMap<String, String>>,
    ended: AtomicBool,
    /// Uploads that were acknowledged.
    pub(super) uploads: AtomicU64,
    deletes: AtomicU64,
    changes: AtomicU64,
    refusals: AtomicU64,
    breaks: AtomicU64,
}

/// Ends the clients when it is dropped, so that a panic does not leave them running.
pub(super) struct End<'a>(&'a Storm);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::SeqCst);
    }
}

impl Storm {
    /// No client yet.
    pub(super) fn new(nodes: [Endpoint; 2]) -> Self {
        let zero = || AtomicU64::new(0);
        let [uploads, deletes, changes, refusals, breaks] = [zero(), zero(), zero(), zero(), zero()];
        let (nodes, promises, ended) = (Mutex::new(nodes), Mutex::default(), AtomicBool::new(false));
        Self { nodes, promises, ended, uploads, deletes, changes, refusals, breaks }
    }

    /// Ends the clients when it is dropped.
    pub(super) fn end_with_scope(&self) -> End<'_> {
        End(self)
    }

    /// From now on the node answers there.
    pub(super) fn turn(&self, node: usize, endpoint: Endpoint) {
        self.nodes.lock().unwrap()[node] = endpoint;
    }

    /// Waits for so many uploads more.
    pub(super) fn go_on(&self, more: u64) {
        let enough = self.uploads.load(Ordering::SeqCst) + more;
        wait::until_within(10 * wait::SOON, "uploads go on", || {
            (self.uploads.load(Ordering::SeqCst) >= enough).then_some(())
        });
    }

    /// Works until the end.
    pub(super) fn client(&self, seed: u64) {
        let mut random = Random::new(seed);
        while !self.ended.load(Ordering::SeqCst) {
            let node = self.nodes.lock().unwrap()[usize::try_from(random.below(2)).unwrap()];
            let done = match random.below(4) {
                0 => self.delete(node, &mut random),
                1 => self.contested(node, &mut random),
                _ => self.upload(node, &mut random),
            };
            if done.is_err() {
                self.breaks.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn upload(&self, node: Endpoint, random: &mut Random) -> std::io::Result<()> {
        let Some(id) = self.create(node)? else { return Ok(()) };
        let length = 1 + random.below(20_000) as usize;
        let bytes = random.bytes(length);
        let other = self.nodes.lock().unwrap()[usize::try_from(random.below(2)).unwrap()];
        let answer = other.try_send(&upload_request(&id).body(&bytes))?;
        if self.count(answer.status) {
            self.promises.lock().unwrap().insert(id, data::digests(&bytes).0);
            self.uploads.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    /// An upload, and a deletion and a change at the same time.
    fn contested(&self, node: Endpoint, random: &mut Random) -> std::io::Result<()> {
        let Some(id) = self.create(node)? else { return Ok(()) };
        let bytes = random.bytes(2000);
        let path = format!("/v2/images/{id}");
        std::thread::scope(|scope| {
            let deleting = scope.spawn(|| node.try_send(&Request::new("DELETE", &path)));
            let uploaded = node.try_send(&upload_request(&id).body(&bytes));
            let change = json!([{"op": "add", "path": "/changed", "value": "yes"}]);
            let patch = Request::new("PATCH", &path).header("Content-Type", PATCH).body(change.to_string().as_bytes());
            let changed = node.try_send(&patch);
            for status in [uploaded?.status, changed?.status, deleting.join().unwrap()?.status] {
                self.count(status);
            }
            self.changes.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    }

    fn create(&self, node: Endpoint) -> std::io::Result<Option<String>> {
        let attributes = json!({"name": "storm", "disk_format": "raw", "container_format": "bare"});
        let created = node.try_send(&Request::new("POST", "/v2/images").json(&attributes))?;
        Ok(self.count(created.status).then(|| id_of(&created.json())))
    }

    /// From the request on, nothing is promised about the image.
    fn delete(&self, node: Endpoint, random: &mut Random) -> std::io::Result<()> {
        let id = {
            let mut promises = self.promises.lock().unwrap();
            let count = promises.len() as u64;
            if count < 50 {
                return Ok(());
            }
            let id = promises.keys().nth(random.below(count) as usize).unwrap().clone();
            promises.remove(&id);
            id
        };
        let answer = node.try_send(&Request::new("DELETE", &format!("/v2/images/{id}")))?;
        if self.count(answer.status) {
            self.deletes.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether the answer says that it was done.
    fn count(&self, status: u16) -> bool {
        if status >= 300 {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
        status < 300
    }

    /// Every promise is kept.
    pub(super) fn verify(&self, images: &Images) {
        for (id, md5) in &*self.promises.lock().unwrap() {
            let data = images.download(id).expect_status(200).body;
            assert_eq!(&data::digests(&data).0, md5, "{id}");
        }
    }
}

const PATCH: &str = "application/openstack-images-v2.1-json-patch";

impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        write!(f, "{} uploads, {} deletes, ", of(&self.uploads), of(&self.deletes))?;
        write!(f, "{} contests, {} refusals, ", of(&self.changes), of(&self.refusals))?;
        write!(
            f,
            "{} broken requests, {} images kept",
            of(&self.breaks),
            self.promises.lock().map_or(0, |kept| kept.len())
        )
    }
}
