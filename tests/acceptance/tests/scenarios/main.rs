//! What users do with the service, done to the real program over the wire.
//!
//! `GLANCE_TEST_REPLAY_URL` points the scenarios of [`support::Target`] at another service, such as Python Glance with
//! `X-Identity-Status` headers trusted, to see that both behave alike.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

mod support;

mod bootable;
mod clients;
mod conflicts;
mod detached;
mod formats;
mod interruptions;
mod keystone;
mod kills;
mod large;
mod lifecycle;
mod limits;
mod openapi;
mod outages;
mod pauses;
mod ranges;
mod refusals;
mod sharing;
mod side_by_side;
mod storage;
mod swap;
mod tempest;
mod tokens;
mod unmounted;
