//! Every state of the protocol within bounds. `GLANCE_TEST_PROTOCOL=large` visits more of them.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a test; it says what was visited and found")]

use protocol::{Action, Budget, INVARIANTS, Mechanisms, State};
use stateright::{Checker, HasDiscoveries, Model, Property};

struct Protocol {
    bounds: Budget,
    mechanisms: Mechanisms,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self.bounds)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        state.actions(actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(state.after(action, self.mechanisms))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        fn holds<const AT: usize>(model: &Protocol, state: &State) -> bool {
            INVARIANTS[AT].1(state, model.mechanisms.own_names)
        }
        vec![
            Property::always(INVARIANTS[0].0, holds::<0>),
            Property::always(INVARIANTS[1].0, holds::<1>),
            Property::always(INVARIANTS[2].0, holds::<2>),
            Property::always(INVARIANTS[3].0, holds::<3>),
            Property::always(INVARIANTS[4].0, holds::<4>),
            Property::sometimes("an image is active", |_, state: &State| state.promised),
        ]
    }
}

/// The first property that does not hold, with the steps that lead there.
fn counterexample(bounds: Budget, mechanisms: Mechanisms) -> (Option<(&'static str, String)>, usize) {
    let model = Protocol { bounds, mechanisms };
    let found = HasDiscoveries::AnyFailures;
    let checker = model.checker().threads(2).finish_when(found).spawn_bfs().join();
    let failures = INVARIANTS.iter().filter_map(|(name, _)| Some((*name, checker.discovery(name)?)));
    let failure = failures.map(|(name, path)| {
        let steps: Vec<String> = path.into_actions().iter().map(|action| format!("{action:?}")).collect();
        (name, steps.join("\n"))
    });
    let failure = failure.min_by_key(|(_, steps)| steps.len());
    (failure, checker.unique_state_count())
}

const NOTHING: Budget =
    Budget { uploads: 0, deletes: 0, drops: 0, lapses: 0, kills: 0, faults: 0, commits: 0, early_sweeps: 0 };

fn check(bounds: Budget) {
    let (failure, states) = counterexample(bounds, Mechanisms::ALL);
    println!("{states} states");
    if let Some((name, steps)) = failure {
        panic!("not true: {name}\n{steps}");
    }
}

/// Without a mechanism, `expected` does not hold.
fn check_without(mechanisms: Mechanisms, bounds: Budget, expected: &str) {
    let (failure, _) = counterexample(bounds, mechanisms);
    let (name, steps) = failure.expect("the mechanism is not needed within these bounds");
    println!("not true: {name}\n{steps}");
    assert_eq!(name, expected, "{steps}");
    assert_eq!(counterexample(bounds, Mechanisms::ALL).0, None);
}

const ACTIVE: &str = INVARIANTS[0].0;
const OBJECTS: &str = INVARIANTS[1].0;
const DRAFTS: &str = INVARIANTS[2].0;

#[test]
fn pauses_and_take_overs() {
    check(Budget { uploads: 2, deletes: 1, lapses: 1, faults: 1, ..NOTHING });
    check(Budget { uploads: 2, lapses: 2, faults: 1, ..NOTHING });
}

#[test]
fn late_and_lost_commits() {
    check(Budget { uploads: 2, deletes: 1, lapses: 1, commits: 1, ..NOTHING });
    check(Budget { uploads: 2, deletes: 1, drops: 1, commits: 1, early_sweeps: 1, ..NOTHING });
    check(Budget { uploads: 2, commits: 2, early_sweeps: 1, ..NOTHING });
}

#[test]
fn deaths() {
    check(Budget { uploads: 2, deletes: 1, kills: 1, commits: 1, ..NOTHING });
    check(Budget { uploads: 2, deletes: 1, kills: 1, faults: 1, ..NOTHING });
    check(Budget { uploads: 2, lapses: 1, kills: 1, faults: 1, early_sweeps: 1, ..NOTHING });
}

#[test]
fn late_operations_of_the_store() {
    check(Budget { uploads: 2, deletes: 1, drops: 1, faults: 1, early_sweeps: 1, ..NOTHING });
    check(Budget { uploads: 3, drops: 2, faults: 1, ..NOTHING });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test's own setting")]
fn everything_within_larger_bounds() {
    if std::env::var("GLANCE_TEST_PROTOCOL").is_ok_and(|bounds| bounds == "large") {
        check(Budget { uploads: 2, deletes: 1, lapses: 1, commits: 1, faults: 1, early_sweeps: 1, ..NOTHING });
        check(Budget { uploads: 2, lapses: 2, faults: 1, early_sweeps: 1, kills: 1, ..NOTHING });
        check(Budget { uploads: 2, deletes: 1, lapses: 2, faults: 1, ..NOTHING });
    }
}

#[test]
fn fault_1_a_sweep_without_a_claim_removes_what_an_upload_has_just_completed() {
    let bounds = Budget { uploads: 1, early_sweeps: 1, ..NOTHING };
    check_without(Mechanisms { claim: false, ..Mechanisms::ALL }, bounds, ACTIVE);
}

#[test]
fn fault_2_an_undo_without_a_claim_removes_what_a_late_commit_completes() {
    let bounds = Budget { uploads: 1, commits: 1, ..NOTHING };
    check_without(Mechanisms { claim: false, ..Mechanisms::ALL }, bounds, ACTIVE);
}

#[test]
fn fault_3_an_undo_without_a_claim_removes_what_an_heir_has_stored_under_the_same_name() {
    let bounds = Budget { uploads: 2, lapses: 1, ..NOTHING };
    check_without(Mechanisms { claim: false, own_names: false, ..Mechanisms::ALL }, bounds, ACTIVE);
}

#[test]
fn fault_4_a_late_unlink_hits_the_next_attempt_of_the_same_name() {
    let bounds = Budget { uploads: 2, drops: 1, lapses: 1, faults: 1, ..NOTHING };
    check_without(Mechanisms { own_names: false, ..Mechanisms::ALL }, bounds, ACTIVE);
}

#[test]
fn fault_6_a_deletion_that_misses_a_completing_upload_leaves_its_object() {
    let bounds = Budget { uploads: 1, deletes: 1, ..NOTHING };
    check_without(Mechanisms { delete_sees_all: false, ..Mechanisms::ALL }, bounds, OBJECTS);
}

#[test]
fn fault_9_an_unknown_outcome_that_counts_as_done_leaves_an_object() {
    let bounds = Budget { uploads: 1, faults: 2, ..NOTHING };
    check_without(Mechanisms { unknown_is_not_done: false, ..Mechanisms::ALL }, bounds, OBJECTS);
}

#[test]
fn without_the_fence_a_node_that_wakes_up_completes_what_its_heir_has_removed() {
    let bounds = Budget { uploads: 2, lapses: 1, ..NOTHING };
    check_without(Mechanisms { fence: false, ..Mechanisms::ALL }, bounds, ACTIVE);
}

#[test]
fn without_a_hold_a_late_operation_outlives_its_record() {
    let bounds = Budget { uploads: 1, faults: 1, ..NOTHING };
    check_without(Mechanisms { hold: false, ..Mechanisms::ALL }, bounds, DRAFTS);
}

#[test]
fn without_lingering_a_node_that_wakes_up_leaves_a_draft() {
    let bounds = Budget { uploads: 1, lapses: 1, ..NOTHING };
    check_without(Mechanisms { lingering: false, ..Mechanisms::ALL }, bounds, DRAFTS);
}

#[test]
fn an_origin_that_has_gone_since_the_store_was_told_may_have_left_a_draft() {
    let bounds = Budget { uploads: 1, lapses: 1, ..NOTHING };
    check_without(Mechanisms { always_twice: false, ..Mechanisms::ALL }, bounds, DRAFTS);
}

#[test]
fn a_sweep_with_an_old_list_must_not_claim_what_lingers() {
    let bounds = Budget { uploads: 1, lapses: 1, commits: 1, ..NOTHING };
    check_without(Mechanisms { claim_waits: false, ..Mechanisms::ALL }, bounds, DRAFTS);
}

#[test]
fn the_origin_is_the_node_that_began_the_upload_however_many_heirs_fell_silent() {
    let bounds = Budget { uploads: 1, lapses: 2, ..NOTHING };
    check_without(Mechanisms { first_origin: false, ..Mechanisms::ALL }, bounds, DRAFTS);
}

#[test]
fn an_heir_that_cancels_a_deletion_cannot_know_what_the_silent_node_still_removes() {
    let bounds = Budget { uploads: 1, deletes: 1, lapses: 1, faults: 2, ..NOTHING };
    check_without(Mechanisms { heirs_do_not_cancel: false, ..Mechanisms::ALL }, bounds, ACTIVE);
}
