//! Limits that Keystone keeps: what counts, when callers are refused, and what becomes of Keystone's failures.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use http::StatusCode;
use serde_json::{Value, json};

use crate::storage::body;
use crate::support::{ADMIN, ANONYMOUS, Answer, JSON, MEMBER, OCTETS, OTHER, Persona, TestApp, raw};

const MIB: usize = 1 << 20;

/// What a Keystone says, in the hands of the test.
#[derive(Default)]
struct Book {
    registered: BTreeMap<&'static str, i64>,
    of_owner: BTreeMap<&'static str, i64>,
    broken: bool,
    asked: Vec<String>,
}

struct Keystone {
    url: String,
    book: Arc<Mutex<Book>>,
}

impl Keystone {
    /// One that has these limits for everybody.
    fn start(registered: &[(&'static str, i64)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let book = Book { registered: registered.iter().copied().collect(), ..Book::default() };
        let book = Arc::new(Mutex::new(book));
        let shared = book.clone();
        std::thread::spawn(move || listener.incoming().for_each(|stream| serve(&stream.unwrap(), &shared)));
        Self { url, book }
    }

    fn limit(&self, resource: &'static str, limit: i64) {
        self.book.lock().unwrap().of_owner.insert(resource, limit);
    }

    fn break_down(&self, broken: bool) {
        self.book.lock().unwrap().broken = broken;
    }

    fn asked(&self, path: &str) -> usize {
        self.book.lock().unwrap().asked.iter().filter(|asked| asked.starts_with(path)).count()
    }

    async fn app(&self, options: &str) -> TestApp {
        let options = format!(
            "use_keystone_limits = true\n[oslo_limit]\nauth_url = {}\nauth_type = password\nusername = glance\n\
             password = p\nsystem_scope = all\nendpoint_id = e\n{options}",
            self.url
        );
        TestApp::with_options(&options).await
    }
}

fn serve(stream: &TcpStream, book: &Mutex<Book>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    reader.read_exact(&mut vec![0; length]).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let (status, body) = document(&path, &mut book.lock().unwrap());
    let head = format!("HTTP/1.1 {status} X\r\nx-subject-token: own\r\nconnection: close\r\ncontent-length: ");
    let mut stream = stream;
    stream.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
}

fn document(path: &str, book: &mut Book) -> (u16, String) {
    book.asked.push(path.to_owned());
    let list = |limits: &BTreeMap<&str, i64>, key: &str| -> Vec<Value> {
        limits.iter().map(|(name, limit)| json!({"resource_name": name, key: limit})).collect()
    };
    let document = match path {
        _ if book.broken => return (503, "busy".to_owned()),
        "/v3/auth/tokens" => json!({"token": {"user": {"id": "u"}, "expires_at": "2099-01-01T00:00:00.000000Z"}}),
        "/v3/limits/model" => json!({"model": {"name": "flat", "description": "d"}}),
        "/v3/endpoints/e" => json!({"endpoint": {"id": "e", "service_id": "s", "region_id": "r"}}),
        "/v3/registered_limits?service_id=s&region_id=r" => {
            json!({"registered_limits": list(&book.registered, "default_limit"), "links": {}})
        }
        "/v3/limits?service_id=s&region_id=r&project_id=owner" => {
            json!({"limits": list(&book.of_owner, "resource_limit"), "links": {}})
        }
        path if path.starts_with("/v3/limits?service_id=s&region_id=r&project_id=") => json!({"limits": []}),
        _ => return (404, "{}".to_owned()),
    };
    (200, document.to_string())
}

const GENEROUS: [(&str, i64); 4] =
    [("image_size_total", 100), ("image_stage_total", 10), ("image_count_total", 10), ("image_count_uploading", 10)];

async fn create(app: &TestApp, who: Persona) -> Answer {
    app.call_as(who, "POST", "/v2/images", raw().to_string()).await
}

async fn upload(app: &TestApp, id: &str, bytes: usize) -> Answer {
    let path = format!("/v2/images/{id}/file");
    app.send_as(MEMBER, "PUT", &path, OCTETS, vec![7; bytes]).await
}

async fn usage(app: &TestApp, who: Persona) -> Value {
    let answer = app.call_as(who, "GET", "/v2/info/usage", "").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["usage"].clone()
}

#[tokio::test]
async fn usage_is_told_beside_the_limits() {
    let keystone = Keystone::start(&GENEROUS);
    keystone.limit("image_count_total", 3);
    let app = keystone.app("").await;
    let id = app.create_as(MEMBER, &raw()).await;
    assert_eq!(upload(&app, &id, 2 * MIB + 5).await.status, StatusCode::NO_CONTENT);
    app.create_as(OTHER, &raw()).await;
    let expected = |count: u64, size: u64, most: i64| {
        json!({
            "image_size_total": {"usage": size, "limit": 100}, "image_stage_total": {"usage": 0, "limit": 10},
            "image_count_total": {"usage": count, "limit": most}, "image_count_uploading": {"usage": 0, "limit": 10},
        })
    };
    assert_eq!(usage(&app, MEMBER).await, expected(1, 2, 3));
    assert_eq!(usage(&app, OTHER).await, expected(1, 0, 10));
    assert_eq!(usage(&app, ANONYMOUS).await, expected(0, 0, 10));
    assert_eq!(usage(&TestApp::new().await, MEMBER).await, json!({}));
}

#[tokio::test]
async fn images_beyond_the_limit_are_refused() {
    let keystone = Keystone::start(&GENEROUS);
    keystone.limit("image_count_total", 1);
    let app = keystone.app("[limits]\ncache_time = 3600\n").await;
    let id = app.create_as(MEMBER, &raw()).await;
    let refused = create(&app, MEMBER).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    let words = "Project owner is over a limit for [Resource image_count_total is over limit of 1 due to current usage 1 \
                 and delta 1]";
    assert!(refused.message().starts_with(words), "{}", refused.message());
    assert_eq!(create(&app, OTHER).await.status, StatusCode::CREATED);
    // Raised limits count at once, whatever is remembered.
    keystone.limit("image_count_total", 2);
    assert_eq!(create(&app, MEMBER).await.status, StatusCode::CREATED);
    assert_eq!(create(&app, MEMBER).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(app.call_as(MEMBER, "DELETE", &format!("/v2/images/{id}"), "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(create(&app, MEMBER).await.status, StatusCode::CREATED);
    keystone.limit("image_count_total", -1);
    assert_eq!(create(&app, MEMBER).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn data_beyond_the_limit_is_refused() {
    let keystone = Keystone::start(&GENEROUS);
    keystone.limit("image_size_total", 1);
    let app = keystone.app("[limits]\ncache_time = 0\n").await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(app.create_as(MEMBER, &raw()).await);
    }
    let size = (101 * MIB).to_string();
    let headers = [JSON, OCTETS, ("x-openstack-image-size", size.as_str())];
    let declared = app.call("PUT", &format!("/v2/images/{}/file", ids[0]), &headers, "short").await;
    assert_eq!(declared.status, StatusCode::PAYLOAD_TOO_LARGE);
    let words = "Project default is over a limit for [Resource image_size_total is over limit of 100 due to current \
                 usage 0 and delta 101]";
    assert!(declared.message().starts_with(words), "{}", declared.message());
    // Who does not say how much it will be may begin while the limit is not exceeded.
    assert_eq!(upload(&app, &ids[0], MIB).await.status, StatusCode::NO_CONTENT);
    assert_eq!(upload(&app, &ids[1], MIB).await.status, StatusCode::NO_CONTENT);
    assert_eq!(upload(&app, &ids[2], 1).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(app.status(&ids[2]).await, "queued");
    keystone.limit("image_size_total", 2);
    assert_eq!(upload(&app, &ids[2], 1).await.status, StatusCode::NO_CONTENT);

    keystone.limit("image_count_uploading", 0);
    let refused = upload(&app, &ids[3], 1).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.message().contains("image_count_uploading is over limit of 0 due to current usage 1 and delta 0"));
    assert_eq!(app.status(&ids[3]).await, "queued");
    keystone.limit("image_count_uploading", 1);
    assert_eq!(upload(&app, &ids[3], 1).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_a_running_upload_has_announced_counts() {
    let app = Keystone::start(&GENEROUS).app("").await;
    let (first, second) = (app.create(&raw()).await, app.create(&raw()).await);
    let (sender, data) = body();
    let sixty = (60 * MIB).to_string();
    let path = format!("/v2/images/{first}/file");
    let headers = [JSON, OCTETS, ("x-openstack-image-size", sixty.as_str())];
    let uploading = app.call("PUT", &path, &headers, data);
    let meanwhile = async {
        app.wait_until(&first, "saving").await;
        // Each of them alone is within the limit of 100.
        assert_eq!(app.announce(&second, &sixty).await.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(app.status(&second).await, "queued");
        drop(sender);
    };
    let (answer, ()) = tokio::join!(uploading, meanwhile);
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    // The first has failed, and its room is free.
    assert_ne!(app.announce(&second, &sixty).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn of_what_is_not_registered_nobody_may_have_anything() {
    let app = Keystone::start(&[]).app("").await;
    assert_eq!(create(&app, ADMIN).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(usage(&app, ADMIN).await["image_count_total"], json!({"usage": 0, "limit": 0}));
}

#[tokio::test]
async fn without_keystone_nobody_is_let_pass() {
    let keystone = Keystone::start(&GENEROUS);
    let app = keystone.app("[limits]\ncache_time = 0\n").await;
    keystone.break_down(true);
    assert_eq!(create(&app, MEMBER).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.call_as(MEMBER, "GET", "/v2/info/usage", "").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.call_as(MEMBER, "GET", "/v2/images", "").await.status, StatusCode::OK);
    keystone.break_down(false);
    let id = app.create_as(MEMBER, &raw()).await;
    keystone.break_down(true);
    assert_eq!(upload(&app, &id, 1).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.status(&id).await, "queued");
}

#[tokio::test]
async fn limits_are_remembered_for_a_while() {
    let keystone = Keystone::start(&GENEROUS);
    let app = keystone.app("[limits]\ncache_time = 3600\n").await;
    for _ in 0..5 {
        app.create_as(MEMBER, &raw()).await;
    }
    let all: Vec<_> = (0..5).map(|_| usage(&app, MEMBER)).collect();
    for one in all {
        assert_eq!(one.await["image_count_total"]["usage"], 5);
    }
    let questions = ["/v3/auth/tokens", "/v3/limits/model", "/v3/endpoints", "/v3/registered_limits", "/v3/limits?"];
    assert_eq!(questions.map(|path| keystone.asked(path)), [1; 5]);
}
