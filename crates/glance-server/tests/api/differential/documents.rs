//! Makes up documents: new images and patches.

use serde_json::{Map, Value, json};

use super::random::Random;
use crate::web::Web;

/// Text that is no JSON document, or none that helps.
pub(super) fn broken_json(random: &mut Random) -> String {
    random.pick(&["", "{", "[", "5", "\"x\"", "null", "[1]", "{\"a\":}", "nonsense", "[[]]"]).to_owned()
}

/// Values of attributes, some of which fit.
fn value(random: &mut Random, name: &str) -> Value {
    let odd = [json!(null), json!(5), json!(-1), json!(1.5), json!(true), json!([]), json!({}), json!(""), json!("x")];
    if random.chance(8) {
        return random.pick(&odd);
    }
    match name {
        "name" => random.pick(&[
            json!("one"),
            json!("two"),
            json!("a,b"),
            json!("é"),
            json!(null),
            json!("😀"),
            json!("n".repeat(256)),
        ]),
        "visibility" => random.pick(&[
            json!("private"),
            json!("shared"),
            json!("shared"),
            json!("community"),
            json!("public"),
            json!("secret"),
        ]),
        "protected" | "os_hidden" => json!(random.chance(15)),
        "disk_format" => random.pick(&[
            json!("raw"),
            json!("raw"),
            json!("raw"),
            json!("qcow2"),
            json!("iso"),
            json!("zip"),
            json!(null),
        ]),
        "container_format" => random.pick(&[json!("bare"), json!("bare"), json!("ovf"), json!("bag"), json!(null)]),
        "min_disk" | "min_ram" => random.pick(&[json!(0), json!(1), json!(512), json!(-1), json!(2_147_483_648_i64)]),
        "owner" => random.pick(&[json!("owner"), json!("other"), json!("third"), json!(null)]),
        "tags" => random.pick(&[
            json!([]),
            json!(["a"]),
            json!(["a", "b", "a"]),
            json!(["a", "b", "c", "d", "e"]),
            json!(["t".repeat(256)]),
            json!([5]),
        ]),
        "id" => random.pick(&[json!("not-a-uuid"), json!(5)]),
        _ => random.pick(&[json!("red"), json!("blue"), json!("5"), json!("é"), json!(""), json!(null), json!("😀")]),
    }
}

const COMMON: [&str; 14] = [
    "name",
    "visibility",
    "visibility",
    "protected",
    "os_hidden",
    "disk_format",
    "container_format",
    "min_disk",
    "min_ram",
    "tags",
    "colour",
    "shape",
    "os_distro",
    "veiled",
];
const RARE: [&str; 23] = [
    "owner",
    "id",
    "status",
    "size",
    "checksum",
    "created_at",
    "updated_at",
    "virtual_size",
    "os_hash_algo",
    "os_hash_value",
    "direct_url",
    "self",
    "file",
    "schema",
    "stores",
    "location",
    "deleted",
    "deleted_at",
    "os_glance_x",
    "p1",
    "p2",
    "p3",
    "locations",
];

/// An image to register.
pub(super) fn new_image(random: &mut Random, id: &str) -> Value {
    let mut image = Map::new();
    image.insert("id".into(), json!(id));
    if random.chance(75) {
        image.insert("disk_format".into(), json!("raw"));
        image.insert("container_format".into(), json!("bare"));
    }
    for _ in 0..random.below(5) {
        let name = random.pick(&COMMON);
        let value = value(random, name);
        image.insert(name.to_owned(), value);
    }
    if random.chance(12) {
        let name = random.pick(&RARE);
        let value = value(random, name);
        image.insert(name.to_owned(), value);
    }
    if random.chance(3) {
        image.insert("k".repeat(256), json!("v"));
    }
    if random.chance(4) {
        image.extend((0..7).map(|number| (format!("q{number}"), json!("v"))));
    }
    Value::Object(image)
}

/// A patch of a few changes.
pub(super) fn patch(random: &mut Random, web: &Web, old: bool) -> Value {
    let count = random.pick(&[0, 1, 1, 1, 1, 2, 2, 3]);
    Value::Array((0..count).map(|_| change(random, web, old)).collect())
}

fn change(random: &mut Random, web: &Web, old: bool) -> Value {
    let verb = random.pick(&["add", "replace", "replace", "remove", "move"]);
    let verb = if verb == "move" && random.chance(80) { "add" } else { verb };
    let (path, value) = if random.chance(25) { location(random, web, verb) } else { attribute(random) };
    // To add an owner is not refused by Python Glance, unless the image vanishes by it.
    let verb = if path == "/owner" && verb == "add" { "replace" } else { verb };
    let mut change = Map::new();
    if old {
        change.insert(verb.to_owned(), json!(path));
    } else {
        change.insert("op".into(), json!(verb));
        change.insert("path".into(), json!(path));
    }
    if verb != "remove" && !random.chance(2) {
        change.insert("value".into(), value);
    }
    if random.chance(2) {
        let name = random.pick(&["op", "path", "add", "remove"]);
        if change.remove(name).is_none() {
            change.insert(name.to_owned(), json!("/name"));
        }
    }
    if !old && random.chance(1) {
        change.insert("op".into(), json!(null));
    }
    if random.chance(1) { json!("change") } else { Value::Object(change) }
}

fn attribute(random: &mut Random) -> (String, Value) {
    if random.chance(6) {
        let odd = [
            "name", "/", "//", "/a//b", "/a/", "/a/b", "/a~", "/a~2", "/a~1b", "/a~0b", "", "/ name", "/tags/-",
            "/name/x",
        ];
        return (random.pick(&odd).to_owned(), json!("text"));
    }
    let name = if random.chance(85) { random.pick(&COMMON) } else { random.pick(&RARE) };
    (format!("/{name}"), value(random, name))
}

fn location(random: &mut Random, web: &Web, verb: &str) -> (String, Value) {
    let one = |random: &mut Random| {
        let name = random.pick(&["a", "b", "c", "d"]);
        let good = web.file(7, name);
        let bad = [
            web.nothing(),
            web.file(0, name),
            "file:///etc/passwd".to_owned(),
            "x".to_owned(),
            "http://169.254.169.254/x".to_owned(),
            "rbd://x".to_owned(),
        ];
        let url = if random.chance(80) { good } else { random.pick(&bad) };
        let metadata = random.pick(&[json!({}), json!({}), json!({"store": "fast"}), json!({"k": "v"})]);
        let mut location = json!({"url": url, "metadata": metadata});
        if random.chance(15) {
            location["validation_data"] = random.pick(&[
                json!({"os_hash_algo": "sha512", "os_hash_value": "ab".repeat(64)}),
                json!({"os_hash_algo": "sha512", "os_hash_value": "xy".repeat(64)}),
                json!({"os_hash_algo": "md5", "os_hash_value": "ab".repeat(16)}),
                json!({"os_hash_algo": "sha512", "os_hash_value": "ab".repeat(64), "checksum": "cd".repeat(16)}),
                json!({"os_hash_algo": "sha512"}),
                json!({}),
            ]);
        }
        if random.chance(4) { random.pick(&[json!({"url": "x"}), json!("x"), json!(null)]) } else { location }
    };
    if verb == "replace" {
        let count = random.pick(&[0, 1, 1, 2, 4]);
        let all: Vec<Value> = (0..count).map(|_| one(random)).collect();
        return ("/locations".to_owned(), Value::Array(all));
    }
    let at = random.pick(&["-", "-", "0", "1", "9", "x", "-1"]);
    let path = if random.chance(5) { "/locations".to_owned() } else { format!("/locations/{at}") };
    (path, one(random))
}
