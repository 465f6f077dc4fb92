//! The image service: HTTP, use cases, tasks and commands.

pub mod api;
pub mod app;
pub mod cmd;
pub mod config;
pub mod listen;
pub mod logging;
pub mod metrics;
pub mod policies;
pub mod server;
pub mod stream;
pub mod tasks;
pub mod traces;
