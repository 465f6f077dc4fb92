//! What every driver must do, as functions that any store can be given to. They panic where a store fails.
//!
//! Drivers run [`run`] (those that cannot write: the functions of [`reading`]) against the real back end. Objects get
//! random names, so that a store may hold other things and several suites may run at once.

mod leftovers;
pub mod reading;
mod writing;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use glance_domain::ImageId;

use crate::error::{Error, Kind, Result};
use crate::store::{ByteRange, NewObject, NoJournal, Object, Store, StoreContext, StoreWriter, Stored};

pub use leftovers::{
    abandoning_a_finished_transfer_removes_the_object, abandoning_an_unfinished_transfer_leaves_nothing,
    abandoning_spares_the_object_of_another, aborting_leaves_nothing, attempts_of_an_image_do_not_meet,
};
pub use writing::{
    a_duplicate_is_refused_and_the_original_stays, a_race_has_one_winner, an_empty_object_is_an_object,
    hints_may_be_wrong, many_small_chunks_are_one_object, nothing_is_visible_before_finish, objects_are_listed,
    several_are_written_at_once, what_is_written_is_read_and_deleted, zeroes_are_data,
};

/// Runs the whole suite against a store that can write and delete.
pub async fn run(store: &dyn Store) {
    what_is_written_is_read_and_deleted(store).await;
    an_empty_object_is_an_object(store).await;
    hints_may_be_wrong(store).await;
    nothing_is_visible_before_finish(store).await;
    aborting_leaves_nothing(store).await;
    abandoning_an_unfinished_transfer_leaves_nothing(store).await;
    abandoning_a_finished_transfer_removes_the_object(store).await;
    abandoning_spares_the_object_of_another(store).await;
    attempts_of_an_image_do_not_meet(store).await;
    a_duplicate_is_refused_and_the_original_stays(store).await;
    a_race_has_one_winner(store).await;
    several_are_written_at_once(store).await;
    many_small_chunks_are_one_object(store).await;
    zeroes_are_data(store).await;
    objects_are_listed(store).await;

    let (data, new) = (noise(700_001), new_object());
    let stored = write(store, &new, &data).await;
    reading::run(store, &stored.url, &data).await;
    ok(store.delete(&context(), &stored.url).await, "delete");
    reading::a_missing_object_is_not_found(store, &stored.url).await;
}

fn context() -> StoreContext {
    StoreContext::default()
}

/// An object of a new image.
fn new_object() -> NewObject {
    let image = ImageId::random();
    NewObject { name: image.to_string(), image, attempt: attempt(), size_hint: None }
}

/// The next attempt to store the image of `new`, under a name of its own.
fn next_attempt(new: &NewObject) -> NewObject {
    NewObject { name: format!("{}.1", new.image), attempt: attempt(), ..new.clone() }
}

fn attempt() -> String {
    ImageId::random().to_string()
}

/// Bytes without a pattern that a mistake in offsets could hide behind.
fn noise(length: usize) -> Bytes {
    let mut state = length as u64 | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

async fn begin(store: &dyn Store, new: &NewObject) -> Box<dyn StoreWriter> {
    ok(store.begin(&context(), new, Arc::new(NoJournal)).await, "begin")
}

/// Writes `data` in chunks of odd sizes.
async fn send(writer: &mut dyn StoreWriter, data: &Bytes) {
    for start in (0..data.len()).step_by(100_003) {
        let end = data.len().min(start + 100_003);
        ok(writer.write(data.slice(start..end)).await, "write");
    }
}

async fn write(store: &dyn Store, new: &NewObject, data: &Bytes) -> Stored {
    let mut writer = begin(store, new).await;
    send(&mut *writer, data).await;
    ok(writer.finish().await, "finish")
}

async fn open(store: &dyn Store, url: &str, range: Option<ByteRange>) -> Object {
    ok(store.open(&context(), url, range).await, "open")
}

async fn read(store: &dyn Store, url: &str, range: Option<ByteRange>) -> Vec<u8> {
    let object = open(store, url, range).await;
    let length = object.length;
    let data = ok(collect(object).await, "read");
    assert!(
        length.is_none_or(|length| length == data.len() as u64),
        "{length:?} announced, {} bytes given",
        data.len()
    );
    data
}

async fn collect(object: Object) -> Result<Vec<u8>> {
    let append = |mut all: Vec<u8>, chunk: Bytes| async move {
        assert!(!chunk.is_empty(), "an empty chunk");
        all.extend_from_slice(&chunk);
        Ok(all)
    };
    object.chunks.try_fold(Vec::new(), append).await
}

/// Says that `actual` is `expected` without printing megabytes.
fn assert_same(actual: &[u8], expected: &[u8], what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}: length");
    let differs = actual.iter().zip(expected).position(|(a, b)| a != b);
    assert_eq!(differs, None, "{what}: the first byte that differs");
}

async fn assert_gone(store: &dyn Store, url: &str) {
    assert_eq!(kind(store.size(&context(), url).await), Some(Kind::NotFound), "size of what is gone");
    assert_eq!(kind(store.open(&context(), url, None).await), Some(Kind::NotFound), "open what is gone");
}

/// How many objects of `new`'s image the store lists; `None` if it cannot list.
async fn listed(store: &dyn Store, new: &NewObject) -> Option<usize> {
    match store.list(&context()).await {
        Ok(urls) => Some(urls.iter().filter(|url| url.contains(new.image.as_str())).count()),
        Err(error) if error.kind() == Kind::Unsupported => None,
        Err(error) => ok(Err(error), "list"),
    }
}

/// The value, or a panic that says what failed.
fn ok<T>(result: Result<T>, what: &str) -> T {
    result.unwrap_or_else(|error: Error| panic!("{what}: {error:?}"))
}

fn kind<T>(result: Result<T>) -> Option<Kind> {
    result.err().map(|error| error.kind())
}
