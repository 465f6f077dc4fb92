//! A model of the protocol in `docs/adr/0006-claims.md`: two processes, a store, a catalogue, one image.
//!
//! `tests/checked.rs` visits every state within bounds. The simulation of the real code asks [`Catalogue`] whether a
//! change of the real tables is one of the protocol's. The model knows nothing of the code; each of its steps names the
//! function that it stands for.

mod catalogue;
mod invariants;
mod mechanisms;
mod state;
mod steps;

pub use catalogue::{Catalogue, Fence, Node, Phase, Record, Row, Status, Work};
pub use invariants::{INVARIANTS, Invariant};
pub use mechanisms::Mechanisms;
pub use state::{Action, Begin, Budget, Call, CommitFate, LateOperation, Operation, Process, State, StoreFate, Task};
