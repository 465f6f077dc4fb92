//! Tokens that were found valid, shared by services through memcached as keystonemiddleware shares them: under the same
//! keys, in the same form, signed or encrypted in the same way (`memcache_security_strategy`).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::symm::Cipher;

use crate::memcached::{Memcached, MemcachedOptions};
use crate::secret::Secret;

/// The length of a signature: HMAC-SHA384 in Base64.
const SIGNATURE: usize = 64;

/// The size of a block of AES, and of its keys here, in bytes.
const BLOCK: usize = 16;

/// How entries are protected from whoever else can reach memcached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// Not at all: who can write there decides who is an administrator.
    None,
    /// They are signed.
    Signed(Secret),
    /// They are encrypted and signed.
    Encrypted(Secret),
}

/// A cache that other services use as well.
pub(crate) struct SharedCache {
    memcached: Memcached,
    protection: Protection,
    keep: Duration,
}

/// What is derived from the secret for one token.
struct Keys {
    name: String,
    signing: Vec<u8>,
    encryption: Option<Vec<u8>>,
}

impl SharedCache {
    /// A cache that keeps tokens this long; an error is the name of a server that makes no sense.
    pub(crate) fn new(options: MemcachedOptions, protection: Protection, keep: Duration) -> Result<Self, String> {
        Ok(Self { memcached: Memcached::new(options)?, protection, keep })
    }

    /// The identity service's document about a token, if another service has left it there.
    pub(crate) async fn get(&self, sent: &str) -> Option<Vec<u8>> {
        let keys = self.keys(sent).ok()?;
        let stored =
            self.memcached.get(&keys.as_ref().map_or_else(|| plain_name(sent), |keys| keys.name.clone())).await?;
        match keys {
            None => Some(stored),
            Some(keys) => {
                let found = keys.open(&stored);
                if found.is_none() {
                    tracing::warn!("an entry of memcached has no valid signature");
                }
                found
            }
        }
    }

    /// Leaves the document for others.
    pub(crate) async fn set(&self, sent: &str, document: &[u8]) {
        let Ok(keys) = self.keys(sent) else { return };
        match keys {
            None => self.memcached.set(&plain_name(sent), document, self.keep).await,
            Some(keys) => {
                if let Ok(sealed) = keys.seal(document) {
                    self.memcached.set(&keys.name, &sealed, self.keep).await;
                }
            }
        }
    }

    /// The keys for a token, where there is a secret.
    fn keys(&self, sent: &str) -> Result<Option<Keys>, ErrorStack> {
        match &self.protection {
            Protection::None => Ok(None),
            Protection::Signed(secret) => Keys::derive(sent, secret, "MAC").map(Some),
            Protection::Encrypted(secret) => Keys::derive(sent, secret, "ENCRYPT").map(Some),
        }
    }
}

/// The name of an entry that anybody can read: the token itself cannot be had from it.
fn plain_name(sent: &str) -> String {
    let digest = openssl::sha::sha256(sent.as_bytes());
    format!("tokens/{}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

impl Keys {
    /// A third of the digest each for the name, the signature and the encryption.
    fn derive(sent: &str, secret: &Secret, strategy: &str) -> Result<Self, ErrorStack> {
        let digest = sign(secret.expose().as_bytes(), format!("{sent}{strategy}").as_bytes())?;
        let [name, signing, encryption] = [0, 1, 2].map(|part| &digest[part * BLOCK..(part + 1) * BLOCK]);
        Ok(Self {
            // The marks around it are Python's for bytes.
            name: format!("tokens/b'{}'", BASE64.encode(name)),
            signing: signing.to_vec(),
            encryption: (strategy == "ENCRYPT").then(|| encryption.to_vec()),
        })
    }

    /// Signature and content in Base64; before encrypted content stands what the encryption begins with.
    fn seal(&self, document: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let content = match &self.encryption {
            None => BASE64.encode(document),
            Some(key) => {
                let mut start = [0; BLOCK];
                openssl::rand::rand_bytes(&mut start)?;
                let encrypted = openssl::symm::encrypt(Cipher::aes_128_cbc(), key, Some(&start), document)?;
                BASE64.encode([&start[..], &encrypted].concat())
            }
        };
        let signature = BASE64.encode(sign(&self.signing, content.as_bytes())?);
        Ok((signature + &content).into_bytes())
    }

    /// The document, unless somebody else has written the entry.
    fn open(&self, stored: &[u8]) -> Option<Vec<u8>> {
        let (signature, content) = stored.split_at_checked(SIGNATURE)?;
        let expected = BASE64.encode(sign(&self.signing, content).ok()?);
        if !openssl::memcmp::eq(expected.as_bytes(), signature) {
            return None;
        }
        let content = BASE64.decode(content).ok()?;
        match &self.encryption {
            None => Some(content),
            Some(key) => {
                let (start, encrypted) = content.split_at_checked(BLOCK)?;
                openssl::symm::decrypt(Cipher::aes_128_cbc(), key, Some(start), encrypted).ok()
            }
        }
    }
}

/// HMAC-SHA384.
fn sign(key: &[u8], content: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let key = PKey::hmac(key)?;
    Signer::new(MessageDigest::sha384(), &key)?.sign_oneshot_to_vec(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_knows_the_secret_can_write_an_entry() {
        for strategy in ["MAC", "ENCRYPT"] {
            let keys = |token: &str, secret: &str| Keys::derive(token, &Secret::new(secret), strategy).unwrap();
            let sealed = keys("t", "s").seal(b"document").unwrap();
            assert_eq!(keys("t", "s").open(&sealed).unwrap(), b"document");
            assert_eq!(keys("t", "other").open(&sealed), None);
            assert_eq!(keys("other", "s").open(&sealed), None);
            for end in 0..sealed.len() {
                assert_eq!(keys("t", "s").open(&sealed[..end]), None);
            }
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert_eq!(keys("t", "s").open(&changed), None, "{at}");
            }
        }
    }

    #[test]
    fn names_and_signatures_are_those_of_keystonemiddleware() {
        assert_eq!(plain_name("abc"), NAME);
        let keys = Keys::derive("abc", &Secret::new("secret"), "MAC").unwrap();
        assert_eq!(keys.name, SIGNED_NAME);
        assert_eq!(keys.seal(b"{}").unwrap(), SEALED.as_bytes());
    }

    const NAME: &str = "tokens/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const SIGNED_NAME: &str = "tokens/b'/vz+hj3s7KUnrvJivbkcEw=='";
    const SEALED: &str = "7bjR9yKG1cjvEmLC89RZKI1RI76kNP2xUTtNUKY+QHcQQ5E6dBvGi7Uq+35Tj83ne30=";
}
