//! The API in process: real routes, real catalogue (SQLite), real file store; no sockets.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

mod authentication;
mod bounds;
mod coverage;
mod differential;
mod downloads;
mod errors;
mod healthcheck;
mod image_data;
mod images;
mod inspection;
mod locations;
mod members;
mod openapi;
mod ownership;
mod policies;
mod protections;
mod quota;
mod routes;
mod storage;
mod versions;
mod web;
