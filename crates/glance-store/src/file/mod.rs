//! Images as files in folders of this machine, or in what is mounted there.
//!
//! A finished image is `<datadir>/<image id>`, as Glance lays it out. An unfinished one is a hidden file beside it.

mod blocking;
mod buffers;
mod datadir;
mod errno;
mod identity;
mod lookup;
mod metadata;
mod options;
mod pool;
mod publish;
#[cfg(test)]
mod python;
mod reader;
mod runs;
mod store;
mod survey;
#[cfg(test)]
mod tests;
mod url;
mod writeback;
mod writer;

pub use options::{DataDir, Durability, FileOptions, IdentityCheck, Provisioning, Timeout};
pub use store::FileStore;
