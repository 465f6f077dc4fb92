//! Checking that the data which arrived is the image that was asked for.

use openssl::hash::{Hasher, MessageDigest};

use crate::error::{Error, ErrorKind};
use crate::image::Image;

/// Computes the digest of an image's data piece by piece and compares it with what the image's record promises.
pub struct Verifier {
    hasher: Hasher,
    algorithm: String,
    expected: String,
}

impl Verifier {
    /// A verifier for `os_hash_value` or, for an image without one, the MD5 `checksum`; `None` when it has neither.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when this program cannot compute the image's `os_hash_algo`.
    pub fn for_image(image: &Image) -> Result<Option<Self>, Error> {
        match (image.os_hash_algo(), image.os_hash_value()) {
            (Some(algorithm), Some(expected)) => Self::new(algorithm, expected).map(Some),
            _ => Self::md5_of(image),
        }
    }

    /// A verifier for the MD5 `checksum`; `None` when the image has none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when this program cannot compute MD5 (in FIPS mode, for instance).
    pub fn md5_of(image: &Image) -> Result<Option<Self>, Error> {
        image.checksum().map(|expected| Self::new("md5", expected)).transpose()
    }

    fn new(algorithm: &str, expected: &str) -> Result<Self, Error> {
        let unknown = || Error::new(ErrorKind::Invalid, format!("unsupported hash type {algorithm}"));
        let digest = MessageDigest::from_name(&openssl_name(algorithm)).ok_or_else(unknown)?;
        let hasher = Hasher::new(digest).map_err(|cause| unknown().with_source(cause))?;
        Ok(Self { hasher, algorithm: algorithm.to_owned(), expected: expected.to_ascii_lowercase() })
    }

    /// Takes the next piece of the data.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] when the digest cannot be computed.
    pub fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.hasher.update(data).map_err(failed)
    }

    /// Compares, after the last piece.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] when the digest is another than the image's.
    pub fn finish(mut self) -> Result<(), Error> {
        let found = hex(&self.hasher.finish().map_err(failed)?);
        if found == self.expected {
            return Ok(());
        }
        let message = format!("Corrupt image download. {} was {found} expected {}", self.algorithm, self.expected);
        Err(Error::new(ErrorKind::Corrupt, message))
    }
}

fn failed(cause: openssl::error::ErrorStack) -> Error {
    Error::new(ErrorKind::Corrupt, "the digest of the data could not be computed").with_source(cause)
}

/// Python's name of a digest as OpenSSL's.
fn openssl_name(algorithm: &str) -> String {
    match algorithm {
        "blake2b" => "blake2b512".to_owned(),
        "blake2s" => "blake2s256".to_owned(),
        other => other.replace('_', "-"),
    }
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> Image {
        Image::from_json(serde_json::from_str(text).unwrap()).unwrap()
    }

    fn check(image: &Image, data: &[u8]) -> Result<(), Error> {
        let mut verifier = Verifier::for_image(image)?.unwrap();
        for piece in data.chunks(2) {
            verifier.update(piece)?;
        }
        verifier.finish()
    }

    #[test]
    fn the_secure_hash_is_preferred() {
        let sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let image =
            image(&format!(r#"{{"id":"i","checksum":"wrong","os_hash_algo":"sha256","os_hash_value":"{sha}"}}"#));
        check(&image, b"abc").unwrap();
        assert_eq!(check(&image, b"abd").unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn the_checksum_serves_where_there_is_no_hash() {
        let image = image(r#"{"id":"i","checksum":"900150983cd24fb0d6963f7d28e17f72","os_hash_value":null}"#);
        check(&image, b"abc").unwrap();
    }

    #[test]
    fn the_digests_that_images_use_are_known() {
        for algorithm in ["md5", "sha1", "sha224", "sha384", "sha512", "sha3_256", "sha3_512", "blake2b", "blake2s"] {
            assert!(Verifier::new(algorithm, "").is_ok(), "{algorithm}");
        }
        assert_eq!(Verifier::new("crc7", "").err().map(|error| error.kind()), Some(ErrorKind::Invalid));
    }
}
