//! Python Glance and this service in turn on one catalogue and one store: nothing is lost, whoever serves.

use acceptance::files::Files;
use acceptance::folder::Folder;
use acceptance::shared::{Engine, Service, Shared};
use acceptance::{Request, data, images, wait};
use serde_json::{Value, json};

const NAMESPACE: &str = "OS::Acceptance::Swap";

#[test]
fn on_sqlite() {
    swap(Engine::Sqlite);
}

#[test]
fn on_postgres() {
    swap(Engine::Postgres);
}

#[test]
fn on_mysql() {
    swap(Engine::MySql);
}

fn swap(engine: Engine) {
    let folder = Folder::new();
    let elsewhere = Files::serve(&folder, &[("one", b"elsewhere"), ("two", b"elsewhere"), ("three", b"elsewhere")]);
    let shared = Shared::create(engine);
    shared.configure(&format!(
        "[DEFAULT]\nenabled_backends = fast:file, web:http\n[web]\nstore_description = web\n\
         [import_filtering_opts]\nallowed_hosts = [127.0.0.1]\nallowed_ports = [{}]\n",
        elsewhere.port()
    ));
    shared.manage_with_python(&["db_sync"]);
    let python = shared.start_python();
    fill(&python);
    fill_elsewhere(&python, &elsewhere.url());
    let (theirs, beside) = (seen(&python), aside(&python));
    assert_eq!(theirs.len(), 7);
    drop(python);

    let ours = shared.start_ours();
    assert_same(&seen(&ours), &theirs);
    change(&ours);
    change_locations(&ours, &elsewhere.url());
    let changed = seen(&ours);
    assert_eq!(changed.len(), 7, "one more and one less");
    drop(ours);

    let python = shared.start_python();
    assert_same(&seen(&python), &changed);
    assert_eq!(aside(&python), beside);
    change_back(&python);
    let last = seen(&python);
    drop(python);

    let ours = shared.start_ours();
    assert_same(&seen(&ours), &last);
    drop(ours);
    shared.manage(&["db", "detach"]);
    assert_eq!(shared.manage_with_python(&["db_sync"]), "Database is up to date. No migrations needed.\n");
    let python = shared.start_python();
    assert_same(&seen(&python), &last);
}

fn send(service: &Service, method: &str, path: &str, body: Option<&Value>, status: u16) -> Value {
    let request = Request::new(method, path);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = service.endpoint.send(&request).expect_status(status);
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

fn patch(service: &Service, id: &str, changes: &Value) -> Value {
    let request = Request::new("PATCH", &format!("/v2/images/{id}")).body(changes.to_string().as_bytes());
    let request = request.header("Content-Type", "application/openstack-images-v2.1-json-patch");
    service.endpoint.send(&request).expect_status(200).json()
}

fn id_named(service: &Service, name: &str) -> String {
    let images = send(service, "GET", "/v2/images?limit=50&visibility=all", None, 200);
    images::id_of(images["images"].as_array().unwrap().iter().find(|image| image["name"] == name).unwrap())
}

/// Images with something in every attribute, members, definitions of metadata, and a task.
fn fill(service: &Service) {
    let images = service.images();
    let full = json!({
        "name": "größer", "disk_format": "raw", "container_format": "bare", "visibility": "public", "protected": true,
        "min_disk": 3, "min_ram": 512, "os_hidden": false, "tags": ["one", "größer"],
        "os_distro": "debian", "empty": "", "long": "x".repeat(300),
    });
    let full = images::id_of(&images.create(&full));
    let _ = images.upload(&full, &data::bytes(1, 100_000)).expect_status(204);
    for (name, visibility) in [("shared", "shared"), ("private", "private"), ("community", "community")] {
        let attributes =
            json!({"name": name, "visibility": visibility, "disk_format": "raw", "container_format": "bare"});
        let id = images::id_of(&images.create(&attributes));
        let _ = images.upload(&id, name.as_bytes()).expect_status(204);
    }
    let shared = id_named(service, "shared");
    for member in ["ann", "bob"] {
        send(service, "POST", &format!("/v2/images/{shared}/members"), Some(&json!({"member": member})), 200);
    }
    let _ = images.create(&json!({"name": "queued"}));
    import(service);
    let namespace = json!({
        "namespace": NAMESPACE, "display_name": "Swap", "visibility": "public", "protected": false,
        "properties": {"one": {"title": "One", "type": "string"}},
        "objects": [{"name": "group", "properties": {"two": {"title": "Two", "type": "integer"}}}],
        "tags": [{"name": "tag"}],
        "resource_type_associations": [{"name": "OS::Glance::Image"}],
    });
    send(service, "POST", "/v2/metadefs/namespaces", Some(&namespace), 201);
}

/// An image with several locations, each with metadata.
fn fill_elsewhere(service: &Service, url: &str) {
    let id = service.images().create_raw("elsewhere");
    for (file, metadata) in [("one", json!({"rack": "4", "größe": "groß"})), ("two", json!({}))] {
        let location = json!({"url": format!("{url}/{file}"), "metadata": metadata});
        patch(service, &id, &json!([{"op": "add", "path": "/locations/-", "value": location}]));
    }
    let shown = service.images().show(&id);
    assert_eq!(shown["locations"].as_array().map(Vec::len), Some(2), "{shown}");
}

/// An import leaves a task behind.
fn import(service: &Service) {
    let id = service.images().create_raw("imported");
    let stage = Request::new("PUT", &format!("/v2/images/{id}/stage")).body(b"staged");
    let stage = stage.header("Content-Type", "application/octet-stream");
    let _ = service.endpoint.send(&stage).expect_status(204);
    let method = json!({"method": {"name": "glance-direct"}});
    send(service, "POST", &format!("/v2/images/{id}/import"), Some(&method), 202);
    service.images().wait_for_status(&id, "active");
    wait::until("the import's task ends", || {
        let tasks = send(service, "GET", &format!("/v2/images/{id}/tasks"), None, 200);
        (tasks["tasks"][0]["status"] == "success").then_some(())
    });
}

/// Every image as the service describes it, with its members and its data, in the order of the list.
fn seen(service: &Service) -> Vec<Value> {
    let images = service.images();
    let describe = |listed: &Value| {
        let id = images::id_of(listed);
        let shown = in_order(images.show(&id));
        assert_eq!(shown, in_order(listed.clone()));
        let data = match shown["status"].as_str() {
            Some("active") => json!(data::digests(&images.download(&id).expect_status(200).body)),
            _ => Value::Null,
        };
        let mut members = Vec::new();
        if shown["visibility"] == "shared" {
            let list = send(service, "GET", &format!("/v2/images/{id}/members"), None, 200);
            members.extend(list["members"].as_array().unwrap().iter().cloned());
            members.sort_by_key(|member| member["member_id"].to_string());
        }
        json!({"image": shown, "members": members, "data": data})
    };
    // Without a filter, community images show only to their owner, which not every service knows.
    let list = send(service, "GET", "/v2/images?limit=50&visibility=all", None, 200);
    list["images"].as_array().unwrap().iter().map(describe).collect()
}

/// Python Glance lists tags, members and locations in any order, and takes the first location for the direct URL.
fn in_order(mut image: Value) -> Value {
    for list in ["tags", "locations"] {
        image[list].as_array_mut().unwrap().sort_by_key(Value::to_string);
    }
    if image["locations"].as_array().unwrap().len() > 1 {
        image["direct_url"].take();
    }
    image
}

/// What only Python Glance shows.
fn aside(service: &Service) -> Value {
    json!({
        "namespace": send(service, "GET", &format!("/v2/metadefs/namespaces/{NAMESPACE}"), None, 200),
        "tasks": send(service, "GET", "/v2/tasks", None, 200),
    })
}

fn assert_same(left: &[Value], right: &[Value]) {
    assert_eq!(left.len(), right.len());
    for (left, right) in left.iter().zip(right) {
        assert_eq!(left["members"], right["members"]);
        assert_eq!(left["data"], right["data"]);
        let (left, right) = (left["image"].as_object().unwrap(), right["image"].as_object().unwrap());
        for name in left.keys().chain(right.keys()) {
            assert_eq!(left.get(name), right.get(name), "{name}");
        }
    }
}

/// Something of every kind that this service can change.
fn change(service: &Service) {
    let images = service.images();
    let full = id_named(service, "größer");
    let changes = json!([
        {"op": "replace", "path": "/name", "value": "kleiner"},
        {"op": "remove", "path": "/os_distro"},
        {"op": "replace", "path": "/empty", "value": "no more"},
        {"op": "add", "path": "/new", "value": "property"},
        {"op": "replace", "path": "/min_ram", "value": 7},
        {"op": "replace", "path": "/visibility", "value": "community"},
    ]);
    patch(service, &full, &changes);
    send(service, "PUT", &format!("/v2/images/{full}/tags/two"), None, 204);
    send(service, "DELETE", &format!("/v2/images/{full}/tags/one"), None, 204);
    let shared = id_named(service, "shared");
    send(service, "DELETE", &format!("/v2/images/{shared}/members/ann"), None, 204);
    send(service, "POST", &format!("/v2/images/{shared}/members"), Some(&json!({"member": "cid"})), 200);
    let queued = id_named(service, "queued");
    let formats = json!([
        {"op": "add", "path": "/disk_format", "value": "raw"},
        {"op": "add", "path": "/container_format", "value": "bare"},
    ]);
    patch(service, &queued, &formats);
    let _ = images.upload(&queued, &data::bytes(2, 50_000)).expect_status(204);
    let _ = images.delete(&id_named(service, "private")).expect_status(204);
    send(service, "POST", &format!("/v2/images/{}/actions/deactivate", id_named(service, "community")), None, 204);
    let _ = images.create_with_data("ours", b"written by this service");
}

/// One location more and one less.
fn change_locations(service: &Service, url: &str) {
    let id = id_named(service, "elsewhere");
    let location = json!({"url": format!("{url}/three"), "metadata": {"rack": "5"}});
    patch(service, &id, &json!([{"op": "add", "path": "/locations/1", "value": location}]));
    patch(service, &id, &json!([{"op": "remove", "path": "/locations/0"}]));
}

/// Python Glance on what this service has written.
fn change_back(service: &Service) {
    let images = service.images();
    let _ = images.delete(&id_named(service, "ours")).expect_status(204);
    let full = id_named(service, "kleiner");
    patch(service, &full, &json!([{"op": "add", "path": "/os_distro", "value": "again"}]));
    send(service, "PUT", &format!("/v2/images/{full}/tags/one"), None, 204);
    let shared = id_named(service, "shared");
    send(service, "POST", &format!("/v2/images/{shared}/members"), Some(&json!({"member": "ann"})), 200);
    send(service, "POST", &format!("/v2/images/{}/actions/reactivate", id_named(service, "community")), None, 204);
}
