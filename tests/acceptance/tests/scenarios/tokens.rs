//! Tokens of a real Keystone that is not always there: nothing is served that should not be, what is known goes on, and
//! the service recovers by itself.

use acceptance::http::Framing;
use acceptance::images::upload_request;
use acceptance::keystone::{Keystone, MEMBER, Person, READER, SERVICE};
use acceptance::proxy::{Mood, Proxy};
use acceptance::shared::{Engine, Service, Shared};
use acceptance::{Request, wait};
use serde_json::json;

/// A service that asks at `url` and has these options of `[keystone_authtoken]`.
fn service(keystone: &Keystone, url: &str, options: &str) -> (Shared, Service) {
    let shared = Shared::create(Engine::Sqlite);
    shared.configure(&keystone.configuration(url));
    shared.configure(options);
    shared.manage(&["db", "sync"]);
    let service = shared.start_ours();
    (shared, service)
}

/// The status of a list of images.
fn status(service: &Service, token: &str) -> u16 {
    service.endpoint.send(&Request::new("GET", "/v2/images").header("X-Auth-Token", token)).status
}

/// What a broken Keystone, or whatever answers in its place, may say.
fn nonsense() -> Vec<Vec<u8>> {
    let answer = |status: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").into_bytes()
    };
    vec![
        Vec::new(),
        b"\x16\x03\x01\x00\x00 this is not HTTP\r\n\r\n".to_vec(),
        answer("200 OK", ""),
        answer("200 OK", "<html>Welcome</html>"),
        answer("200 OK", r#"{"token": {"roles": [{"name": "admin"}]}}"#),
        answer("201 Created", r#"{"token": {"user": {"id": "u"}, "expires_at": "2099-01-01T00:00:00Z"}}"#),
        answer("302 Found", ""),
        answer("500 Internal Server Error", "{}"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{\"token\":".to_vec(),
    ]
}

#[test]
fn without_keystone_only_what_is_known_is_served() {
    let mut keystone = Keystone::start();
    let proxy = Proxy::before(keystone.endpoint);
    // In this region there is no Keystone in the catalogue, so that it is asked where the service logs in.
    let options = "http_request_max_retries = 0\nhttp_connect_timeout = 2\nregion_name = none\n";
    let url = format!("{}/v3", proxy.endpoint.url());
    let (_shared, service) = service(&keystone, &url, options);
    let (known, unknown) = (keystone.token(READER), keystone.token(READER));
    assert_eq!(status(&service, &known), 200);

    keystone.kill();
    assert_eq!([&known, &unknown, "forged", ""].map(|token| status(&service, token)), [200, 503, 503, 401]);
    keystone.start_again();
    wait::until("the service asks again", || (status(&service, &unknown) == 200).then_some(()));
    assert_eq!(status(&service, "forged"), 401);

    let unknown = keystone.token(READER);
    for mood in [Mood::Silent].into_iter().chain(nonsense().into_iter().map(Mood::Saying)) {
        proxy.turn(mood.clone());
        assert_eq!([&known, &unknown, "forged"].map(|token| status(&service, token)), [200, 503, 503], "{mood:?}");
    }
    proxy.turn(Mood::Passing);
    wait::until("the service asks again", || (status(&service, &unknown) == 200).then_some(()));
}

#[test]
fn a_token_that_is_taken_back_is_good_only_where_it_is_remembered() {
    let keystone = Keystone::start();
    let (_first, remembering) = service(&keystone, &keystone.url(), "");
    let (_second, asking) = service(&keystone, &keystone.url(), "token_cache_time = -1\n");
    let token = keystone.token(READER);
    let statuses = || [&remembering, &asking].map(|service| status(service, &token));
    assert_eq!(statuses(), [200, 200]);
    keystone.revoke(&token);
    assert_eq!(statuses(), [200, 401]);
}

#[test]
fn a_service_logs_in_with_the_credentials_of_another_section() {
    let keystone = Keystone::start();
    let (id, secret) = keystone.application_credential(SERVICE);
    let url = keystone.url();
    let credential = format!("application_credential_id = {id}\napplication_credential_secret = {secret}\n");
    let token = format!(
        "token = {}\nproject_name = {}\nproject_domain_id = default\n",
        keystone.token(SERVICE),
        SERVICE.project
    );
    for (method, options) in [("v3applicationcredential", credential), ("v3token", token)] {
        let login = format!("[login]\nauth_type = {method}\nauth_url = {url}\n{options}");
        let (_shared, service) = service(&keystone, &url, &format!("auth_section = login\nusername = nobody\n{login}"));
        assert_eq!([&keystone.token(READER), "forged"].map(|token| status(&service, token)), [200, 401], "{method}");
    }
}

/// Waits until a token has ended, as the service sees it.
fn wait_for_end(service: &Service, token: &str) {
    wait::until("the token ends", || (status(service, token) == 401).then_some(()));
}

#[test]
fn a_token_ends_but_not_what_it_began() {
    let mut keystone = Keystone::with_lifetime(5);
    let (_shared, service) = service(&keystone, &keystone.url(), "");
    let token = keystone.token(MEMBER);
    let create = Request::new("POST", "/v2/images").header("X-Auth-Token", &token);
    let create = create.json(&json!({"name": "slow", "disk_format": "raw", "container_format": "bare"}));
    let image = service.endpoint.send(&create).expect_status(201).json();
    let id = image["id"].as_str().unwrap();
    let upload = upload_request(id).header("X-Auth-Token", &token);
    let mut sending = service.endpoint.begin(&upload, Framing::Length(8));
    sending.write(b"half").unwrap();
    wait_for_end(&service, &token);
    sending.write(b"more").unwrap();
    let _ = sending.finish().unwrap().expect_status(204);

    let show = |sender: Person| {
        let show = Request::new("GET", &format!("/v2/images/{id}")).header("X-Auth-Token", &token);
        let show = show.header("X-Service-Token", &keystone.token(sender));
        service.endpoint.send(&show)
    };
    assert_eq!(show(SERVICE).expect_status(200).json()["status"], "active");
    let _ = show(MEMBER).expect_status(401);

    let remembered = keystone.token(MEMBER);
    assert_eq!(status(&service, &remembered), 200);
    keystone.kill();
    wait_for_end(&service, &remembered);
}
