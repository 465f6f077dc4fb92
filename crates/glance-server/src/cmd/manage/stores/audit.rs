//! Whether the catalogue and the stores say the same.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use futures_util::{StreamExt as _, TryStreamExt as _};
use glance_db::{Database, NamedLocation, StoreIdentity};
use glance_domain::{ImageId, Status, StoreId};
use glance_store::{Found, Kind, StoreContext, StoreEntry, Stores};

use super::super::arguments::Audit;
use super::chosen;
use super::named::Named;
use super::orphans::{self, Candidate, Repair, Thought, think};
use super::report::{Finding, Report, Wrong};

/// Objects that are asked for at the same time.
const AT_ONCE: usize = 16;

/// A store that does not answer for that long fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store that has failed so often is not asked any more.
const PATIENT_TIMES: u32 = 20;

/// Images in one page.
const PAGE: u64 = 1000;

/// Compares the catalogue with the stores.
pub(super) async fn audit(db: &Database, stores: &Stores, wanted: &Audit) -> anyhow::Result<ExitCode> {
    let chosen = chosen(stores, wanted.store.as_deref())?;
    if wanted.repair {
        refuse_strangers(&chosen, &db.store_identities().await?)?;
    }
    let repair = if wanted.repair { Repair::After(wanted.safe_age()) } else { Repair::Never };
    let (named, report) = (Named::new(db, stores).await?, Report::new(wanted.json, 0));
    let (is_whole, failures) = (wanted.store.is_none(), HashMap::new());
    let mut audit = Auditor { db, stores, chosen, is_whole, named, report, failures, locations: 0, objects: 0 };
    audit.locations().await?;
    if is_whole {
        audit.images().await?;
    }
    for entry in audit.chosen.clone() {
        audit.objects(entry, repair).await?;
    }
    Ok(audit.report.end(&[("locations", audit.locations), ("objects", audit.objects)])?)
}

/// What is in a folder that the catalogue does not know may be another catalogue's.
fn refuse_strangers(chosen: &[&StoreEntry], known: &[StoreIdentity]) -> anyhow::Result<()> {
    for entry in chosen {
        let Some(identified) = entry.driver.identified() else {
            bail!("--repair: the folders of the store {} are not judged, so they may be another service's.", entry.id);
        };
        let is_known = |place: &String| known.iter().any(|known| known.store == entry.id && known.place == *place);
        if let Some(stranger) = identified.places().iter().find(|place| !is_known(place)) {
            let store = &entry.id;
            bail!(
                "--repair: the catalogue does not know the folder {stranger}. Start the service once, or run \
                 `glance-manage store adopt {store}`."
            );
        }
    }
    Ok(())
}

struct Auditor<'a> {
    db: &'a Database,
    stores: &'a Stores,
    chosen: Vec<&'a StoreEntry>,
    /// No store was named.
    is_whole: bool,
    named: Named<'a>,
    report: Report,
    /// How often each store has failed.
    failures: HashMap<StoreId, u32>,
    locations: u64,
    objects: u64,
}

impl Auditor<'_> {
    /// Every live location has an object of the right size.
    async fn locations(&mut self) -> anyhow::Result<()> {
        loop {
            let page = self.named.next_page().await?;
            if page.is_empty() {
                return Ok(());
            }
            self.locations += page.iter().filter(|named| named.is_live).count() as u64;
            let checks = page.iter().filter(|named| self.counts_on(named)).map(|named| self.check(named));
            let found: Vec<_> = futures_util::stream::iter(checks).buffer_unordered(AT_ONCE).collect().await;
            for (named, finding) in found.into_iter().flatten() {
                self.tell(named, finding).await?;
            }
            self.report.progress.tell(format_args!("{} locations compared", self.locations));
        }
    }

    /// Whether an image that has data counts on the location.
    fn counts_on(&self, named: &NamedLocation) -> bool {
        named.is_live && matches!(named.image_status, Some(Status::Active | Status::Deactivated))
    }

    /// What is wrong with a location, if anything is.
    async fn check<'n>(&self, named: &'n NamedLocation) -> Option<(&'n NamedLocation, Finding)> {
        let unreadable = |note: String| {
            let finding = Finding::about(Wrong::Unreadable, &named.image, None);
            Some((named, Finding { note: Some(note), ..finding }))
        };
        let Some(location) = &named.location else {
            return unreadable("it was encrypted with another key, or its metadata is no JSON".to_owned());
        };
        match self.stores.for_location(location) {
            Ok(entry) if self.is_asked(entry) => Some((named, examine(entry, named, &location.url).await?)),
            Err(error) if self.is_whole => unreadable(error.to_string()),
            Ok(_) | Err(_) => None,
        }
    }

    fn is_asked(&self, entry: &StoreEntry) -> bool {
        let has_failed = self.failures.get(&entry.id).is_some_and(|failures| *failures >= PATIENT_TIMES);
        !has_failed && self.chosen.iter().any(|chosen| chosen.id == entry.id)
    }

    /// Reports a finding, unless the image has changed or gone meanwhile, or somebody works on it: data goes before the
    /// image does.
    async fn tell(&mut self, named: &NamedLocation, finding: Finding) -> anyhow::Result<()> {
        let now = self.db.claims_of(&named.image).await?;
        if now.has_records
            || !now
                .locations
                .iter()
                .any(|other| other.number == named.number && other.is_live && other.size == named.size)
        {
            return Ok(());
        }
        self.report.add(&finding)?;
        let Some(store) = finding.store.filter(|_| finding.wrong == Wrong::Unreachable).map(StoreId::new) else {
            return Ok(());
        };
        let failures = self.failures.entry(store.clone()).or_default();
        *failures += 1;
        if *failures == PATIENT_TIMES {
            let note = "it has failed too often: its other locations are not compared".to_owned();
            let given_up = Finding::new(Wrong::Unreachable);
            self.report.add(&Finding { store: Some(store.to_string()), note: Some(note), ..given_up })?;
        }
        Ok(())
    }

    /// Every image that should have data has a location.
    async fn images(&mut self) -> anyhow::Result<()> {
        let mut after: Option<ImageId> = None;
        loop {
            let page = self.db.images_without_location(after.as_ref(), PAGE).await?;
            for image in &page {
                self.report.add(&Finding::about(Wrong::Dataless, image, None))?;
            }
            match page.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
    }

    /// Everything in a store is named by a location or a record.
    async fn objects(&mut self, entry: &StoreEntry, repair: Repair) -> anyhow::Result<()> {
        let mut batches = match entry.driver.survey(&StoreContext::default()).await {
            Ok(batches) => batches,
            Err(error) => return self.unreachable(entry, &error),
        };
        loop {
            match batches.try_next().await {
                Ok(Some(batch)) => self.batch(entry, batch, repair).await?,
                Ok(None) => return Ok(()),
                Err(error) => return self.unreachable(entry, &error),
            }
        }
    }

    /// Reports that a store cannot be listed, unless no store of its type can.
    fn unreachable(&mut self, entry: &StoreEntry, error: &glance_store::Error) -> anyhow::Result<()> {
        if error.kind() != Kind::Unsupported {
            let (store, note) = (Some(entry.id.to_string()), Some(error.to_string()));
            self.report.add(&Finding { store, note, ..Finding::new(Wrong::Unreachable) })?;
        }
        Ok(())
    }

    async fn batch(&mut self, entry: &StoreEntry, batch: Vec<Found>, repair: Repair) -> anyhow::Result<()> {
        self.objects += batch.len() as u64;
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut foreign = Vec::new();
        for found in batch {
            match think(&self.named, entry, found) {
                Thought::Named => {}
                Thought::Candidate(candidate) => candidates.push(candidate),
                Thought::Foreign(found) => foreign.push(found),
            }
        }
        if !candidates.is_empty() || !foreign.is_empty() {
            self.named.refresh().await?;
        }
        for candidate in &candidates {
            if let Some(finding) = orphans::settle((self.db, &mut self.named), entry, candidate, repair).await? {
                self.report.add(&finding)?;
            }
        }
        for found in foreign {
            if let Thought::Foreign(found) = think(&self.named, entry, found) {
                let (store, object) = (Some(entry.id.to_string()), Some(found.name));
                self.report.add(&Finding { store, object, ..Finding::new(Wrong::Foreign) })?;
            }
        }
        self.report.progress.tell(format_args!("{} objects compared", self.objects));
        Ok(())
    }
}

/// What is wrong with the object at a location, if anything is.
async fn examine(entry: &StoreEntry, named: &NamedLocation, url: &str) -> Option<Finding> {
    let about =
        |wrong| Finding { expected: named.size, ..Finding::about(wrong, &named.image, Some(entry.id.to_string())) };
    let context = StoreContext::default();
    let asked = tokio::time::timeout(PATIENCE, entry.driver.size(&context, url)).await;
    let late = |_| Err(glance_store::Error::new(Kind::Timeout, "the store does not answer in time"));
    let error = match asked.unwrap_or_else(late) {
        Ok(bytes) => return Some(Finding { bytes: Some(bytes), ..about(compare(entry, bytes, named.size)?) }),
        Err(error) => error,
    };
    Some(match error.kind() {
        Kind::NotFound => about(Wrong::Missing),
        Kind::BadLocation => Finding { note: Some(error.to_string()), ..about(Wrong::Unreadable) },
        _ => Finding { note: Some(error.to_string()), ..about(Wrong::Unreachable) },
    })
}

/// What a size tells. Volumes are longer than their images: Cinder rounds up.
fn compare(entry: &StoreEntry, bytes: u64, expected: Option<u64>) -> Option<Wrong> {
    match bytes.cmp(&expected?) {
        std::cmp::Ordering::Less => Some(Wrong::Short),
        std::cmp::Ordering::Greater if entry.kind != "cinder" => Some(Wrong::Long),
        _ => None,
    }
}
