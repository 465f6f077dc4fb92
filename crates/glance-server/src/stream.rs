//! What happens to bytes between the connection and the store: received, limited, hashed, inspected.
//!
//! The only onion of the service. Every stage works on the same chunks ([`bytes::Bytes`], shared, never copied) and
//! holds a fixed amount of memory.

pub mod hash;
pub mod inspect;
pub mod receive;
