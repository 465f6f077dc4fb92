//! Makes up requests: most of them make sense, some nearly do.

use glance_domain::ImageId;
use serde_json::{Value, json};

use super::documents::{broken_json, new_image, patch};
use super::random::Random;
use super::{Call, Reply, queries};
use crate::support::{ADMIN, ANONYMOUS, MEMBER, OTHER, Persona, READER};
use crate::web::Web;

const MANAGER: Persona = Persona { name: "manager", project: Some("owner"), roles: &["manager", "member", "reader"] };
const SERVICE: Persona = Persona { name: "service", project: Some("services"), roles: &["service"] };
const THIRD: Persona = Persona { name: "third", project: Some("third"), roles: &["member", "reader"] };
const NOBODY: Persona = Persona { name: "without roles", project: Some("owner"), roles: &[] };

/// Weights by repetition.
const CALLERS: [Persona; 15] = [
    ADMIN, ADMIN, ADMIN, MEMBER, MEMBER, MEMBER, MEMBER, OTHER, OTHER, THIRD, READER, MANAGER, SERVICE, NOBODY,
    ANONYMOUS,
];

/// How many images there can be.
const IMAGES: usize = 48;

/// A sequence of requests.
pub(super) struct Calls {
    random: Random,
    web: Web,
    ids: Vec<String>,
    /// Images that were registered, with who did it.
    alive: Vec<(String, Persona)>,
    /// Those of them that have got data, and may have lost it.
    stored: Vec<(String, Persona)>,
    second: i64,
}

impl Calls {
    pub(super) fn new(seed: u64, web: Web) -> Self {
        let ids =
            (0..IMAGES).map(|number| format!("{:08x}-0000-4000-8000-{seed:012x}", number * 0x1357_9bdf % 0xffff_ffff));
        Self { random: Random::new(seed), web, ids: ids.collect(), alive: Vec::new(), stored: Vec::new(), second: 0 }
    }

    /// The next request. Some come in the same second as the one before.
    pub(super) fn next(&mut self) -> Call {
        if self.random.chance(60) {
            self.second += 1;
        }
        match self.random.below(100) {
            _ if self.alive.len() < 4 => self.create(),
            0..14 => self.create(),
            14..20 => self.plain("GET", "", ""),
            20..23 => self.plain("DELETE", "", ""),
            23..46 => self.list(),
            46..68 => self.patch(),
            68..73 => self.tag(),
            73..83 => self.member(),
            83..86 => self.action(),
            86..90 => self.upload(),
            90..94 => self.download(),
            94..95 => self.plain("GET", "/locations", ""),
            95..97 => self.store(),
            97..98 => self.documents(),
            _ => self.nonsense(),
        }
    }

    /// Remembers what came of a request.
    pub(super) fn learn(&mut self, call: &Call, answer: &Reply) {
        if call.method == "POST" && call.path == "/v2/images" && answer.status == 201 {
            let document: Value = serde_json::from_slice(&answer.body).unwrap();
            self.alive.push((document["id"].as_str().unwrap().to_owned(), call.who));
        }
        if call.method == "DELETE" && answer.status == 204 {
            for images in [&mut self.alive, &mut self.stored] {
                images.retain(|(id, _)| call.path != format!("/v2/images/{id}"));
            }
        }
        if call.method == "PUT" && call.path.ends_with("/file") && answer.status == 204 {
            self.stored.extend(self.alive.iter().find(|(id, _)| call.path.contains(id)).cloned());
        }
    }

    /// What removes the image of a call, be it protected.
    pub(super) fn removal(&mut self, call: &Call) -> [Call; 2] {
        let id = call.path.split('/').nth(3).unwrap_or_default();
        let path = format!("/v2/images/{id}");
        let open = json!([{"op": "replace", "path": "/protected", "value": false}]).to_string();
        let mut open = self.call(ADMIN, "PATCH", path.clone(), open);
        open.headers = vec![("content-type".to_owned(), "application/openstack-images-v2.1-json-patch".to_owned())];
        [open, self.call(ADMIN, "DELETE", path, "")]
    }

    fn call(&mut self, who: Persona, method: &'static str, path: String, body: impl Into<Vec<u8>>) -> Call {
        let accept =
            self.random.pick(&["application/json", "application/json", "application/json", "*/*", "text/html", ""]);
        let mut headers = Vec::new();
        if !accept.is_empty() {
            headers.push(("accept".to_owned(), accept.to_owned()));
        }
        let body = body.into();
        if !body.is_empty() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        Call { who, method, path, headers, body, second: self.second }
    }

    /// An image, mostly one that is there, and somebody, often its owner.
    fn target(&mut self) -> (String, Persona) {
        let somebody = self.random.pick(&CALLERS);
        if self.alive.is_empty() || self.random.chance(4) {
            let id = self.random.pick(&["no-such-image", "00000000-0000-4000-8000-000000000000", "a%20b"]);
            return (id.to_owned(), somebody);
        }
        let from = if self.random.chance(25) && !self.stored.is_empty() { &self.stored } else { &self.alive };
        let (id, owner) = self.random.pick(from);
        (id, if self.random.chance(45) { owner } else { somebody })
    }

    fn plain(&mut self, method: &'static str, suffix: &str, body: &str) -> Call {
        let (id, who) = self.target();
        let body = if self.random.chance(3) { "{}" } else { body };
        self.call(who, method, format!("/v2/images/{id}{suffix}"), body)
    }

    fn create(&mut self) -> Call {
        let id = self.random.pick(&self.ids);
        debug_assert!(ImageId::parse(&id).is_ok());
        let who = self.random.pick(&CALLERS);
        let body = if self.random.chance(4) {
            broken_json(&mut self.random)
        } else {
            new_image(&mut self.random, &id).to_string()
        };
        self.call(who, "POST", "/v2/images".to_owned(), body)
    }

    fn list(&mut self) -> Call {
        let known: Vec<String> = self.alive.iter().map(|(id, _)| id.clone()).collect();
        let query = queries::query(&mut self.random, &known, self.second);
        let who = self.random.pick(&CALLERS);
        self.call(who, "GET", format!("/v2/images{query}"), "")
    }

    fn patch(&mut self) -> Call {
        let (id, who) = self.target();
        let old = self.random.chance(15);
        let body = if self.random.chance(3) {
            broken_json(&mut self.random)
        } else {
            patch(&mut self.random, &self.web, old).to_string()
        };
        let mut call = self.call(who, "PATCH", format!("/v2/images/{id}"), body);
        let version = if old { "0" } else { "1" };
        let mut media_type = format!("application/openstack-images-v2.{version}-json-patch");
        if self.random.chance(3) {
            media_type =
                self.random.pick(&["application/json", "text/plain", "application/json-patch+json"]).to_owned();
        }
        call.headers.retain(|(name, _)| name != "content-type");
        call.headers.push(("content-type".to_owned(), media_type));
        call
    }

    fn tag(&mut self) -> Call {
        let method = self.random.pick(&["PUT", "PUT", "DELETE", "GET"]);
        let tag = self.random.pick(&["a", "b", "c", "d", "e%20f"]);
        self.plain(method, &format!("/tags/{tag}"), "")
    }

    fn member(&mut self) -> Call {
        let member = self.random.pick(&["other", "other", "third", "owner", "admins", "x", "y"]);
        let one = format!("/members/{member}");
        match self.random.below(8) {
            0..3 => {
                let odd = [json!({}), json!({"member": ""}), json!([]), json!({"member": null}), json!("x")];
                let body = if self.random.chance(15) { self.random.pick(&odd) } else { json!({"member": member}) };
                self.plain("POST", "/members", &body.to_string())
            }
            3 => self.plain("GET", "/members", ""),
            4 => self.plain("GET", &one, ""),
            5..7 => {
                let status = self.random.pick(&["accepted", "accepted", "rejected", "pending", "maybe", ""]);
                let odd = [json!({}), json!([]), json!({"status": null})];
                let body = if self.random.chance(10) { self.random.pick(&odd) } else { json!({"status": status}) };
                self.plain("PUT", &one, &body.to_string())
            }
            _ => self.plain("DELETE", &one, ""),
        }
    }

    fn action(&mut self) -> Call {
        let action = self.random.pick(&["deactivate", "deactivate", "reactivate", "explode"]);
        self.plain("POST", &format!("/actions/{action}"), "")
    }

    fn upload(&mut self) -> Call {
        let (id, who) = self.target();
        let data = self.random.pick(&["data of an image", "more", "QFI\u{fb}"]);
        let mut call = self.call(who, "PUT", format!("/v2/images/{id}/file"), data);
        let media_type = if self.random.chance(5) { "text/plain" } else { "application/octet-stream" };
        call.headers.retain(|(name, _)| name != "content-type");
        call.headers.push(("content-type".to_owned(), media_type.to_owned()));
        if self.random.chance(15) {
            let store = self.random.pick(&["fast", "slow", "nowhere"]);
            call.headers.push(("x-image-meta-store".to_owned(), store.to_owned()));
        }
        if self.random.chance(10) {
            let size = self.random.pick(&["4", "16", "x"]);
            call.headers.push(("x-openstack-image-size".to_owned(), size.to_owned()));
        }
        call
    }

    fn download(&mut self) -> Call {
        let mut call = self.plain("GET", "/file", "");
        if self.random.chance(50) {
            let range = [
                "bytes=0-3",
                "bytes=2-",
                "bytes=-2",
                "bytes=99-",
                "bytes=3-1",
                "lines=1-2",
                "bytes=0-0,2-3",
                "bytes=0-99",
            ];
            call.headers.push(("range".to_owned(), self.random.pick(&range).to_owned()));
        }
        call
    }

    fn store(&mut self) -> Call {
        let store = self.random.pick(&["fast", "slow", "web", "web", "nowhere"]);
        let mut call = self.plain("DELETE", "", "");
        call.path = call.path.replace("/v2/images", &format!("/v2/stores/{store}"));
        if self.random.chance(40) {
            call.who = ADMIN;
        }
        call
    }

    fn documents(&mut self) -> Call {
        let path = self.random.pick(&[
            "/v2/schemas/image",
            "/v2/schemas/images",
            "/v2/schemas/member",
            "/v2/schemas/members",
            "/v2/info/import",
            "/v2/info/stores",
            "/v2/info/stores/detail",
            "/v2.9/info/stores",
            "/v2.99/info/stores",
            "/v3/images",
            "/versions",
            "/",
        ]);
        let (who, body) = (self.random.pick(&CALLERS), if self.random.chance(5) { "{}" } else { "" });
        self.call(who, "GET", path.to_owned(), body)
    }

    fn nonsense(&mut self) -> Call {
        let (id, who) = self.target();
        let path = self.random.pick(&[
            "/v2/nothing".to_owned(),
            "/v2/images/".to_owned(),
            format!("/v2/images/{id}/nothing"),
            "/v2/images".to_owned(),
            format!("/v2/images/{id}"),
            format!("/v2/images/{id}/members"),
            format!("/v2/images/{id}/file"),
            "/v2/schemas/image".to_owned(),
            "/v2/info/stores".to_owned(),
            format!("/v2/images/{id}/tags/x"),
        ]);
        let method = self.random.pick(&["HEAD", "PUT", "POST", "DELETE", "TRACE", "FOO"]);
        self.call(who, method, path, "")
    }
}
