//! An empty list in the place of Mozilla's certificate authorities.
//!
//! sqlx adds its built-in authorities to those of `ssl_ca` and `sslrootcert`. Where the host's name is not compared
//! (`verify-ca`, `ssl_check_hostname=false`), anybody with any public certificate could then stand in for the database.

/// Nobody.
pub const TLS_SERVER_ROOTS: &[rustls_pki_types::TrustAnchor<'static>] = &[];
