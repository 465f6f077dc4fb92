//! A client of the OpenStack Image Service API, version 2.
//!
//! ```no_run
//! use glance_client::{Client, ImageData, NewImage};
//!
//! # async fn example() -> Result<(), glance_client::Error> {
//! let client = Client::builder("http://127.0.0.1:9292").build()?;
//! let new = NewImage::new().set("name", "tiny").set("disk_format", "raw").set("container_format", "bare");
//! let image = client.images().create(&new).await?;
//! client.images().upload(image.id(), ImageData::from_bytes("data"), Default::default()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Image data is a stream in both directions: memory use does not depend on the size of an image.

mod client;
mod digest;
mod download;
mod error;
mod error_body;
mod http;
mod image;
mod images;
mod info;
mod json;
mod members;
mod patch;
mod query;
mod stall;
mod upload;
mod wire_log;

pub use client::{Client, ClientBuilder};
pub use digest::Verifier;
pub use download::{Download, DownloadOptions};
pub use error::{Error, ErrorKind};
pub use image::{Image, NewImage};
pub use images::Images;
pub use info::Info;
pub use json::{Json, Object};
pub use members::{Member, MemberStatus, Members};
pub use patch::Patch;
pub use query::ImageQuery;
pub use upload::{ImageData, UploadOptions};
