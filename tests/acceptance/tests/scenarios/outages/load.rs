//! Clients that know what they have been promised, and look whether it is so after every change.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use acceptance::data::{self, Random};
use acceptance::{Endpoint, Request, Response, images, wait};
use serde_json::{Value, json};

/// Whether a request may remain without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    Always,
    WhileItLives,
}

/// What the clients have in common.
pub(super) struct Load {
    endpoint: Mutex<Endpoint>,
    answers: Answers,
    stop: AtomicBool,
    /// Requests that were answered otherwise than by "not now".
    answered: AtomicU64,
    /// Changes that the service says it has made.
    acknowledged: AtomicU64,
    /// Requests after which nobody knows what became of them.
    refused: AtomicU64,
    /// Times when the service was compared with what was known.
    checks: AtomicU64,
    /// Changes that two made at once.
    races: AtomicU64,
}

/// Lets the clients end, even when the test fails.
pub(super) struct StopAtEnd<'l>(&'l Load);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Without an answer nobody knows whether a request had an effect.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done(u16),
    Unknown,
}

/// An image as it is seen by a client.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    status: String,
    checksum: Option<String>,
    count: String,
    tags: BTreeSet<String>,
    members: BTreeSet<String>,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Load {
    pub(super) fn new(endpoint: Endpoint, answers: Answers) -> Self {
        let [answered, acknowledged, refused, checks, races] = [const { AtomicU64::new(0) }; 5];
        let (endpoint, stop) = (Mutex::new(endpoint), AtomicBool::new(false));
        Self { endpoint, answers, stop, answered, acknowledged, refused, checks, races }
    }

    pub(super) fn turn_to(&self, endpoint: Endpoint) {
        *self.endpoint.lock().unwrap() = endpoint;
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn stop_at_end(&self) -> StopAtEnd<'_> {
        StopAtEnd(self)
    }

    /// Waits until that many more requests have been answered.
    pub(super) fn go_on(&self, more: u64) {
        let enough = self.answered.load(Ordering::Relaxed) + more;
        wait::until("the service works", || (self.answered.load(Ordering::Relaxed) >= enough).then_some(()));
    }

    pub(super) fn wait_for_a_refusal(&self) {
        let refused = self.refused.load(Ordering::Relaxed);
        wait::until("the outage is noticed", || (self.refused.load(Ordering::Relaxed) > refused).then_some(()));
    }

    fn send(&self, request: &Request) -> Option<Response> {
        let endpoint = *self.endpoint.lock().unwrap();
        match endpoint.try_send(request) {
            Ok(answer) if answer.status == 503 => {
                assert!(answer.header("retry-after").is_some());
                count(&self.refused);
                None
            }
            Ok(answer) => {
                assert!(answer.status < 500, "{}: {}", answer.status, answer.text());
                count(&self.answered);
                Some(answer)
            }
            Err(error) => {
                assert!(self.answers == Answers::WhileItLives, "the service is always there: {error}");
                count(&self.refused);
                None
            }
        }
    }

    fn change(&self, request: &Request) -> Outcome {
        let Some(answer) = self.send(request) else { return Outcome::Unknown };
        if answer.status < 300 {
            count(&self.acknowledged);
        }
        Outcome::Done(answer.status)
    }

    /// A document, once the service can tell: `None` when there is no such thing.
    fn get(&self, path: &str) -> Option<Value> {
        let answer = wait::until("the service can tell", || self.send(&Request::new("GET", path)));
        (answer.status != 404).then(|| answer.expect_status(200).json())
    }

    /// How the image is now: `None` when there is none.
    fn look(&self, id: &str) -> Option<State> {
        count(&self.checks);
        let image = self.get(&format!("/v2/images/{id}"))?;
        let members = self.get(&format!("/v2/images/{id}/members"))?;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Some(State {
            status: text(&image["status"]),
            checksum: image["checksum"].as_str().map(str::to_owned),
            count: text(&image["count"]),
            tags: image["tags"].as_array().unwrap().iter().map(text).collect(),
            members: members["members"].as_array().unwrap().iter().map(|member| text(&member["member_id"])).collect(),
        })
    }

    /// Makes a change, and sees that it was made if that is what the service says, and wholly or not at all otherwise.
    fn apply(&self, id: &str, before: State, request: &Request, success: u16, after: State) -> State {
        let outcome = self.change(request);
        let seen = self.look(id).unwrap_or_else(|| panic!("{id} is lost"));
        match outcome {
            Outcome::Done(status) => assert_eq!((status, &seen), (success, &after), "{id}"),
            Outcome::Unknown => assert!(seen == after || seen == before, "{id}: {before:?}, {after:?}, {seen:?}"),
        }
        seen
    }

    /// Two at once change the same: at most one is told that it did, and which. Without an answer nobody knows.
    fn race(&self, requests: &[Request; 2], success: u16, refusals: &[u16]) -> Option<usize> {
        count(&self.races);
        let outcomes = thread::scope(|scope| {
            let other = scope.spawn(|| self.change(&requests[1]));
            [self.change(&requests[0]), other.join().unwrap()]
        });
        let winners: Vec<usize> = (0..2).filter(|index| outcomes[*index] == Outcome::Done(success)).collect();
        assert!(winners.len() <= 1, "{requests:?}: {outcomes:?}");
        let sensible = |outcome: &Outcome| match outcome {
            Outcome::Done(status) => *status == success || refusals.contains(status),
            Outcome::Unknown => true,
        };
        assert!(outcomes.iter().all(sensible), "{requests:?}: {outcomes:?}");
        let known = !outcomes.contains(&Outcome::Unknown);
        assert!(!known || winners.len() == 1, "{requests:?}: {outcomes:?}");
        winners.first().copied()
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [answered, acknowledged, refused, checks, races] =
            [&self.answered, &self.acknowledged, &self.refused, &self.checks, &self.races]
                .map(|counter| counter.load(Ordering::Relaxed));
        write!(
            f,
            "{answered} requests answered, {acknowledged} changes acknowledged, {refused} requests refused or without an \
             answer, {checks} times looked, {races} races"
        )
    }
}

/// Works on one image after the other, and looks at all of them again in the end. Tells how many those were.
pub(super) fn client(load: &Load, number: u64) -> usize {
    let mut random = Random::new(number);
    let mut known = Vec::new();
    for image in 1_u64.. {
        if load.stop.load(Ordering::Relaxed) {
            break;
        }
        let id = format!("{number:08}-0000-4000-8000-{image:012}");
        let Some(mut state) = create(load, &id) else { continue };
        for time in 1..=random.below(8) {
            state = change(load, &id, state, time, random.below(3));
        }
        if random.below(2) == 0 {
            match upload_twice(load, &id, state) {
                Some(active) => state = active,
                // An upload that was broken off ends later.
                None => continue,
            }
        }
        if random.below(4) == 0 {
            known.push((id, Some(state)));
        } else if delete_twice(load, &id) {
            known.push((id, None));
        }
    }
    for (id, state) in &known {
        assert_eq!(load.look(id), *state, "{id} in the end");
    }
    known.len()
}

/// The image, if it is there afterwards.
fn create(load: &Load, id: &str) -> Option<State> {
    let attributes = json!({"id": id, "name": id, "count": "0", "disk_format": "raw", "container_format": "bare"});
    let outcome = load.change(&Request::new("POST", "/v2/images").json(&attributes));
    let seen = load.look(id);
    match outcome {
        Outcome::Done(201) => assert!(seen.is_some(), "{id} was acknowledged and is lost"),
        Outcome::Done(status) => panic!("{status}"),
        Outcome::Unknown => {}
    }
    seen
}

/// A change of a property, a tag or the members.
fn change(load: &Load, id: &str, before: State, time: u64, kind: u64) -> State {
    let (path, word) = (format!("/v2/images/{id}"), time.to_string());
    let mut after = before.clone();
    match kind {
        0 => {
            after.count.clone_from(&word);
            let changes = json!([{"op": "replace", "path": "/count", "value": word}]);
            let patch = Request::new("PATCH", &path).body(changes.to_string().as_bytes());
            let patch = patch.header("Content-Type", "application/openstack-images-v2.1-json-patch");
            load.apply(id, before, &patch, 200, after)
        }
        1 => {
            after.tags.insert(word.clone());
            load.apply(id, before, &Request::new("PUT", &format!("{path}/tags/{word}")), 204, after)
        }
        _ if before.members.is_empty() => {
            let add = Request::new("POST", &format!("{path}/members")).json(&json!({"member": word}));
            let winner = load.race(&[add.clone(), add], 200, &[409]);
            let seen = load.look(id).unwrap_or_else(|| panic!("{id} is lost"));
            after.members.insert(word);
            assert!(seen == after || (winner.is_none() && seen == before), "{id}: {before:?}, {seen:?}");
            seen
        }
        _ => {
            let member = after.members.pop_first().unwrap();
            load.apply(id, before, &Request::new("DELETE", &format!("{path}/members/{member}")), 204, after)
        }
    }
}

/// The image with the data of the one who is told that it is stored.
fn upload_twice(load: &Load, id: &str, before: State) -> Option<State> {
    let bodies = ["one", "other"].map(|who| format!("{id} {who}").into_bytes());
    let requests = bodies.each_ref().map(|body| images::upload_request(id).body(body));
    let winner = load.race(&requests, 204, &[409])?;
    let checksum = Some(data::digests(&bodies[winner]).0);
    let active = State { status: "active".to_owned(), checksum, ..before };
    assert_eq!(load.look(id).as_ref(), Some(&active), "{id}");
    Some(active)
}

/// Whether the image is gone for certain.
fn delete_twice(load: &Load, id: &str) -> bool {
    let delete = Request::new("DELETE", &format!("/v2/images/{id}"));
    let won = load.race(&[delete.clone(), delete], 204, &[404, 409]).is_some();
    if won {
        assert_eq!(load.look(id), None, "{id} was deleted and is there");
    }
    won
}
