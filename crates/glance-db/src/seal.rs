//! URLs of locations under a key, as Glance's option `metadata_encryption_key` has it.
//!
//! AES in CBC mode; the text ends with a zero and random bytes up to a whole block; before it stands the initial
//! vector; all of it is base64 for URLs. Nothing proves that nobody changed it: the format is upstream's.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use glance_domain::Image;
use glance_domain::query::ImageQuery;
use openssl::rand::rand_bytes;
use openssl::symm::{Cipher, Crypter, Mode};

use crate::Database;
use crate::error::{Error, Kind, Result};

const BLOCK: usize = 16;

/// The key, if there is one.
#[derive(Clone, Default)]
pub(crate) struct Seal(Option<Key>);

#[derive(Clone)]
struct Key {
    cipher: Cipher,
    bytes: Vec<u8>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Seal(a key)" } else { "Seal(no key)" })
    }
}

impl Seal {
    /// # Errors
    /// [`Kind::Invalid`] when the key is not 16, 24 or 32 bytes long.
    pub(crate) fn new(key: Option<&str>) -> Result<Self> {
        let Some(key) = key.filter(|key| !key.is_empty()) else { return Ok(Self(None)) };
        let cipher = match key.len() {
            16 => Cipher::aes_128_cbc(),
            24 => Cipher::aes_192_cbc(),
            32 => Cipher::aes_256_cbc(),
            _ => return Err(Error::new(Kind::Invalid, "metadata_encryption_key must have 16, 24 or 32 bytes")),
        };
        Ok(Self(Some(Key { cipher, bytes: key.as_bytes().to_vec() })))
    }

    /// What is stored for a URL.
    pub(crate) fn close(&self, url: &str) -> Result<String> {
        match &self.0 {
            Some(key) => key.close(url),
            None => Ok(url.to_owned()),
        }
    }

    /// The URL for which that is stored.
    ///
    /// # Errors
    /// [`Kind::Corrupt`] when it was closed with another key.
    pub(crate) fn open_url(&self, stored: &str) -> Result<String> {
        match &self.0 {
            Some(key) => key.open(stored),
            None => Ok(stored.to_owned()),
        }
    }

    /// The image with the URLs of its locations as they are.
    ///
    /// # Errors
    /// [`Kind::Corrupt`] when one was closed with another key.
    pub(crate) fn open(&self, mut image: Image) -> Result<Image> {
        if let Some(key) = &self.0 {
            for location in &mut image.locations {
                location.url = key.open(&location.url)?;
            }
        }
        Ok(image)
    }
}

impl Database {
    /// A page of the images that the viewer has in its list.
    ///
    /// # Errors
    /// [`Kind::MarkerUnknown`] when the marker names no live image, [`Kind::MarkerInvisible`] when it names one that the
    /// viewer must not see.
    pub async fn list_images(&self, query: &ImageQuery) -> Result<Vec<Image>> {
        let images = self.list_sealed(query).await?;
        if self.seal.0.is_none() {
            return Ok(images);
        }
        images.into_iter().map(|image| self.seal.open(image)).collect()
    }
}

impl Key {
    fn close(&self, url: &str) -> Result<String> {
        let cannot = |error| Error::new(Kind::Internal, "a location cannot be encrypted").caused_by(error);
        let mut vector = [0; BLOCK];
        rand_bytes(&mut vector).map_err(cannot)?;
        let sealed = self.crypt(Mode::Encrypt, &vector, &padded(url).map_err(cannot)?).map_err(cannot)?;
        Ok(URL_SAFE.encode([vector.as_slice(), &sealed].concat()))
    }

    /// Without a key, URLs were stored as they are; their colon cannot be base64.
    fn open(&self, stored: &str) -> Result<String> {
        if stored.contains("://") {
            return Ok(stored.to_owned());
        }
        let foreign = || Error::new(Kind::Corrupt, "a location is not encrypted with metadata_encryption_key");
        let sealed = URL_SAFE.decode(stored).map_err(|_| foreign())?;
        let (vector, sealed) = sealed.split_at_checked(BLOCK).ok_or_else(foreign)?;
        let mut text = self.crypt(Mode::Decrypt, vector, sealed).map_err(|_| foreign())?;
        text.truncate(text.iter().rposition(|byte| *byte == 0).ok_or_else(foreign)?);
        String::from_utf8(text).map_err(|_| foreign())
    }

    fn crypt(&self, mode: Mode, vector: &[u8], input: &[u8]) -> Result<Vec<u8>, openssl::error::ErrorStack> {
        let mut crypter = Crypter::new(self.cipher, mode, &self.bytes, Some(vector))?;
        crypter.pad(false);
        let mut output = vec![0; input.len() + BLOCK];
        let mut length = crypter.update(input, &mut output)?;
        length += crypter.finalize(output.get_mut(length..).unwrap_or_default())?;
        output.truncate(length);
        Ok(output)
    }
}

/// The text, a zero, and other bytes up to a whole block.
fn padded(text: &str) -> Result<Vec<u8>, openssl::error::ErrorStack> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    let mut filling = vec![0; bytes.len().next_multiple_of(BLOCK) - bytes.len()];
    rand_bytes(&mut filling)?;
    bytes.extend(filling.into_iter().map(|byte| byte.max(1)));
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 3] = ["0123456789abcdef", "0123456789abcdef01234567", "0123456789abcdef0123456789abcdef"];

    fn key(text: &str) -> Key {
        Seal::new(Some(text)).unwrap().0.unwrap()
    }

    #[test]
    fn what_is_closed_opens_again() {
        for text in KEYS {
            for url in ["", "file:///a", "file:///0123456789", "rbd://größer/with space"] {
                let closed = key(text).close(url).unwrap();
                assert!(!closed.contains("file"), "{closed}");
                assert_ne!(closed, key(text).close(url).unwrap(), "each time another vector");
                assert_eq!(key(text).open(&closed).unwrap(), url);
            }
        }
    }

    #[test]
    fn what_upstream_closed_opens() {
        // glance.common.crypt.urlsafe_encrypt('0123456789abcdef', 'file:///images/größer')
        let closed = "xh8VrsjX9_VTO63CHBbt25u6ISXD1RI3aahALrp6swwFuoDPGR8uOHu1cV9kVotg";
        assert_eq!(key(KEYS[0]).open(closed).unwrap(), "file:///images/größer");
    }

    #[test]
    fn what_was_never_closed_stays() {
        assert_eq!(key(KEYS[0]).open("file:///a").unwrap(), "file:///a");
        assert_eq!(Seal::default().close("file:///a").unwrap(), "file:///a");
    }

    #[test]
    fn nonsense_is_corrupt() {
        let closed = key(KEYS[0]).close("file:///a").unwrap();
        for bad in ["", "x", "AAAA", &closed[..closed.len() - 4], "größer"] {
            assert_eq!(key(KEYS[0]).open(bad).unwrap_err().kind(), Kind::Corrupt, "{bad}");
        }
        assert_eq!(Seal::new(Some("short")).unwrap_err().kind(), Kind::Invalid);
        assert!(!format!("{:?}", Seal::new(Some(KEYS[0])).unwrap()).contains("0123"));
    }
}
