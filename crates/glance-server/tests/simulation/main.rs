//! The real service on a real catalogue in a simulated world: two to four processes, a store whose calls fail or are late,
//! pauses, kills, lost and late commits, jumps of the clock. A seed decides who goes on and what becomes of each step.
//!
//! `GLANCE_TEST_SEEDS` says how many seeds there are, `GLANCE_TEST_SEED` runs one of them again and checks each step.

#![expect(clippy::expect_used, reason = "a test")]

mod acceptance;
mod invariants;
mod random;
mod scheduler;
mod setup;
mod store;
mod world;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use acceptance::Acceptance;
use scheduler::Simulated;
use setup::Catalogue;

const SEEDS: u64 = 10_000;

/// Steps of a seed before faults end.
const STEPS: u64 = 400;

/// Of so many steps one is checked; of so many seeds one has all its steps checked, and compared with the model.
const STEPS_OF_CHECK: u64 = 32;
const SEEDS_OF_EACH_STEP: u64 = 40;

/// Seeds for which one catalogue is used.
const SEEDS_OF_CATALOGUE: u64 = 250;

/// How often the invariants are checked in the middle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checks {
    Each,
    Some,
}

fn setting(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "the test's own setting")]
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a number"))
}

async fn simulate(catalogue: &Catalogue, seed: u64, checks: Checks) -> Result<(), String> {
    let mut simulated = Simulated::new(catalogue, seed).await;
    let outcome = run(&mut simulated, seed, checks).await;
    let outcome = outcome.map_err(|problem| format!("seed {seed}: {problem}\n{}", simulated.trace.join("\n")));
    catalogue.recycle(simulated.into_processes());
    outcome
}

async fn run(simulated: &mut Simulated, seed: u64, checks: Checks) -> Result<(), String> {
    let each = checks == Checks::Each || seed.is_multiple_of(SEEDS_OF_EACH_STEP);
    let mut acceptance = Acceptance::new(simulated.images.len());
    for step in 0..STEPS {
        let view =
            if each || (seed + step).is_multiple_of(STEPS_OF_CHECK) { Some(simulated.view().await) } else { None };
        if let Some(view) = view {
            simulated.check_always(&view)?;
            if each {
                let ids: Vec<&str> = simulated.images.iter().map(|image| image.id.as_str()).collect();
                acceptance.follow(&ids, &view)?;
            }
        }
        if !simulated.step().await {
            break;
        }
    }
    simulated.quiesce().await;
    simulated.check_end().await
}

/// Runs seeds until there are none left or one has failed.
fn work(next: &AtomicU64, seeds: u64, failed: &AtomicBool) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut catalogue = Catalogue::new().await;
        let mut used = 0;
        while !failed.load(Ordering::SeqCst) {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= seeds {
                return None;
            }
            if used == SEEDS_OF_CATALOGUE {
                (catalogue, used) = (Catalogue::new().await, 0);
            }
            used += 1;
            if let Err(problem) = simulate(&catalogue, seed, Checks::Some).await {
                failed.store(true, Ordering::SeqCst);
                return Some(problem);
            }
            catalogue.forget_nodes().await;
        }
        None
    })
}

#[test]
fn nothing_is_lost_whatever_the_seed() {
    if let Some(seed) = setting("GLANCE_TEST_SEED") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let outcome = runtime.block_on(async { simulate(&Catalogue::new().await, seed, Checks::Each).await });
        return outcome.unwrap_or_else(|problem| panic!("{problem}"));
    }
    let seeds = setting("GLANCE_TEST_SEEDS").unwrap_or(SEEDS);
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let problems: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(|| work(&next, seeds, &failed))).collect();
        workers.into_iter().filter_map(|worker| worker.join().expect("a worker")).collect()
    });
    println!("{seeds} seeds");
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}
