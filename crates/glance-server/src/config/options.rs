//! Option tables.
