//! What must be true in every state.

use crate::{Phase, State, Status, Work};

/// The name of an invariant, and how it is checked. `own_names` says whether each attempt has a name of its own.
pub type Invariant = (&'static str, fn(&State, bool) -> bool);

/// All of them.
pub const INVARIANTS: [Invariant; 5] = [
    ("an active image has its data", |state, own_names| {
        let Some(location) = state.catalogue.location else { return state.catalogue.status != Status::Active };
        let name = if own_names { location } else { 1 };
        state.catalogue.is_being_deleted() || state.object(name) == Some(location)
    }),
    ("every object is a location's or a record's", |state, _| {
        state.objects.iter().all(|(_, attempt)| state.catalogue.location == Some(*attempt) || owns(state, *attempt))
    }),
    ("every draft is a record's", |state, _| {
        let record = |attempt: u8| {
            let of = |work: &Work| matches!(work, Work::Upload { attempt: own, .. } if *own == attempt);
            state.catalogue.records.iter().any(|record| of(&record.work))
        };
        state.drafts.iter().all(|attempt| record(*attempt))
    }),
    ("what was acknowledged is there", |state, _| !state.promised || state.catalogue.status == Status::Active),
    ("nothing is stuck at the end", |state, _| {
        let mut actions = Vec::new();
        state.actions(&mut actions);
        !actions.is_empty() || is_clean(state)
    }),
];

/// Whether a record counts the bytes of that attempt's object and will see to it.
fn owns(state: &State, attempt: u8) -> bool {
    state.catalogue.records.iter().any(|record| match record.work {
        Work::Upload { attempt: own, phase } => own == attempt && phase != Phase::Abandoned,
        Work::Removal { attempt: own } => own == attempt,
        Work::Delete => false,
    })
}

fn is_clean(state: &State) -> bool {
    state.catalogue.records.is_empty()
        && state.drafts.is_empty()
        && state.catalogue.status != Status::Saving
        && state.objects.len() == usize::from(state.catalogue.location.is_some())
}
