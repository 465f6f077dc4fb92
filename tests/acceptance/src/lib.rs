//! What acceptance tests need to treat the service as its users do: start the real program, talk HTTP to it, run the
//! clients that people have, look at the files it leaves.
//!
//! Nothing here knows the service's code. Whatever goes wrong panics, because then a test has failed.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a harness for tests: what goes wrong fails the test")]

pub mod clients;
pub mod commits;
pub mod data;
pub mod database;
pub mod disk;
pub mod environment;
pub mod files;
pub mod folder;
pub mod http;
pub mod images;
pub mod keystone;
pub mod memcached;
pub mod proxy;
pub mod server;
pub mod shared;
pub mod tempest;
pub mod wait;

pub use http::{Endpoint, Request, Response};
pub use images::Images;
pub use server::Server;
