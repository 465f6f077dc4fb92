//! Reading objects, whoever made them.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;

use crate::error::Kind;
use crate::store::{ByteRange, Store};

use super::{assert_same, context, kind, ok, open, read};

/// Runs all checks of this module that need an object: the one at `url`, which holds `data` (at least 700 000 bytes).
pub async fn run(store: &dyn Store, url: &str, data: &Bytes) {
    the_whole_is_read(store, url, data).await;
    ranges_are_exact(store, url, data).await;
    several_read_at_once(store, url, data).await;
    a_reader_may_leave(store, url, data).await;
    foreign_locations_are_refused(store).await;
    ok(store.health().await, "health");
}

/// Size and data.
pub async fn the_whole_is_read(store: &dyn Store, url: &str, data: &Bytes) {
    assert_eq!(ok(store.size(&context(), url).await, "size"), data.len() as u64);
    assert_same(&read(store, url, None).await, data, "the object");
}

/// Ranges around every size that drivers cut data at, or `NoRandomAccess` from a driver that says it has none.
pub async fn ranges_are_exact(store: &dyn Store, url: &str, data: &Bytes) {
    if !store.capabilities().read_random {
        let range = ByteRange { offset: 1, length: 1 };
        assert_eq!(kind(store.open(&context(), url, Some(range)).await), Some(Kind::NoRandomAccess));
        return;
    }
    let size = data.len();
    for offset in [0, 1, 4095, 4096, 262_143, 262_144, 262_145, size - 1, size] {
        for length in [0, 1, 4096, 262_144, 262_145, size] {
            let end = size.min(offset + length);
            let range = ByteRange { offset: offset as u64, length: (end - offset) as u64 };
            assert_same(&read(store, url, Some(range)).await, &data[offset..end], &format!("{range:?}"));
        }
    }
}

/// Readers do not disturb each other.
pub async fn several_read_at_once(store: &dyn Store, url: &str, data: &Bytes) {
    join_all((0..8).map(|_| async { assert_same(&read(store, url, None).await, data, "one of several readers") }))
        .await;
}

/// A reader that goes away after the first chunk harms nobody.
pub async fn a_reader_may_leave(store: &dyn Store, url: &str, data: &Bytes) {
    for _ in 0..20 {
        let mut object = open(store, url, None).await;
        let first = object.chunks.next().await.unwrap_or_else(|| panic!("no data"));
        assert!(data.starts_with(&ok(first, "the first chunk")));
    }
    the_whole_is_read(store, url, data).await;
}

/// What is not there is `NotFound`, in each operation that the store has.
pub async fn a_missing_object_is_not_found(store: &dyn Store, url: &str) {
    assert_eq!(kind(store.open(&context(), url, None).await), Some(Kind::NotFound), "open");
    assert_eq!(kind(store.size(&context(), url).await), Some(Kind::NotFound), "size");
    let expected = if store.capabilities().delete { Kind::NotFound } else { Kind::ReadOnly };
    assert_eq!(kind(store.delete(&context(), url).await), Some(expected), "delete");
}

/// Locations of other drivers, and nonsense, are `BadLocation` before anything happens.
pub async fn foreign_locations_are_refused(store: &dyn Store) {
    for url in ["", "nonsense", "nosuchscheme://host/object", "://", "\0"] {
        assert!(!store.recognises(url), "{url:?} recognised");
        assert_eq!(kind(store.open(&context(), url, None).await), Some(Kind::BadLocation), "open {url:?}");
        assert_eq!(kind(store.size(&context(), url).await), Some(Kind::BadLocation), "size {url:?}");
    }
}
