//! What the service counts of itself, for Prometheus.
//!
//! A plain registry: few names with few labels, counted with atomics. Labels are bounded: methods and routes come from
//! the table of routes, stores from the configuration. Nothing of an image, a project or a user is a label.

mod exposition;
pub mod serve;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use keystone_auth::Validator;

use crate::app::identity::Caller;

/// Upper bounds of the histogram of durations, in milliseconds.
const BOUNDS: [u64; 12] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 60_000];

/// Everything that is counted.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<Route, Arc<Durations>>>,
    statuses: Mutex<BTreeMap<(Route, u16), Arc<AtomicU64>>>,
    in_flight: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
    stuck_work: AtomicU64,
    transfers: Mutex<BTreeMap<(Direction, String), Arc<Transfers>>>,
    failed_locations: Mutex<BTreeMap<(String, LocationFailure), Arc<AtomicU64>>>,
    validators: Mutex<Vec<Validator<Caller>>>,
}

/// The method and the path with its parameters.
type Route = (&'static str, &'static str);

/// A histogram of how long answers took to begin.
#[derive(Debug, Default)]
struct Durations {
    /// One for each of [`BOUNDS`], and the rest.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

/// Where image data goes, seen from the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From a client to a store.
    Upload,
    /// From a store to a client.
    Download,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Download => "download",
        }
    }
}

/// What is wrong with a location from which data was to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LocationFailure {
    /// There is no object.
    Missing,
    /// The object is shorter than the catalogue says.
    Shorter,
    /// The object is longer than the catalogue says.
    Longer,
    /// The URL may not be followed, or no store reads it.
    Refused,
    /// The store does not answer in time.
    TimedOut,
    /// The store fails.
    Unavailable,
}

impl LocationFailure {
    /// The value of the label `reason`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Shorter => "shorter",
            Self::Longer => "longer",
            Self::Refused => "refused",
            Self::TimedOut => "timeout",
            Self::Unavailable => "unavailable",
        }
    }
}

/// The transfers of one store in one direction.
#[derive(Debug, Default)]
struct Transfers {
    begun: AtomicU64,
    in_flight: Arc<AtomicU64>,
    bytes: AtomicU64,
}

/// A transfer that goes on, until it is dropped.
#[derive(Debug)]
pub struct Transfer {
    counts: Arc<Transfers>,
    _going: Going,
}

impl Transfer {
    /// So many bytes more have passed.
    pub fn add(&self, bytes: usize) {
        self.counts.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Something that goes on: counted until it is dropped.
#[derive(Debug)]
pub struct Going(Arc<AtomicU64>);

impl Going {
    fn new(count: &Arc<AtomicU64>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// A request begins.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        Request { metrics: self, began: Instant::now(), _going: Going::new(&self.in_flight) }
    }

    /// From now on it is told how `validator` judges tokens.
    pub fn watch(&self, validator: Validator<Caller>) {
        self.validators.lock().unwrap_or_else(PoisonError::into_inner).push(validator);
    }

    /// How many records of this node failed again and again.
    pub fn set_stuck_work(&self, records: u64) {
        self.stuck_work.store(records, Ordering::Relaxed);
    }

    /// A connection begins.
    #[must_use]
    pub fn connection(&self) -> Going {
        Going::new(&self.connections)
    }

    /// A transfer of image data begins.
    #[must_use]
    pub fn transfer(&self, direction: Direction, store: &str) -> Transfer {
        let counts = entry(&self.transfers, (direction, store.to_owned()));
        counts.begun.fetch_add(1, Ordering::Relaxed);
        let going = Going::new(&counts.in_flight);
        Transfer { counts, _going: going }
    }

    /// A location in `store` could not be read.
    pub fn location_failed(&self, store: &str, why: LocationFailure) {
        entry(&self.failed_locations, (store.to_owned(), why)).fetch_add(1, Ordering::Relaxed);
    }
}

fn entry<K: Ord, V: Default>(map: &Mutex<BTreeMap<K, Arc<V>>>, key: K) -> Arc<V> {
    map.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone()
}

/// A request that is being answered.
#[derive(Debug)]
pub struct Request<'a> {
    metrics: &'a Metrics,
    began: Instant,
    _going: Going,
}

impl Request<'_> {
    /// The answer begins. `route` is the path of the table of routes; empty where none matched.
    pub fn answered(self, method: &http::Method, route: &'static str, status: u16) {
        let route = (known_method(method), if route.is_empty() { "none" } else { route });
        entry(&self.metrics.statuses, (route, status)).fetch_add(1, Ordering::Relaxed);
        entry(&self.metrics.requests, route).observe(self.began.elapsed());
    }
}

/// Clients can make up methods without end; names of labels must not.
pub(crate) fn known_method(method: &http::Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

impl Durations {
    fn observe(&self, duration: Duration) {
        let position = BOUNDS.iter().position(|bound| duration <= Duration::from_millis(*bound));
        self.buckets[position.unwrap_or(BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }
}
