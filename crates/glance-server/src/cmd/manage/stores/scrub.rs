//! Reading all data, to find what has changed on the disks.

use std::process::ExitCode;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use glance_db::{Database, ScrubProgress};
use glance_domain::{Image, ImageId, Location};
use glance_store::{Kind, StoreContext, StoreEntry, Stores};
use tokio::time::Instant;

use super::super::arguments::Scrub;
use super::chosen;
use super::report::{Finding, Report, Wrong};
use crate::stream::hash::{Algorithm, Digests, HashPool, Hashes};

/// Images in one page.
const PAGE: u64 = 100;

/// A store that gives nothing for that long fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The scope of a scrub of all stores.
const EVERYWHERE: &str = "*";

/// Where images have no second digest, only MD5 is compared.
const ANY_DIGEST: &str = "sha256";

/// Reads all data and compares it with its digests.
pub(super) async fn scrub(db: &Database, stores: &Stores, wanted: &Scrub) -> anyhow::Result<ExitCode> {
    let scope = wanted.store.as_deref().unwrap_or(EVERYWHERE);
    let chosen = chosen(stores, wanted.store.as_deref())?;
    let begun = if wanted.restart { None } else { db.scrub_progress(scope).await? };
    let (after, images, bytes, earlier) = match begun {
        Some(begun) => (Some(begun.image), begun.images, begun.bytes, begun.findings),
        None => (None, 0, 0, 0),
    };
    if let Some(image) = &after {
        tracing::info!(%image, images, "going on after the image that was read last; --restart begins anew");
    }
    let pool = HashPool::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let pace = Pace::new(wanted.bytes_per_second());
    let report = Report::new(wanted.json, earlier);
    let mut scrubber = Scrubber { db, stores, chosen, pool, pace, report, images, bytes };
    scrubber.run(scope, after).await?;
    db.save_scrub(scope, None).await?;
    Ok(scrubber.report.end(&[("images", scrubber.images), ("bytes", scrubber.bytes)])?)
}

struct Scrubber<'a> {
    db: &'a Database,
    stores: &'a Stores,
    chosen: Vec<&'a StoreEntry>,
    pool: HashPool,
    pace: Pace,
    report: Report,
    images: u64,
    bytes: u64,
}

impl Scrubber<'_> {
    async fn run(&mut self, scope: &str, mut after: Option<ImageId>) -> anyhow::Result<()> {
        loop {
            let page = self.db.images_with_data(after.as_ref(), PAGE).await?;
            let Some(last) = page.last().map(|image| image.id.clone()) else { return Ok(()) };
            for image in page {
                self.image(&image).await?;
                self.images += 1;
                let (images, bytes, findings) = (self.images, self.bytes, self.report.left());
                let progress = ScrubProgress { image: image.id, images, bytes, findings };
                self.db.save_scrub(scope, Some(&progress)).await?;
            }
            after = Some(last);
        }
    }

    /// Reads an image at each of its locations.
    async fn image(&mut self, image: &Image) -> anyhow::Result<()> {
        for location in &image.locations {
            let Some(finding) = self.location(image, location).await? else { continue };
            if self.is_as_before(image, location).await? {
                self.report.add(&finding)?;
            }
        }
        Ok(())
    }

    /// What is wrong with the data at a location, if anything is.
    async fn location(&mut self, image: &Image, location: &Location) -> anyhow::Result<Option<Finding>> {
        let noted = |wrong, store, note: String| {
            Ok(Some(Finding { note: Some(note), ..Finding::about(wrong, &image.id, store) }))
        };
        let entry = match self.stores.for_location(location) {
            Ok(entry) if self.chosen.iter().any(|chosen| chosen.id == entry.id) => entry,
            Ok(_) => return Ok(None),
            Err(error) => return noted(Wrong::Unreadable, None, error.to_string()),
        };
        let store = Some(entry.id.to_string());
        let algorithm = match Algorithm::named(image.os_hash_algo.as_deref().unwrap_or(ANY_DIGEST)) {
            Ok(algorithm) => algorithm,
            Err(error) => return noted(Wrong::Unreadable, store, error.to_string()),
        };
        let mut hashes = Hashes::new(self.pool.clone(), &algorithm)?;
        let read = match self.read((entry, &location.url), &image.id, &mut hashes).await? {
            Ok(bytes) => bytes,
            Err(error) => return noted(what_it_means(&error), store, error.to_string()),
        };
        let wrong = compare(image, read, &hashes.finish()?);
        let about = |wrong| Finding::about(wrong, &image.id, store);
        Ok(wrong.map(|wrong| Finding { bytes: Some(read), expected: image.size, ..about(wrong) }))
    }

    /// Reads an object to its end; how many bytes there were.
    async fn read(
        &mut self,
        (entry, url): (&StoreEntry, &str),
        image: &ImageId,
        hashes: &mut Hashes,
    ) -> anyhow::Result<glance_store::Result<u64>> {
        let mut read = 0;
        let mut chunks = match within(entry.driver.open(&StoreContext::default(), url, None)).await {
            Ok(object) => object.chunks,
            Err(error) => return Ok(Err(error)),
        };
        loop {
            let chunk = match within(chunks.try_next()).await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(Ok(read)),
                Err(error) => return Ok(Err(error)),
            };
            let length = chunk.len() as u64;
            hashes.update(chunk).await?;
            read += length;
            self.bytes += length;
            let (images, mib) = (self.images, self.bytes >> 20);
            self.report.progress.tell(format_args!("{images} images, {mib} MiB read; now {image}"));
            self.pace.wait_for(length).await;
        }
    }

    /// Whether the image still has that location, and nobody works on it: it may have been deleted while it was read.
    async fn is_as_before(&self, image: &Image, location: &Location) -> anyhow::Result<bool> {
        let now = self.db.claims_of(&image.id).await?;
        let has = now.locations.iter().any(|other| Some(other.number) == location.id && other.is_live);
        Ok(has && !now.has_records)
    }
}

fn what_it_means(error: &glance_store::Error) -> Wrong {
    match error.kind() {
        Kind::NotFound => Wrong::Missing,
        Kind::BadLocation => Wrong::Unreadable,
        _ => Wrong::Unreachable,
    }
}

/// What size and digests tell. What the catalogue does not know is not compared.
fn compare(image: &Image, read: u64, digests: &Digests) -> Option<Wrong> {
    let differs = |expected: &Option<String>, digest: &str| {
        expected.as_ref().is_some_and(|expected| !expected.eq_ignore_ascii_case(digest))
    };
    match image.size {
        Some(size) if read < size => Some(Wrong::Short),
        Some(size) if read > size => Some(Wrong::Long),
        _ if differs(&image.checksum, &digests.checksum) => Some(Wrong::Different),
        _ if image.os_hash_algo.is_none() => None,
        _ => differs(&image.os_hash_value, &digests.os_hash_value).then_some(Wrong::Different),
    }
}

async fn within<T>(work: impl Future<Output = glance_store::Result<T>>) -> glance_store::Result<T> {
    let late = |_| glance_store::Error::new(Kind::Timeout, "the store does not answer in time");
    tokio::time::timeout(PATIENCE, work).await.map_err(late)?
}

/// Keeps reading from being faster than wanted.
struct Pace {
    bytes_per_second: Option<u64>,
    /// When what was read so far should have been read.
    due: Instant,
}

impl Pace {
    fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second, due: Instant::now() }
    }

    /// Waits until `bytes` more may have been read. Time in which nothing was read is not made up for.
    async fn wait_for(&mut self, bytes: u64) {
        let Some(rate) = self.bytes_per_second else { return };
        let whole = Duration::from_secs(bytes / rate);
        let rest = Duration::from_nanos((bytes % rate).saturating_mul(1_000_000_000) / rate);
        self.due = self.due.max(Instant::now()) + whole + rest;
        tokio::time::sleep_until(self.due).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn reading_keeps_its_pace() {
        let (start, mut pace) = (Instant::now(), Pace::new(Some(1 << 20)));
        for _ in 0..20 {
            pace.wait_for(512 << 10).await;
        }
        assert_eq!(start.elapsed().as_secs(), 10);
        tokio::time::advance(Duration::from_secs(100)).await;
        pace.wait_for(5 << 20).await;
        assert_eq!(start.elapsed().as_secs(), 115);
        Pace::new(None).wait_for(u64::MAX).await;
        assert_eq!(start.elapsed().as_secs(), 115);
    }
}
