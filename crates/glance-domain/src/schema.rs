//! The JSON schemas of images and members: what clients read at `/v2/schemas/…` and what requests are checked against.
//!
//! The validator knows the keywords that image schemas and `schema-image.json` files use (`type`, `enum`, `minLength`,
//! `maxLength`, `pattern`, `items`, `properties`, `required`, `additionalProperties`). It is our own because clients
//! read its messages: they are phrased as those of Python's `jsonschema`, which no crate offers.

mod image;
pub mod member;
mod validate;

pub use image::ImageSchema;
pub use validate::{Violation, validate};
