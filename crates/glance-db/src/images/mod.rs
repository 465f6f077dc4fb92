//! Images: reading, listing, writing.

pub(crate) mod children;
pub(crate) mod columns;
mod filter;
mod list;
mod lock;
mod packed;
mod page;
pub(crate) mod rare;
pub(crate) mod read;
pub(crate) mod usage;
pub(crate) mod write;
