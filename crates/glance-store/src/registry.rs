//! The configured stores by name, and which of them a location belongs to.
//!
//! Several named stores (`enabled_backends`) are the normal case. The older configuration without names is a registry
//! whose stores are found by URI scheme.

use std::cmp::Reverse;
use std::sync::Arc;

use glance_domain::{Location, StoreId};

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
        Ok(Self { entries, default, naming })
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
