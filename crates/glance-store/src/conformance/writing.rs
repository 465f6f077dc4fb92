//! Making objects.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;

use crate::error::Kind;
use crate::store::{NewObject, NoJournal, Phase, Store};

use super::{
    assert_gone, assert_same, attempt, begin, context, kind, listed, new_object, noise, ok, read, send, write,
};

/// The way of an object through its whole life, at sizes around those that drivers cut data at.
pub async fn what_is_written_is_read_and_deleted(store: &dyn Store) {
    for length in [1, 4095, 4096, 4097, 262_144, 1_048_576, 3_300_001] {
        let (new, data) = (new_object(), noise(length));
        let stored = write(store, &NewObject { size_hint: Some(length as u64), ..new }, &data).await;
        assert_eq!(stored.bytes, length as u64, "bytes written");
        assert!(!stored.metadata.contains_key("store"), "the registry names the store, not the driver");
        assert!(store.recognises(&stored.url), "the store does not know its own location");
        let scheme = stored.url.split_once(':').map(|(scheme, _)| scheme);
        assert!(scheme.is_some_and(|scheme| store.schemes().contains(&scheme)), "a scheme of another driver");
        assert_eq!(ok(store.size(&context(), &stored.url).await, "size"), length as u64);
        assert_same(&read(store, &stored.url, None).await, &data, "the object");
        ok(store.delete(&context(), &stored.url).await, "delete");
        assert_gone(store, &stored.url).await;
        assert_eq!(kind(store.delete(&context(), &stored.url).await), Some(Kind::NotFound), "delete twice");
    }
}

/// An object of no bytes is there all the same.
pub async fn an_empty_object_is_an_object(store: &dyn Store) {
    let mut writer = begin(store, &new_object()).await;
    ok(writer.write(Bytes::new()).await, "write nothing");
    let stored = ok(writer.finish().await, "finish");
    assert_eq!(stored.bytes, 0);
    assert_eq!(ok(store.size(&context(), &stored.url).await, "size"), 0);
    assert!(read(store, &stored.url, None).await.is_empty());
    ok(store.delete(&context(), &stored.url).await, "delete");
}

/// A size hint promises nothing: more or less may come.
pub async fn hints_may_be_wrong(store: &dyn Store) {
    let data = noise(300_000);
    for size_hint in [Some(0), Some(1), Some(20_000_000), None] {
        let stored = write(store, &NewObject { size_hint, ..new_object() }, &data).await;
        assert_eq!(ok(store.size(&context(), &stored.url).await, "size"), 300_000, "{size_hint:?}");
        assert_same(&read(store, &stored.url, None).await, &data, "the object");
        ok(store.delete(&context(), &stored.url).await, "delete");
    }
}

/// Nobody sees an object before it is finished.
pub async fn nothing_is_visible_before_finish(store: &dyn Store) {
    let (new, data) = (new_object(), noise(3_000_000));
    // The location that the image is going to have, where locations depend on the image alone.
    let earlier = write(store, &new, &data).await;
    ok(store.delete(&context(), &earlier.url).await, "delete");

    let mut writer = begin(store, &new).await;
    send(&mut *writer, &data).await;
    assert_gone(store, &earlier.url).await;
    assert!(listed(store, &new).await.is_none_or(|count| count == 0), "listed before finish");
    let stored = ok(writer.finish().await, "finish");
    assert!(listed(store, &new).await.is_none_or(|count| count == 1), "not listed after finish");
    assert_same(&read(store, &stored.url, None).await, &data, "the object");
    ok(store.delete(&context(), &stored.url).await, "delete");
}

/// An image that has data gets no other data, and keeps what it has.
pub async fn a_duplicate_is_refused_and_the_original_stays(store: &dyn Store) {
    let (new, data) = (new_object(), noise(200_000));
    let stored = write(store, &new, &data).await;
    let again = NewObject { attempt: attempt(), ..new };
    let refused = match store.begin(&context(), &again, Arc::new(NoJournal)).await {
        Err(error) => error.kind(),
        Ok(mut writer) => {
            send(&mut *writer, &noise(100)).await;
            kind(writer.finish().await).unwrap_or_else(|| panic!("a duplicate was accepted"))
        }
    };
    assert_eq!(refused, Kind::Duplicate);
    ok(store.abandon(&context(), &again, Phase::Writing, None).await, "abandon");
    assert_same(&read(store, &stored.url, None).await, &data, "the original");
    ok(store.delete(&context(), &stored.url).await, "delete");
}

/// Of two writers of one image the first to finish wins, and the other one cleans up.
pub async fn a_race_has_one_winner(store: &dyn Store) {
    let (first, data) = (new_object(), noise(150_000));
    let second = NewObject { attempt: attempt(), ..first.clone() };
    let (mut winner, mut loser) = (begin(store, &first).await, begin(store, &second).await);
    send(&mut *loser, &noise(99)).await;
    send(&mut *winner, &data).await;
    let stored = ok(winner.finish().await, "finish");
    assert_eq!(kind(loser.finish().await), Some(Kind::Duplicate), "the second to finish");
    ok(store.abandon(&context(), &second, Phase::Writing, None).await, "abandon");
    assert_same(&read(store, &stored.url, None).await, &data, "the winner's object");
    ok(store.delete(&context(), &stored.url).await, "delete");
    assert!(listed(store, &first).await.is_none_or(|count| count == 0), "the loser left something");
}

/// Writers do not disturb each other.
pub async fn several_are_written_at_once(store: &dyn Store) {
    join_all((1..=4).map(|number| async move {
        let data = noise(number * 400_001);
        let stored = write(store, &new_object(), &data).await;
        assert_same(&read(store, &stored.url, None).await, &data, "one of several");
        ok(store.delete(&context(), &stored.url).await, "delete");
    }))
    .await;
}

/// The size of chunks is the sender's affair.
pub async fn many_small_chunks_are_one_object(store: &dyn Store) {
    let data = noise(250_000);
    let mut writer = begin(store, &new_object()).await;
    let mut rest = data.clone();
    let mut size = 0;
    while !rest.is_empty() {
        size = (size + 7) % 101;
        let chunk = rest.split_to(rest.len().min(size));
        ok(writer.write(chunk).await, "write");
    }
    let stored = ok(writer.finish().await, "finish");
    assert_same(&read(store, &stored.url, None).await, &data, "the object");
    ok(store.delete(&context(), &stored.url).await, "delete");
}

/// Zeroes are read back wherever they are and however they were written.
pub async fn zeroes_are_data(store: &dyn Store) {
    let data = noise(5_001);
    for (before, zeroes, after) in
        [(0, 3_000_017, 0), (1, 1_500_000, 1), (1, 4096, 0), (0, 4095, 1), (1, 0, 1), (0, 0, 0)]
    {
        let mut expected = data.repeat(before);
        expected.extend(vec![0; 2 * zeroes]);
        expected.extend(data.repeat(after));

        let mut writer = begin(store, &new_object()).await;
        ok(writer.write(data.repeat(before).into()).await, "write");
        ok(writer.write_zeroes(zeroes as u64).await, "write zeroes");
        ok(writer.write(vec![0; zeroes].into()).await, "write zeroes as data");
        ok(writer.write(data.repeat(after).into()).await, "write");
        let stored = ok(writer.finish().await, "finish");
        assert_eq!(stored.bytes, expected.len() as u64);
        assert_eq!(ok(store.size(&context(), &stored.url).await, "size"), stored.bytes);
        assert_same(&read(store, &stored.url, None).await, &expected, "data and zeroes");
        ok(store.delete(&context(), &stored.url).await, "delete");
    }
}

/// The listing, where there is one, holds every location once, as it was given.
pub async fn objects_are_listed(store: &dyn Store) {
    let (one, two) = (write(store, &new_object(), &noise(10)).await, write(store, &new_object(), &noise(20)).await);
    if let Ok(urls) = store.list(&context()).await {
        for url in [&one.url, &two.url] {
            assert_eq!(urls.iter().filter(|listed| *listed == url).count(), 1, "in the listing");
        }
    }
    for url in [&one.url, &two.url] {
        ok(store.delete(&context(), url).await, "delete");
    }
}
