//! The service as a process, and clients at its sockets: every way to come in, and what those meet who stay too long.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

mod certificates;
mod control;
mod hangup;
mod lengths;
mod limits;
mod metrics;
mod process;
mod proxies;
mod sockets;
mod tls;
mod traces;
