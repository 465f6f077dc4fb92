//! From options to stores.
