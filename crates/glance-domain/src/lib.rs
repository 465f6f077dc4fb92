//! Images and the rules they obey: states, visibility, members, patches, filters and schemas.
//!
//! Nothing here does I/O, waits or reads a clock. The server asks these types what is allowed;
//! `glance-db` and `glance-store` speak in their terms.

pub mod attribute;
pub mod error;
pub mod id;
pub mod image;
pub mod location;
pub mod member;
pub mod patch;
pub mod query;
pub mod schema;
pub mod status;
pub mod time;

pub use error::{Error, Result};
pub use id::{ImageId, ProjectId, StoreId};
pub use image::{Image, Location, LocationStatus, Visibility};
pub use member::{Member, MemberStatus};
pub use status::Status;
pub use time::Timestamp;
