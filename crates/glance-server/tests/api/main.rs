//! The API in process: real routes, real catalogue (SQLite), real file store; no sockets.

mod support;

mod errors;
mod image_data;
mod images;
mod routes;
mod versions;
