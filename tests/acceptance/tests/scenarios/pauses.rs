//! Two nodes serve one catalogue and one store while they are paused beyond their leases, killed, and lose the answers to
//! their commits. Nothing acknowledged is lost, and nothing is left that nobody owns.

mod storm;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use acceptance::commits::CommitProxy;
use acceptance::data::Random;
use acceptance::shared::{Engine, Service, Shared};
use acceptance::{environment, wait};

use storm::Storm;

/// The lease of the nodes, in seconds.
const LEASE: u64 = 6;

#[test]
fn on_sqlite() {
    let shared = Shared::create(Engine::Sqlite);
    pauses(&shared, None);
}

#[test]
fn on_postgres() {
    let url = environment::variable("GLANCE_TEST_POSTGRES_URL").expect("GLANCE_TEST_POSTGRES_URL is set");
    let (scheme_and_login, place) = url.rsplit_once('@').unwrap();
    let (address, database) = place.split_once('/').unwrap();
    let proxy = CommitProxy::before(address.parse().unwrap());
    let shared = Shared::on_server(Engine::Postgres, &format!("{scheme_and_login}@{}/{database}", proxy.address));
    pauses(&shared, Some(&proxy));
}

/// What is done to the nodes.
#[derive(Default)]
struct Faults {
    pauses: u32,
    kills: u32,
    lost_commits: u32,
}

#[expect(clippy::print_stdout, reason = "tells what it has counted")]
fn pauses(shared: &Shared, proxy: Option<&CommitProxy>) {
    let time =
        environment::number("GLANCE_ACCEPTANCE_SECONDS").unwrap_or(if environment::is_full() { 1800 } else { 20 });
    let seed = environment::number("GLANCE_ACCEPTANCE_SEED").unwrap_or(1);
    let clients =
        environment::number("GLANCE_ACCEPTANCE_CLIENTS").unwrap_or(if environment::is_full() { 16 } else { 6 });
    shared.configure(&format!("[node]\nlease = {LEASE}\nheartbeat = 1\n"));
    shared.manage(&["db", "sync"]);
    let mut nodes = [shared.start_ours(), shared.start_ours()];
    let storm = Storm::new([nodes[0].endpoint, nodes[1].endpoint]);
    let faults = thread::scope(|scope| {
        let _end = storm.end_with_scope();
        for client in 0..clients {
            let storm = &storm;
            scope.spawn(move || storm.client(seed * 1000 + client));
        }
        disturb(shared, &mut nodes, &storm, (proxy, Duration::from_secs(time), Random::new(seed)))
    });
    println!(
        "{time} s, {clients} clients: {} pauses, {} kills, {} commits lost; {storm}",
        faults.pauses, faults.kills, faults.lost_commits
    );
    wait::until_within(Duration::from_secs(120), "no record is left", || {
        shared.manage(&["work", "list"]).starts_with("There are no records").then_some(())
    });
    let audit = shared.manage(&["store", "audit"]);
    assert!(audit.ends_with("nothing is wrong\n"), "{audit}");
    storm.verify(&nodes[0].images());
    assert!(storm.uploads.load(Ordering::Relaxed) > 0 && faults.pauses > 0);
}

/// Pauses, kills and cuts off one node after the other until the time is up.
fn disturb(
    shared: &Shared,
    nodes: &mut [Service; 2],
    storm: &Storm,
    (proxy, time, mut random): (Option<&CommitProxy>, Duration, Random),
) -> Faults {
    let (start, mut faults) = (Instant::now(), Faults::default());
    while start.elapsed() < time {
        let victim = usize::try_from(random.below(2)).unwrap();
        if let Some(proxy) = proxy {
            let lost = 1 + u32::try_from(random.below(3)).unwrap();
            proxy.lose(lost);
            faults.lost_commits += lost;
        }
        if random.below(4) == 0 {
            nodes[victim].kill();
            nodes[victim] = shared.start_ours();
            storm.turn(victim, nodes[victim].endpoint);
            faults.kills += 1;
        } else {
            nodes[victim].signal("STOP");
            // Not a wait for anything: the pause itself, of one to three leases.
            thread::sleep(Duration::from_millis(LEASE * 1000 + random.below(2 * LEASE * 1000)));
            nodes[victim].signal("CONT");
            faults.pauses += 1;
        }
        storm.go_on(20);
    }
    if let Some(proxy) = proxy {
        wait::until("the commits to lose are lost", || (proxy.left() == 0).then_some(()));
    }
    faults
}
