//! The configured stores by name, and which of them a location belongs to.
//!
//! Several named stores (`enabled_backends`) are the normal case. The older configuration without names is a registry
//! whose stores are found by URI scheme.

use std::cmp::Reverse;
use std::sync::Arc;

use glance_domain::{Location, StoreId};

use crate::budget::Budget;
use crate::error::{Error, Kind, Result};
use crate::store::Store;

/// Names that start so are the service's own stores; users neither see nor choose them.
const RESERVED_PREFIX: &str = "os_glance_";

/// A configured store.
#[derive(Clone)]
pub struct StoreEntry {
    /// Its name, such as `fast`; without `enabled_backends` the kind serves as the name.
    pub id: StoreId,
    /// For people (`store_description`).
    pub description: Option<String>,
    /// Locations in stores of greater weight are preferred.
    pub weight: i64,
    /// The driver's name in `enabled_backends`, such as `file`.
    pub kind: String,
    /// It is one of the service's own (`os_glance_staging_store`, `os_glance_tasks_store`).
    pub reserved: bool,
    /// The driver.
    pub driver: Arc<dyn Store>,
}

impl StoreEntry {
    /// A store without description and with weight 0; it is reserved if its name starts with `os_glance_`.
    pub fn new(id: StoreId, kind: impl Into<String>, driver: Arc<dyn Store>) -> Self {
        let reserved = id.as_str().starts_with(RESERVED_PREFIX);
        Self { id, description: None, weight: 0, kind: kind.into(), reserved, driver }
    }

    /// Whether objects have exactly the length of what was written. Cinder's volumes are whole gibibytes.
    #[must_use]
    pub fn keeps_exact_lengths(&self) -> bool {
        self.kind != "cinder"
    }
}

/// How stores were configured, which decides how the store of a location is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// `enabled_backends`: stores have names, which locations carry in their metadata.
    Named,
    /// `[glance_store] stores`: one store for each kind; locations are told apart by scheme alone.
    ByScheme,
}

/// All configured stores.
#[derive(Clone)]
pub struct Stores {
    entries: Vec<StoreEntry>,
    default: usize,
    naming: Naming,
    budget: Budget,
}

impl Stores {
    /// A registry of `entries` in the order of the configuration.
    ///
    /// # Errors
    /// `Config` when two entries have the same name or the default is reserved, `UnknownStore` when there is no
    /// entry called `default`.
    pub fn new(entries: Vec<StoreEntry>, default: &StoreId, naming: Naming) -> Result<Self> {
        for (at, entry) in entries.iter().enumerate() {
            if entries[..at].iter().any(|earlier| earlier.id == entry.id) {
                return Err(Error::new(Kind::Config, format!("store '{}' is configured twice", entry.id)));
            }
        }
        let default = entries.iter().position(|entry| entry.id == *default).ok_or_else(|| unknown(default))?;
        if entries[default].reserved {
            return Err(Error::new(Kind::Config, "a reserved store cannot be the default"));
        }
        Ok(Self { entries, default, naming, budget: Budget::default() })
    }

    /// The same with another budget for the buffers of transfers.
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// The budget for the buffers of transfers to and from the stores.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The store for new images when nobody names one.
    #[must_use]
    pub fn default_store(&self) -> &StoreEntry {
        &self.entries[self.default]
    }

    /// The store called `id`, reserved ones included.
    ///
    /// # Errors
    /// `UnknownStore`.
    pub fn get(&self, id: &StoreId) -> Result<&StoreEntry> {
        self.entries.iter().find(|entry| entry.id == *id).ok_or_else(|| unknown(id))
    }

    /// The stores that users may see, in the order of the configuration.
    pub fn listed(&self) -> impl Iterator<Item = &StoreEntry> {
        self.entries.iter().filter(|entry| !entry.reserved)
    }

    /// All stores, in the order of the configuration.
    pub fn all(&self) -> impl Iterator<Item = &StoreEntry> {
        self.entries.iter()
    }

    /// Whether stores have names that users see (`enabled_backends`).
    #[must_use]
    pub fn is_multi(&self) -> bool {
        self.naming == Naming::Named
    }

    /// The store that holds `location`.
    ///
    /// It is the one that the metadata names. Where it names none, or one that the operator has renamed since, it is
    /// the first one that recognises the URL.
    ///
    /// # Errors
    /// `UnknownScheme` when no store (or not the named one) reads such URLs, `UnknownStore` when the scheme is known
    /// but no store recognises the URL.
    pub fn for_location(&self, location: &Location) -> Result<&StoreEntry> {
        let scheme = scheme_of(&location.url);
        let reads = |entry: &&StoreEntry| entry.driver.schemes().contains(&scheme);
        if self.is_multi()
            && let Some(named) = location.store().and_then(|id| self.get(&id).ok())
        {
            return Some(named).filter(reads).ok_or_else(|| unknown_scheme(scheme));
        }
        let mut candidates = self.entries.iter().filter(reads).peekable();
        if candidates.peek().is_none() {
            return Err(unknown_scheme(scheme));
        }
        candidates
            .find(|entry| !self.is_multi() || entry.driver.recognises(&location.url))
            .ok_or_else(|| Error::new(Kind::UnknownStore, "no store recognises the location"))
    }

    /// `locations` with those in stores of greater weight first; equals keep their order.
    ///
    /// A store that is not configured counts as 0. Without names there are no weights.
    #[must_use]
    pub fn by_weight<'a>(&self, locations: &'a [Location]) -> Vec<&'a Location> {
        let mut sorted: Vec<&Location> = locations.iter().collect();
        if self.is_multi() {
            sorted.sort_by_key(|location| Reverse(self.weight_of(location)));
        }
        sorted
    }

    fn weight_of(&self, location: &Location) -> i64 {
        location.store().and_then(|id| self.get(&id).ok()).map_or(0, |entry| entry.weight)
    }
}

fn scheme_of(url: &str) -> &str {
    url.split_once(':').map_or("", |(scheme, _)| scheme)
}

fn unknown(id: &StoreId) -> Error {
    Error::new(Kind::UnknownStore, format!("there is no store '{id}'"))
}

fn unknown_scheme(scheme: &str) -> Error {
    Error::new(Kind::UnknownScheme, format!("no store reads '{scheme}' locations"))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use glance_domain::LocationStatus;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::store::{ByteRange, Capabilities, Journal, NewObject, Object, Phase, StoreContext, StoreWriter};

    /// A store of which only the names matter.
    struct Named(&'static [&'static str], &'static str);

    #[async_trait]
    impl Store for Named {
        fn schemes(&self) -> &'static [&'static str] {
            self.0
        }
        fn capabilities(&self) -> Capabilities {
            Capabilities { write: false, delete: false, read_random: false, owns_data: false }
        }
        fn recognises(&self, url: &str) -> bool {
            url.starts_with(self.1)
        }
        async fn begin(&self, _: &StoreContext, _: &NewObject, _: Arc<dyn Journal>) -> Result<Box<dyn StoreWriter>> {
            Err(unsupported())
        }
        async fn open(&self, _: &StoreContext, _: &str, _: Option<ByteRange>) -> Result<Object> {
            Err(unsupported())
        }
        async fn size(&self, _: &StoreContext, _: &str) -> Result<u64> {
            Err(unsupported())
        }
        async fn delete(&self, _: &StoreContext, _: &str) -> Result<()> {
            Err(unsupported())
        }
        async fn abandon(&self, _: &StoreContext, _: &NewObject, _: Phase, _: Option<&str>) -> Result<()> {
            Err(unsupported())
        }
        async fn list(&self, _: &StoreContext) -> Result<Vec<String>> {
            Err(unsupported())
        }
        async fn health(&self) -> Result<()> {
            Ok(())
        }
        fn properties(&self) -> Map<String, Value> {
            Map::new()
        }
    }

    fn unsupported() -> Error {
        Error::new(Kind::Unsupported, "a name only")
    }

    fn entry(id: &str, weight: i64, prefix: &'static str) -> StoreEntry {
        let schemes: &[&str] = if prefix.starts_with("http") { &["http", "https"] } else { &["file", "filesystem"] };
        StoreEntry { weight, ..StoreEntry::new(StoreId::new(id), "any", Arc::new(Named(schemes, prefix))) }
    }

    fn stores(naming: Naming) -> Stores {
        let entries = vec![
            entry("slow", 1, "file:///slow/"),
            entry("fast", 9, "file:///fast/"),
            entry("web", 1, "http"),
            entry("os_glance_staging_store", 0, "file:///staging/"),
        ];
        Stores::new(entries, &StoreId::new("fast"), naming).unwrap()
    }

    fn location(url: &str, store: Option<&str>) -> Location {
        let metadata = store.map(|store| ("store".to_owned(), json!(store))).into_iter().collect();
        Location { id: None, url: url.to_owned(), metadata, status: LocationStatus::Active }
    }

    #[test]
    fn users_see_the_stores_in_order_without_the_reserved_ones() {
        let stores = stores(Naming::Named);
        assert_eq!(stores.listed().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["slow", "fast", "web"]);
        assert_eq!(stores.all().count(), 4);
        assert_eq!(stores.default_store().id.as_str(), "fast");
        assert!(stores.get(&StoreId::new("os_glance_staging_store")).unwrap().reserved);
        assert_eq!(stores.get(&StoreId::new("none")).err().unwrap().kind(), Kind::UnknownStore);
    }

    #[test]
    fn the_store_of_a_location_is_the_named_one_or_the_one_that_recognises_it() {
        let stores = stores(Naming::Named);
        for (url, named, expected) in [
            ("file:///slow/1", Some("fast"), Ok("fast")),
            ("file:///slow/1", None, Ok("slow")),
            ("file:///slow/1", Some("renamed"), Ok("slow")),
            ("file:///staging/1", None, Ok("os_glance_staging_store")),
            ("https://host/1", None, Ok("web")),
            ("https://host/1", Some("fast"), Err(Kind::UnknownScheme)),
            ("file:///elsewhere/1", None, Err(Kind::UnknownStore)),
            ("rbd://1", None, Err(Kind::UnknownScheme)),
            ("rbd://1", Some("renamed"), Err(Kind::UnknownScheme)),
            ("nonsense", None, Err(Kind::UnknownScheme)),
        ] {
            let location = location(url, named);
            let found = stores.for_location(&location).map(|entry| entry.id.as_str()).map_err(|error| error.kind());
            assert_eq!(found, expected, "{url} {named:?}");
        }
    }

    #[test]
    fn without_names_the_scheme_decides() {
        let stores = stores(Naming::ByScheme);
        let found = |url, named| stores.for_location(&location(url, named)).unwrap().id.as_str().to_owned();
        assert_eq!(found("file:///elsewhere/1", None), "slow");
        assert_eq!(found("https://host/1", Some("fast")), "web");
        assert!(!stores.is_multi());
    }

    #[test]
    fn greater_weights_come_first_and_equals_keep_their_order() {
        let named = [Some("web"), None, Some("slow"), Some("fast"), Some("gone")];
        let locations: Vec<_> = named.iter().map(|store| location("x:", *store)).collect();
        let order = |naming: Naming| -> Vec<_> {
            stores(naming).by_weight(&locations).iter().map(|location| location.store()).collect()
        };
        let ids = |names: [Option<&str>; 5]| names.map(|name| name.map(StoreId::new));
        assert_eq!(order(Naming::Named), ids([Some("fast"), Some("web"), Some("slow"), None, Some("gone")]));
        assert_eq!(order(Naming::ByScheme), ids(named));
    }

    #[test]
    fn impossible_registries_are_refused() {
        let new = |entries, default| Stores::new(entries, &StoreId::new(default), Naming::Named).err().unwrap().kind();
        assert_eq!(new(vec![entry("a", 0, "file"), entry("a", 0, "file")], "a"), Kind::Config);
        assert_eq!(new(vec![entry("a", 0, "file")], "b"), Kind::UnknownStore);
        assert_eq!(new(vec![], "a"), Kind::UnknownStore);
        assert_eq!(new(vec![entry("os_glance_x", 0, "file")], "os_glance_x"), Kind::Config);
    }
}
