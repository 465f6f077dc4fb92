//! Whether each place of each store is the one that the catalogue knows, and what becomes of one that it does not know.
//!
//! A store compares the identity of a place before every operation. Here it is decided which identity that is.

use std::sync::Arc;
use std::time::Duration;

use glance_db::{LocationPage, StoreIdentity};
use glance_domain::{ImageId, StoreId};
use glance_store::{Expectation, Identified, Kind, StoreEntry, Stores};

use crate::app::App;
use crate::app::error::Result;

/// Time between two looks at what the catalogue knows.
const WATCH: Duration = Duration::from_secs(15);

/// Every so many looks, places that nobody knows are judged anew.
const LOOKS_PER_JUDGEMENT: u32 = 20;

/// A place that does not answer for that long at its first contact is refused.
const PATIENCE: Duration = Duration::from_secs(30);

/// So many locations of a place are looked for.
const SAMPLE: usize = 20;

/// Locations in one page.
const PAGE: u64 = 1000;

/// What becomes of places that the catalogue does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// They become known if they look like the store's.
    Automatic,
    /// They stay as they are.
    Never,
}

/// What was found out about a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The catalogue knows it.
    Known,
    /// The catalogue knows it from now on.
    Adopted,
    /// It is not judged: it cannot be written, or nobody has decided yet.
    Unjudged,
    /// It is not used, for this reason.
    Refused(String),
}

/// A place of a store, and what was found out about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedPlace {
    /// The store.
    pub store: StoreId,
    /// The place.
    pub place: String,
    /// What was found out.
    pub judgement: Judgement,
}

/// A place that the catalogue does not know.
struct Stranger<'a> {
    entry: &'a StoreEntry,
    identified: &'a dyn Identified,
    place: String,
    /// Locations that should be there.
    sample: Vec<String>,
}

impl App {
    /// Compares what the catalogue knows of the stores' places for ever.
    pub async fn watch_stores(self: Arc<Self>) {
        let mut beat = tokio::time::interval(WATCH);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first look was at the start.
        beat.tick().await;
        for look in (1..=LOOKS_PER_JUDGEMENT).cycle() {
            beat.tick().await;
            let adoption = if look == LOOKS_PER_JUDGEMENT { Adoption::Automatic } else { Adoption::Never };
            if let Err(error) = self.judge_stores(adoption).await {
                tracing::warn!(%error, "cannot compare the stores with the catalogue");
            }
        }
    }

    /// Tells each store which places it may use, and logs those that it may not.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    pub async fn judge_stores(&self, adoption: Adoption) -> Result<()> {
        for JudgedPlace { store, place, judgement } in judge(&self.db, &self.stores, adoption).await? {
            match judgement {
                Judgement::Known | Judgement::Unjudged => {}
                Judgement::Adopted => tracing::info!(%store, place, "the store's folder is known from now on"),
                Judgement::Refused(why) => tracing::error!(%store, place, "a folder of a store is not used: {why}"),
            }
        }
        if adoption == Adoption::Automatic {
            self.report_health().await;
        }
        Ok(())
    }

    async fn report_health(&self) {
        for entry in self.stores.all().filter(|entry| entry.driver.identified().is_some()) {
            match tokio::time::timeout(PATIENCE, entry.driver.health()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(store = %entry.id, %error, "a store cannot be used"),
                Err(_) => tracing::error!(store = %entry.id, "a store does not answer"),
            }
        }
    }
}

/// Tells each store which places it may use. Reserved stores are not judged: each node has its own.
///
/// # Errors
/// Those of the database.
pub async fn judge(
    db: &glance_db::Database,
    stores: &Stores,
    adoption: Adoption,
) -> glance_db::Result<Vec<JudgedPlace>> {
    let known = db.store_identities().await?;
    let (mut judged, mut strangers) = (Vec::new(), Vec::new());
    for (entry, identified, place) in places(stores) {
        match known.iter().find(|known| known.store == entry.id && known.place == place) {
            Some(known) => {
                identified.expect(&place, Expectation::Identity(known.identity.clone()));
                judged.push(JudgedPlace { store: entry.id.clone(), place, judgement: Judgement::Known });
            }
            None => strangers.push(Stranger { entry, identified, place, sample: Vec::new() }),
        }
    }
    if adoption == Adoption::Automatic && !strangers.is_empty() {
        collect_samples(db, stores, &mut strangers).await?;
    }
    for stranger in &strangers {
        let judgement = match adoption {
            Adoption::Automatic => stranger.meet(db, &known).await?,
            Adoption::Never => Judgement::Unjudged,
        };
        judged.push(JudgedPlace { store: stranger.entry.id.clone(), place: stranger.place.clone(), judgement });
    }
    Ok(judged)
}

/// All places of all stores that can be judged.
pub fn places(stores: &Stores) -> impl Iterator<Item = (&StoreEntry, &dyn Identified, String)> {
    let judged = stores.listed().filter_map(|entry| Some((entry, entry.driver.identified()?)));
    judged.flat_map(|(entry, identified)| identified.places().into_iter().map(move |place| (entry, identified, place)))
}

/// Gives each place the newest locations that should be there.
async fn collect_samples(
    db: &glance_db::Database,
    stores: &Stores,
    strangers: &mut [Stranger<'_>],
) -> glance_db::Result<()> {
    let mut page = LocationPage::Before(i64::MAX);
    while strangers.iter().any(|stranger| stranger.sample.len() < SAMPLE) {
        let found = db.named_locations(page, PAGE).await?;
        let Some(last) = found.last() else { break };
        page = LocationPage::Before(last.number);
        for location in found.iter().filter(|found| found.is_live).filter_map(|found| found.location.as_ref()) {
            let Ok(entry) = stores.for_location(location) else { continue };
            let stranger = strangers.iter_mut().find(|stranger| stranger.may_hold(entry, &location.url));
            if let Some(stranger) = stranger.filter(|stranger| stranger.sample.len() < SAMPLE) {
                stranger.sample.push(location.url.clone());
            }
        }
    }
    Ok(())
}

impl Stranger<'_> {
    fn may_hold(&self, entry: &StoreEntry, url: &str) -> bool {
        let here = match self.identified.place_of(url) {
            Some(place) => place == self.place,
            // Old rows may know the folder under another name.
            None => self.identified.places().len() == 1,
        };
        here && entry.id == self.entry.id
    }

    /// The first contact: the place becomes known, or is refused until it does.
    async fn meet(&self, db: &glance_db::Database, known: &[StoreIdentity]) -> glance_db::Result<Judgement> {
        let introduced = tokio::time::timeout(PATIENCE, self.introduce(known)).await;
        let late = |_| Err(glance_store::Error::new(Kind::Timeout, "it does not answer"));
        let refusal = match introduced.unwrap_or_else(late) {
            Ok(Some(identity)) => return self.settle(db, identity).await,
            Ok(None) if self.sample.is_empty() => "it belongs to another catalogue, or its own was lost".to_owned(),
            Ok(None) => "none of the images that should be in it is there".to_owned(),
            Err(error) if matches!(error.kind(), Kind::Denied | Kind::ReadOnly) => {
                self.identified.expect(&self.place, Expectation::Anything);
                return Ok(Judgement::Unjudged);
            }
            Err(error) => error.to_string(),
        };
        let (place, store) = (&self.place, &self.entry.id);
        let why = format!(
            "the catalogue does not know the folder {place}, and {refusal}. Mount its file system; if it is the right \
             folder nevertheless, run `glance-manage store adopt {store}`"
        );
        self.identified.expect(&self.place, Expectation::Refused(why.clone()));
        Ok(Judgement::Refused(why))
    }

    async fn settle(&self, db: &glance_db::Database, identity: String) -> glance_db::Result<Judgement> {
        let new = StoreIdentity { store: self.entry.id.clone(), place: self.place.clone(), identity };
        match db.settle_store_identity(&new).await {
            Ok(settled) => {
                self.identified.expect(&self.place, Expectation::Identity(settled));
                Ok(Judgement::Adopted)
            }
            // The catalogue has no room for such a long path.
            Err(error) if error.kind() == glance_db::Kind::Invalid => Ok(Judgement::Unjudged),
            Err(error) => Err(error),
        }
    }

    /// The identity of the place, which gets one if it looks like the store's; `None` if it does not.
    async fn introduce(&self, known: &[StoreIdentity]) -> glance_store::Result<Option<String>> {
        let there = self.identified.read_identity(&self.place).await?;
        let is_known = known.iter().any(|known| Some(&known.identity) == there.as_ref());
        if !is_known && !self.looks_right(there.is_some()).await? {
            return Ok(None);
        }
        let new = there.unwrap_or_else(|| ImageId::random().to_string());
        self.identified.write_identity(&self.place, &new).await.map(Some)
    }

    /// Whether an image that should be in the place is there; or none should be, and it is nobody else's.
    async fn looks_right(&self, has_identity: bool) -> glance_store::Result<bool> {
        if !self.sample.is_empty() {
            return self.identified.holds_any(&self.place, self.sample.clone()).await;
        }
        Ok(!has_identity || self.identified.is_empty(&self.place).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use glance_db::{Database, Settings};
    use glance_domain::{Image, Location, LocationStatus, Status, Timestamp};
    use glance_store::StoreContext;

    use super::*;
    use crate::config::stores::{Folders, embedded};

    /// A catalogue and the store that it knows, or not.
    struct Place {
        folder: tempfile::TempDir,
        db: Database,
    }

    impl Place {
        async fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), db: catalogue().await }
        }

        fn images(&self) -> PathBuf {
            self.folder.path().join("images")
        }

        fn stores(&self) -> Stores {
            embedded(self.folder.path(), glance_store::Budget::default(), Folders::Prepare).unwrap()
        }

        async fn judge(&self, stores: &Stores) -> Judgement {
            judge(&self.db, stores, Adoption::Automatic).await.unwrap().remove(0).judgement
        }

        /// An image in the catalogue, whose data may be there.
        async fn add_image(&self, number: u32) -> PathBuf {
            let now = Timestamp::parse_iso("2026-01-01").unwrap();
            let file = self.images().join(format!("image-{number}"));
            let url = format!("file://{}", file.display());
            let location = Location { id: None, url, metadata: serde_json::Map::new(), status: LocationStatus::Active };
            let id = ImageId::parse(&format!("image-{number}")).unwrap();
            let image = Image { status: Status::Active, locations: vec![location], ..Image::new(id, None, now) };
            self.db.create_image(&image).await.unwrap();
            file
        }
    }

    async fn catalogue() -> Database {
        let db = Database::connect(&Settings::new("sqlite://")).await.unwrap();
        db.create_schema().await.unwrap();
        db.prepare_own_objects().await.unwrap();
        db
    }

    fn is_refused(judgement: &Judgement) -> bool {
        matches!(judgement, Judgement::Refused(why) if why.contains("glance-manage store adopt file"))
    }

    async fn list(stores: &Stores) -> Option<Kind> {
        stores.default_store().driver.list(&StoreContext::default()).await.err().map(|error| error.kind())
    }

    fn replace(folder: &Path) {
        fs::rename(folder, folder.with_extension("elsewhere")).unwrap();
        fs::create_dir(folder).unwrap();
    }

    #[tokio::test]
    async fn a_new_folder_of_a_new_catalogue_becomes_known() {
        let place = Place::new().await;
        let stores = place.stores();
        assert_eq!(judge(&place.db, &stores, Adoption::Never).await.unwrap()[0].judgement, Judgement::Unjudged);
        assert!(!place.images().join(".glance-store").exists());
        assert_eq!(place.judge(&stores).await, Judgement::Adopted);
        assert_eq!(place.judge(&stores).await, Judgement::Known);
        assert_eq!(list(&stores).await, None);
        replace(&place.images());
        assert_eq!(list(&stores).await, Some(Kind::Unavailable));
        assert_eq!(place.judge(&place.stores()).await, Judgement::Known, "it stays what the catalogue knows");
        let restarted = place.stores();
        place.judge(&restarted).await;
        assert_eq!(list(&restarted).await, Some(Kind::Unavailable));
    }

    #[tokio::test]
    async fn a_folder_of_old_becomes_known_by_an_image_in_it() {
        let place = Place::new().await;
        let stores = place.stores();
        let mut files = Vec::new();
        for number in 0..30 {
            files.push(place.add_image(number).await);
        }
        assert!(is_refused(&place.judge(&stores).await), "nothing is mounted");
        assert_eq!(list(&stores).await, Some(Kind::Unavailable));
        assert_eq!(fs::read_dir(place.images()).unwrap().count(), 0);
        fs::write(&files[0], "").unwrap();
        assert!(is_refused(&place.judge(&stores).await), "only the newest are looked for");
        fs::write(&files[15], "").unwrap();
        assert_eq!(place.judge(&stores).await, Judgement::Adopted);
        assert_eq!(list(&stores).await, None);
    }

    #[tokio::test]
    async fn a_folder_with_an_identity_that_the_catalogue_has_lost_is_judged_by_its_images() {
        let mut place = Place::new().await;
        let file = place.add_image(1).await;
        let stores = place.stores();
        fs::write(&file, "").unwrap();
        assert_eq!(place.judge(&stores).await, Judgement::Adopted);
        let known = place.db.store_identities().await.unwrap();
        place.db = catalogue().await;
        assert!(is_refused(&place.judge(&place.stores()).await), "it holds images of another catalogue");
        place.add_image(1).await;
        assert_eq!(place.judge(&place.stores()).await, Judgement::Adopted);
        assert_eq!(place.db.store_identities().await.unwrap(), known);
        place.db = catalogue().await;
        fs::remove_file(&file).unwrap();
        assert_eq!(place.judge(&place.stores()).await, Judgement::Adopted, "there is nothing that could be lost");
    }

    #[tokio::test]
    async fn an_identity_that_nobody_can_read_refuses_the_folder_until_it_is_mended() {
        let place = Place::new().await;
        let stores = place.stores();
        fs::write(place.images().join(".glance-store"), "not an identity").unwrap();
        assert!(is_refused(&place.judge(&stores).await));
        fs::remove_file(place.images().join(".glance-store")).unwrap();
        assert_eq!(place.judge(&stores).await, Judgement::Adopted);
    }
}
