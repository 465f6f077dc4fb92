//! What callers are told whose tokens are not good, with and without service tokens. With `--full` Python Glance is
//! asked the same, and what it says compared.

use acceptance::keystone::{Keystone, MEMBER, READER, SERVICE};
use acceptance::shared::{Engine, Service, Shared};
use acceptance::{Request, environment};
use serde_json::Value;

/// The user's token, the service's token, and the statuses of a service that requires roles of service tokens: where the
/// decision is its own, and where it is left to the filters behind.
const CALLS: &[(Option<&str>, Option<&str>, [u16; 2])] = &[
    (None, None, [401, 401]),
    (Some(""), None, [401, 401]),
    (Some("forged"), None, [401, 401]),
    (Some("forged"), Some("service"), [401, 401]),
    (None, Some("service"), [401, 401]),
    (Some("good"), None, [200, 200]),
    (Some("good"), Some("service"), [200, 200]),
    (Some("good"), Some("forged"), [401, 200]),
    (Some("good"), Some("member"), [401, 200]),
];

#[test]
fn who_is_not_let_in_is_told_where_tokens_are_made() {
    let keystone = Keystone::start();
    let tokens = [("good", READER), ("service", SERVICE), ("member", MEMBER)];
    let tokens = tokens.map(|(name, person)| (name, keystone.token(person)));
    let token = |name: &str| {
        let found = tokens.iter().find(|(known, _)| *known == name);
        found.map_or_else(|| name.to_owned(), |(_, token)| token.clone())
    };
    for (decision, delayed) in ["false", "true"].into_iter().enumerate() {
        let ours = configured(&keystone, delayed);
        ours.manage(&["db", "sync"]);
        let ours = ours.start_ours();
        let theirs = environment::is_full().then(|| {
            let theirs = configured(&keystone, delayed);
            theirs.manage_with_python(&["db_sync"]);
            let service = theirs.start_python();
            (theirs, service)
        });
        for (user, service, statuses) in CALLS {
            let headers = [("X-Auth-Token", user), ("X-Service-Token", service)];
            let request = headers.iter().fold(Request::new("GET", "/v2/images"), |request, (name, word)| {
                word.map_or(request.clone(), |word| request.header(name, &token(word)))
            });
            let said = said(&ours, &request);
            assert_eq!(said.0, statuses[decision], "{delayed} {user:?} {service:?}: {said:?}");
            let place = format!("Keystone uri=\"{}\"", keystone.url());
            assert_eq!(said.1, (said.0 == 401).then_some(place), "{delayed} {user:?} {service:?}");
            if let Some((_, theirs)) = &theirs {
                assert_eq!(said, self::said(theirs, &request), "{delayed} {user:?} {service:?}");
            }
        }
    }
}

/// `delayed` is `delay_auth_decision`.
fn configured(keystone: &Keystone, delayed: &str) -> Shared {
    let shared = Shared::create(Engine::Sqlite);
    shared.change_paste("delay_auth_decision = true", &format!("delay_auth_decision = {delayed}"));
    shared.configure(&keystone.configuration(&keystone.url()));
    shared.configure("service_token_roles_required = true\nservice_token_roles = service\n");
    shared
}

/// Status, `WWW-Authenticate`, type and content; but sentences that are not in JSON are for people, and each service's own.
fn said(service: &Service, request: &Request) -> (u16, Option<String>, Option<String>, Option<Value>) {
    let answer = service.endpoint.send(request);
    let header = |name: &str| answer.header(name).map(str::to_owned);
    (answer.status, header("www-authenticate"), header("content-type"), serde_json::from_str(&answer.text()).ok())
}
