//! People of a real Keystone with the `openstack` command: each may do what their role lets them. With `--full` the
//! same is done with Python Glance, and what is seen compared.

use std::fs;
use std::path::Path;

use acceptance::clients::{Done, openstack_commands};
use acceptance::keystone::{ADMIN, Keystone, MEMBER, OTHER, Person, READER};
use acceptance::shared::{Engine, Service, Shared};
use acceptance::{Request, data, environment};

/// The image that everybody tries their hands at.
const IMAGE: &str = "7b1c2d3e-0000-4000-8000-00000000000a";

/// Everything that is done: who, with what words, and whether it succeeds. `FILE`, `COPY`, `NOWHERE` and `TWO` stand for a
/// file to send, one to write, one that is not to be written, and the id of the project `two`.
const STEPS: &[(Person, &str, bool)] = &[
    (READER, "image create not-mine", false),
    (MEMBER, "image create -f json --id IMAGE --disk-format raw --container-format bare --file FILE shared", true),
    (READER, "image show -f json IMAGE", true),
    (READER, "image save --file NOWHERE IMAGE", false),
    (READER, "image delete IMAGE", false),
    (OTHER, "image list -f value -c Name", true),
    (MEMBER, "image set --name named --tag tagged --property os_distro=debian IMAGE", true),
    (MEMBER, "image add project -f json IMAGE TWO", true),
    (OTHER, "image set --accept IMAGE", true),
    (OTHER, "image list -f value -c Name -c Status", true),
    (OTHER, "image save --file COPY IMAGE", true),
    (OTHER, "image set --name stolen IMAGE", false),
    (ADMIN, "image set --public IMAGE", true),
    (ADMIN, "image list -f value -c Name -c Status", true),
    (MEMBER, "image delete IMAGE", true),
];

#[test]
fn everybody_may_what_their_role_lets_them() {
    let keystone = Keystone::start();
    let ours = shared(&keystone);
    ours.manage(&["db", "sync"]);
    let service = ours.start_ours();
    let played = play(&keystone, &service, "ours");
    strangers(&keystone, &service);
    if environment::is_full() {
        let theirs = shared(&keystone);
        theirs.manage_with_python(&["db_sync"]);
        let python = theirs.start_python();
        for ((step, ours), theirs) in STEPS.iter().zip(&played).zip(&play(&keystone, &python, "python")) {
            assert_eq!(seen(ours, &service), seen(theirs, &python), "{step:?}");
        }
        strangers(&keystone, &python);
    }
}

fn shared(keystone: &Keystone) -> Shared {
    let shared = Shared::create(Engine::Sqlite);
    shared.configure(&keystone.configuration(&keystone.url()));
    shared
}

/// Takes every step with a service.
fn play(keystone: &Keystone, service: &Service, region: &str) -> Vec<Done> {
    keystone.add_region(region, service.endpoint);
    let folder = acceptance::folder::Folder::new();
    let (file, copy, nowhere) = (folder.file("image.raw"), folder.file("copy.raw"), folder.file("nowhere.raw"));
    fs::write(&file, data::bytes(40, 100_000)).unwrap();
    let two = keystone.project(OTHER.project);
    let path = |path: &Path| path.display().to_string();
    let commands: Vec<Vec<String>> = STEPS
        .iter()
        .map(|(person, words, _)| {
            let words = words.split(' ').map(|word| match word {
                "IMAGE" => IMAGE.to_owned(),
                "FILE" => path(&file),
                "COPY" => path(&copy),
                "NOWHERE" => path(&nowhere),
                "TWO" => two.clone(),
                word => word.to_owned(),
            });
            keystone.login_arguments(*person, region).into_iter().chain(words).collect()
        })
        .collect();
    let done = openstack_commands(&commands);
    for ((person, words, succeeds), done) in STEPS.iter().zip(&done) {
        assert_eq!(done.status == 0, *succeeds, "{region}: {} {words}: {done:?}", person.name);
    }
    assert!(fs::read(&file).unwrap() == fs::read(&copy).unwrap(), "{region}: other bytes came back");
    done
}

/// What must be the same with both services: not the times, and not where files are.
fn seen(done: &Done, service: &Service) -> (i64, String, String) {
    let lines = |text: &str| {
        let kept = text.lines().filter(|line| !line.contains("_at\"") && !line.contains("file://"));
        let mut kept: Vec<_> = kept.map(|line| line.replace(&service.endpoint.url(), "")).collect();
        // Python Glance names properties in any order.
        kept.sort();
        kept.join("\n")
    };
    (done.status, lines(&done.out), lines(&done.err))
}

/// Nobody gets in without a token, whatever they say about themselves: the requests claim in `X-Roles` to be an
/// administrator's.
fn strangers(keystone: &Keystone, service: &Service) {
    let list = Request::new("GET", "/v2/images");
    let good = keystone.token(MEMBER);
    let (start, end) = good.split_at(20);
    let forged = format!("{start}{}{}", if end.starts_with('A') { 'B' } else { 'A' }, &end[1..]);
    for token in [None, Some(""), Some("no-token"), Some(forged.as_str())] {
        let request = token.iter().fold(list.clone(), |request, token| request.header("X-Auth-Token", token));
        let refused = service.endpoint.send(&request).expect_status(401);
        let expected = format!("Keystone uri=\"{}\"", keystone.url());
        assert_eq!(refused.header("www-authenticate"), Some(expected.as_str()), "{token:?}");
    }
    let request = list.header("X-Auth-Token", &keystone.token(READER)).header("X-Service-Token", "forged");
    let _ = service.endpoint.send(&request).expect_status(200);
}
