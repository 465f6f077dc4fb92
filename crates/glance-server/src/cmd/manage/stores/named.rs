//! What the catalogue names: a set of hashes, so that a million locations take some 20 MB.
//!
//! It only grows: what was named at any moment of an audit is no orphan. Two names with the same hash are taken for one,
//! which can only hide an orphan, with a probability of about one in a million million.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use glance_db::{Database, LocationPage, NamedLocation, StoreIdentity, Work};
use glance_domain::{ImageId, Location};
use glance_store::{Found, StoreEntry, Stores, What};

/// Locations in one page.
const PAGE: u64 = 1000;

/// Rows before the last one that are read again: transactions do not commit in the order of their rows.
const OVERLAP: i64 = 1000;

/// What the catalogue names.
pub(super) struct Named<'a> {
    db: &'a Database,
    stores: &'a Stores,
    identities: Vec<StoreIdentity>,
    hasher: RandomState,
    hashes: HashSet<u64>,
    last: i64,
}

/// What a name stands for.
#[derive(Hash)]
enum Name<'n> {
    /// Data, wherever the catalogue says that it is.
    Place(&'n str),
    /// The object of an upload under way, by its store.
    Object(&'n str, &'n str),
    /// The draft of an upload under way.
    Draft(&'n str, &'n str),
    /// Everything of an image, because more is not known.
    Image(&'n str),
}

impl<'a> Named<'a> {
    /// Reads the records. Locations come page by page.
    pub(super) async fn new(db: &'a Database, stores: &'a Stores) -> glance_db::Result<Self> {
        let identities = db.store_identities().await?;
        let (hasher, hashes) = (RandomState::new(), HashSet::new());
        let mut named = Self { db, stores, identities, hasher, hashes, last: 0 };
        named.add_records().await?;
        Ok(named)
    }

    /// The next page of locations, which count as named from now on; empty after the last one.
    pub(super) async fn next_page(&mut self) -> glance_db::Result<Vec<NamedLocation>> {
        let page = self.db.named_locations(LocationPage::After(self.last), PAGE).await?;
        for named in &page {
            self.last = named.number;
            self.add_location(named).await;
        }
        Ok(page)
    }

    /// Adds what has become named since. Records come first: their work ends as a location.
    pub(super) async fn refresh(&mut self) -> glance_db::Result<()> {
        self.add_records().await?;
        self.last = (self.last - OVERLAP).max(0);
        while !self.next_page().await?.is_empty() {}
        Ok(())
    }

    /// Whether something names what was found in the store, and is named after the image.
    pub(super) fn has(&self, entry: &StoreEntry, found: &Found, image: Option<&ImageId>) -> bool {
        let all_of_image = image.is_some_and(|image| self.contains(&Name::Image(image.as_str())));
        let this = match &found.what {
            What::Draft { image, attempt } => self.contains(&Name::Draft(image.as_str(), attempt)),
            What::Object | What::Unknown => {
                self.contains(&Name::Place(&found.url))
                    || self.contains(&Name::Place(&self.place_key(entry, &found.url)))
                    || self.contains(&Name::Object(entry.id.as_str(), &found.name))
            }
        };
        this || all_of_image
    }

    async fn add_records(&mut self) -> glance_db::Result<()> {
        for record in self.db.list_work().await? {
            match &record.work {
                Work::Upload(transfer) => {
                    self.add(&Name::Object(transfer.store.as_str(), &transfer.name));
                    self.add(&Name::Draft(record.image.as_str(), &transfer.attempt));
                }
                // Its locations are the image's.
                Work::Delete => {}
                Work::Removal { url, .. } => self.add_url(url).await,
                Work::Later { .. } => self.add(&Name::Image(record.image.as_str())),
            }
        }
        Ok(())
    }

    pub(super) async fn add_location(&mut self, named: &NamedLocation) {
        match &named.location {
            Some(Location { url, .. }) => self.add_url(url).await,
            None => self.add(&Name::Image(named.image.as_str())),
        }
    }

    /// A URL counts for every store that could mean it.
    async fn add_url(&mut self, url: &str) {
        let stores = self.stores;
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let reading = || stores.listed().filter(|entry| entry.driver.schemes().contains(&scheme));
        let by_path = reading().any(|entry| entry.driver.recognises(url));
        if !by_path {
            self.add(&Name::Place(url));
        }
        for entry in reading().filter(|entry| !by_path || entry.driver.recognises(url)) {
            let url = entry.driver.canonical(url).await;
            let key = self.place_key(entry, &url);
            self.add(&Name::Place(&key));
        }
    }

    /// The same for one object, whatever path leads to it: the identity of the folder and the way from there.
    fn place_key(&self, entry: &StoreEntry, url: &str) -> String {
        let place = entry.driver.identified().and_then(|identified| identified.place_of(url));
        let known =
            self.identities.iter().find(|known| known.store == entry.id && Some(&known.place) == place.as_ref());
        match known.and_then(|known| Some((known, url.split_once(&known.place)?.1))) {
            Some((known, below)) => format!("{} {below}", known.identity),
            None => url.to_owned(),
        }
    }

    fn add(&mut self, name: &Name<'_>) {
        self.hashes.insert(self.hasher.hash_one(name));
    }

    fn contains(&self, name: &Name<'_>) -> bool {
        self.hashes.contains(&self.hasher.hash_one(name))
    }
}
