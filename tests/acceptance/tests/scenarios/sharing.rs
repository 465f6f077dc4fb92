//! Services that share through memcached what they know about tokens, with a real Keystone; and memcached goes away.

use acceptance::keystone::{Keystone, MEMBER, READER};
use acceptance::memcached::Memcached;
use acceptance::shared::{Engine, Service, Shared};
use acceptance::{Request, environment, wait};

/// A configuration whose service shares tokens under a secret. Keystone is not tried again, so that its absence shows
/// soon.
fn configured(keystone: &Keystone, memcached: &Memcached, secret: &str) -> Shared {
    let shared = Shared::create(Engine::Sqlite);
    shared.configure(&keystone.configuration(&keystone.url()));
    shared.configure(&format!(
        "http_request_max_retries = 0\nmemcached_servers = {}\nmemcache_security_strategy = ENCRYPT\n\
         memcache_secret_key = {secret}\nmemcache_pool_dead_retry = 1\nmemcache_pool_socket_timeout = 20\n",
        memcached.address
    ));
    shared
}

fn started(shared: &Shared) -> Service {
    shared.manage(&["db", "sync"]);
    shared.start_ours()
}

/// The status of a list of images.
fn status(service: &Service, token: &str) -> u16 {
    service.endpoint.send(&Request::new("GET", "/v2/images").header("X-Auth-Token", token)).status
}

#[test]
fn what_one_service_knows_the_others_know_who_have_the_secret() {
    let mut keystone = Keystone::start();
    let memcached = Memcached::start();
    let shares = ["secret", "secret", "another"].map(|secret| configured(&keystone, &memcached, secret));
    let [first, second, stranger] = shares.each_ref().map(started);
    let (known, unknown) = (keystone.token(READER), keystone.token(MEMBER));
    assert_eq!(status(&first, &known), 200);
    let theirs = environment::is_full().then(|| known_to_python(&keystone, &memcached));

    keystone.kill();
    assert_eq!([&first, &second, &stranger].map(|service| status(service, &known)), [200, 200, 503]);
    assert_eq!([&first, &second].map(|service| status(service, &unknown)), [503, 503]);
    if let Some(theirs) = theirs {
        assert_eq!([&first, &second, &stranger].map(|service| status(service, &theirs)), [200, 200, 503]);
    }

    let address = memcached.address;
    drop(memcached);
    assert_eq!([&first, &second].map(|service| status(service, &known)), [200, 503]);
    keystone.start_again();
    wait::until("the services ask Keystone", || (status(&second, &unknown) == 200).then_some(()));
    assert_eq!([&first, &second].map(|service| status(service, "forged")), [401, 401]);

    let _memcached = Memcached::start_at(address);
    wait::until("the services share again", || {
        let token = keystone.token(READER);
        let known = status(&first, &token) == 200;
        keystone.revoke(&token);
        (known && status(&second, &token) == 200).then_some(())
    });
}

/// A token that Python Glance has found valid and shared.
fn known_to_python(keystone: &Keystone, memcached: &Memcached) -> String {
    let shared = configured(keystone, memcached, "secret");
    shared.manage_with_python(&["db_sync"]);
    let python = shared.start_python();
    let token = keystone.token(READER);
    assert_eq!(status(&python, &token), 200);
    token
}
