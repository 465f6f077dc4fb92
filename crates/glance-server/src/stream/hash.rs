//! Digests of image data, computed off the async threads by a bounded number of jobs.
//!
//! Two digests are kept for every image: MD5 (`checksum`) and the configured one (`os_hash_value`, SHA-512 unless said
//! otherwise). They run side by side on a chunk while a core is free, and one after the other in one job when uploads
//! are more than cores, so that the chunk is read from memory once. OpenSSL's implementations are the fastest there are
//! here (see the ADR on hashing).

use std::sync::Arc;

use bytes::Bytes;
use openssl::error::ErrorStack;
use openssl::hash::{Hasher, MessageDigest};
use tokio::sync::Semaphore;

/// Chunks smaller than this are hashed where they are: handing them over would cost more.
const INLINE: usize = 4 << 10;

/// Limits how many hash jobs run at once in the whole process.
#[derive(Clone, Debug)]
pub struct HashPool {
    jobs: Arc<Semaphore>,
}

impl HashPool {
    /// A pool of at most `jobs` concurrent jobs; one for each core is right.
    #[must_use]
    pub fn new(jobs: usize) -> Self {
        Self { jobs: Arc::new(Semaphore::new(jobs.max(1))) }
    }

    /// Runs `work` on a blocking thread once a job is free.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let permit = self.jobs.clone().acquire_owned().await.map_err(|_| Error::Stopped)?;
        let job = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        job.await.map_err(|_| Error::Stopped)
    }

    fn has_room_for_two(&self) -> bool {
        self.jobs.available_permits() >= 2
    }
}

/// Hashing failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The digest is not one that OpenSSL has.
    #[error("'{0}' is not a known hashing algorithm")]
    Unknown(String),
    /// OpenSSL refuses, for example MD5 in FIPS mode.
    #[error("hashing failed")]
    OpenSsl(#[from] ErrorStack),
    /// The process is ending.
    #[error("hashing was interrupted")]
    Stopped,
}

/// A configured digest, by its name in Python's `hashlib`.
#[derive(Clone)]
pub struct Algorithm {
    name: String,
    digest: MessageDigest,
}

impl Algorithm {
    /// Finds the digest that `hashlib` calls `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn named(name: &str) -> Result<Self, Error> {
        let openssl_name = match name {
            "blake2b" => "BLAKE2b512".to_owned(),
            "blake2s" => "BLAKE2s256".to_owned(),
            sha3 if sha3.starts_with("sha3_") => sha3.replace('_', "-"),
            other => other.to_owned(),
        };
        let digest = MessageDigest::from_name(&openssl_name).ok_or_else(|| Error::Unknown(name.to_owned()))?;
        Ok(Self { name: name.to_owned(), digest })
    }

    /// The name as `os_hash_algo` shows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of one digest.
    #[must_use]
    pub fn digest_bytes(&self) -> usize {
        self.digest.size()
    }
}

impl std::fmt::Debug for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Algorithm({})", self.name)
    }
}

/// The finished digests of an image, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// MD5.
    pub checksum: String,
    /// Name of the second algorithm.
    pub os_hash_algo: String,
    /// The second digest.
    pub os_hash_value: String,
}

/// Both digests of one image under way.
pub struct Hashes {
    pool: HashPool,
    algorithm: Algorithm,
    state: Option<(Hasher, Hasher)>,
}

impl Hashes {
    /// Starts both digests.
    ///
    /// # Errors
    /// [`Error::OpenSsl`].
    pub fn new(pool: HashPool, algorithm: &Algorithm) -> Result<Self, Error> {
        let state = Some((Hasher::new(MessageDigest::md5())?, Hasher::new(algorithm.digest)?));
        Ok(Self { pool, algorithm: algorithm.clone(), state })
    }

    /// Adds a chunk to both digests. Must be polled to its end: a dropped update leaves no digests.
    ///
    /// # Errors
    /// [`Error::OpenSsl`], [`Error::Stopped`].
    pub async fn update(&mut self, chunk: Bytes) -> Result<(), Error> {
        let (mut first, mut second) = self.state.take().ok_or(Error::Stopped)?;
        if chunk.len() < INLINE {
            first.update(&chunk)?;
            second.update(&chunk)?;
            self.state = Some((first, second));
            return Ok(());
        }
        if self.pool.has_room_for_two() {
            let shared = chunk.clone();
            let md5 = self.pool.run(move || first.update(&shared).map(|()| first));
            let other = self.pool.run(move || second.update(&chunk).map(|()| second));
            let (md5, other) = tokio::join!(md5, other);
            self.state = Some((md5??, other??));
        } else {
            let both = move || {
                first.update(&chunk)?;
                second.update(&chunk)?;
                Ok::<_, ErrorStack>((first, second))
            };
            self.state = Some(self.pool.run(both).await??);
        }
        Ok(())
    }

    /// Ends both digests.
    ///
    /// # Errors
    /// [`Error::OpenSsl`]; [`Error::Stopped`] after an update that was dropped.
    pub fn finish(self) -> Result<Digests, Error> {
        let (mut first, mut second) = self.state.ok_or(Error::Stopped)?;
        Ok(Digests {
            checksum: hex(&first.finish()?),
            os_hash_algo: self.algorithm.name,
            os_hash_value: hex(&second.finish()?),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn digests(pool: &HashPool, algorithm: &str, chunks: &[&[u8]]) -> Digests {
        let mut hashes = Hashes::new(pool.clone(), &Algorithm::named(algorithm).unwrap()).unwrap();
        for chunk in chunks {
            hashes.update(Bytes::copy_from_slice(chunk)).await.unwrap();
        }
        hashes.finish().unwrap()
    }

    /// The expected values are those of RFC 1321 and FIPS 180-4 for "abc".
    #[tokio::test]
    async fn known_answers() {
        let both = digests(&HashPool::new(2), "sha256", &[b"a", b"bc"]).await;
        assert_eq!(both.checksum, "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(both.os_hash_value, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(both.os_hash_algo, "sha256");
    }

    #[tokio::test]
    async fn the_number_of_jobs_and_the_cuts_do_not_matter() {
        let data: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
        let whole = digests(&HashPool::new(1), "sha512", &[&data]).await;
        let cut: Vec<&[u8]> = data.chunks(70_001).collect();
        assert_eq!(digests(&HashPool::new(2), "sha512", &cut).await, whole);
    }

    #[test]
    fn hashlib_names() {
        for name in ["md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s"] {
            assert_eq!(Algorithm::named(name).unwrap().name(), name);
        }
        assert!(Algorithm::named("sha0").is_err());
    }
}
