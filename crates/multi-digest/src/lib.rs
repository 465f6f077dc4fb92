//! Digests of many streams at once.
//!
//! A digest is one long chain of instructions, each of which waits for the one before: one stream cannot be hashed
//! faster than that. But a vector instruction does the same for eight or sixteen streams in the time of one. This crate
//! computes MD5, SHA-1, SHA-256 and SHA-512 of as many streams as there are, each in its lane of the vectors.
//!
//! ```
//! use multi_digest::{Algorithm, Kernels, State, update_many};
//!
//! let mut first = State::new(Algorithm::Md5);
//! let mut second = State::new(Algorithm::Md5);
//! update_many(&mut [(&mut first, b"abc"), (&mut second, b"message digest")], Kernels::detected());
//! second.update(b" and more");
//! assert_eq!(first.finalize().to_string(), "900150983cd24fb0d6963f7d28e17f72");
//! assert_eq!(second.length(), 23);
//! ```
//!
//! A stream is a [`State`], which belongs to the caller. It may advance alone in one call and with any others in the
//! next, be exported as bytes, and go on in another process. `README.md` has the figures and the form of these bytes.
//!
//! There is no I/O, no thread, no global state but what the processor can do, and `unsafe` only in the kernels: to call
//! functions for special instructions, after these were detected, and to load and store vectors.

mod algorithm;
mod chain;
mod constants;
mod digest;
mod error;
mod kernels;
mod lanes;
mod many;
mod processor;
mod state;

pub use algorithm::Algorithm;
pub use digest::Digest;
pub use error::ImportError;
pub use many::update_many;
pub use processor::{Kernel, Kernels};
pub use state::State;
