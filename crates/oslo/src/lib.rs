//! OpenStack's file formats and conventions, without the service that uses them:
//! configuration files ([`config`]), logging ([`logging`]), pipelines ([`paste`]) and access rules ([`policy`]).
//!
//! Every part behaves as the Python library of the same purpose does, because operators bring files written for it.
//! Nothing here does network input or output, and files are read only by functions that are given their paths.

pub mod config;
pub mod configparser;
pub mod logging;
pub mod paste;
pub mod policy;
mod python;
