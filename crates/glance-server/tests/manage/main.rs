//! `glance-manage` as a process, alone and beside upstream's.
//!
//! `GLANCE_TEST_PYTHON` may name a Python interpreter in which Glance 33 is installed: then the same commands are given
//! to both, and what they print and how they end is compared.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
#![expect(clippy::print_stdout, reason = "says what is left out")]

mod beside_upstream;
mod commands;
mod stores;
mod support;
mod work;
