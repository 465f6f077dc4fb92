//! The log: what `tracing` collects becomes the lines that oslo.log writes, in the places that operators configured.
//!
//! A record is formatted where it happens and written by a thread of its own, so that a slow disk or a full pipe never
//! holds up a request. Where the thread cannot keep up, lines are dropped and counted.

mod context;
mod fields;
mod files;
mod layer;
pub mod plan;
mod rate_limit;
mod remote;
mod writer;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing_subscriber::layer::SubscriberExt as _;

pub use context::request_span;
pub use plan::Plan;

use layer::{Layer, State};
use writer::Writer;

use crate::traces;

/// The running log. Dropping it writes what is left.
pub struct Logging {
    state: Arc<ArcSwap<State>>,
    writer: Writer,
}

impl Logging {
    /// Starts logging for the whole process, and collecting `traces`; panics are logged, too.
    ///
    /// # Errors
    /// When the process logs already, or the thread cannot be started.
    pub fn start(plan: Plan, traces: Option<traces::Layer>) -> anyhow::Result<Self> {
        let (logging, layer) = Self::prepare(plan)?;
        let layer = layer.beside(traces.as_ref());
        let subscriber = tracing_subscriber::registry().with(layer).with(traces);
        tracing::subscriber::set_global_default(subscriber)?;
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            tracing::error!(error = %panic, "a part of the service ended unexpectedly");
            report(panic);
        }));
        Ok(logging)
    }

    /// A log and the layer that feeds it.
    fn prepare(plan: Plan) -> anyhow::Result<(Self, Layer)> {
        let writer = Writer::start(&plan)?;
        let state = Arc::new(ArcSwap::from_pointee(State::new(plan)));
        let layer = Layer::new(state.clone(), writer.queue());
        Ok((Self { state, writer }, layer))
    }

    /// Replaces what is logged and where, and opens all files anew.
    pub fn reload(&self, plan: Plan) {
        self.writer.replace(&plan);
        self.state.store(Arc::new(State::new(plan)));
        tracing::callsite::rebuild_interest_cache();
    }

    /// Opens all files anew, as they may have been moved away.
    pub fn reopen(&self) {
        self.writer.reopen();
    }
}

#[cfg(test)]
mod tests;
