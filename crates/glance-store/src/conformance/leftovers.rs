//! Ending a transfer that does not succeed: by its own task, or by another process afterwards.

use crate::store::{NewObject, Phase, Store};

use super::{
    assert_gone, assert_same, attempt, begin, context, listed, new_object, next_attempt, noise, ok, read, send, write,
};

/// After an abort nothing is left, and the image can be written again.
pub async fn aborting_leaves_nothing(store: &dyn Store) {
    let (new, data) = (new_object(), noise(2_500_000));
    let mut writer = begin(store, &new).await;
    send(&mut *writer, &data).await;
    ok(writer.abort().await, "abort");
    ok(begin(store, &new).await.abort().await, "abort without data");
    write_again(store, &new).await;
}

/// What a process that died while writing has left is removed; doing it again is harmless.
pub async fn abandoning_an_unfinished_transfer_leaves_nothing(store: &dyn Store) {
    for phase in [Phase::Writing, Phase::Finishing, Phase::Abandoned] {
        let new = new_object();
        let mut writer = begin(store, &new).await;
        send(&mut *writer, &noise(2_500_000)).await;
        drop(writer);
        for _ in 0..2 {
            ok(store.abandon(&context(), &new, phase, None).await, "abandon");
        }
        write_again(store, &new).await;
    }
    ok(store.abandon(&context(), &new_object(), Phase::Writing, None).await, "abandon what never was");
}

/// An object that is complete, but that nobody has recorded, is removed; doing it again is harmless.
pub async fn abandoning_a_finished_transfer_removes_the_object(store: &dyn Store) {
    let (new, data) = (new_object(), noise(100_000));
    let mut writer = begin(store, &new).await;
    send(&mut *writer, &data).await;
    let stored = ok(writer.finish().await, "finish");
    for _ in 0..2 {
        ok(store.abandon(&context(), &new, Phase::Finishing, None).await, "abandon");
        assert_gone(store, &stored.url).await;
    }
    write_again(store, &new).await;
}

/// While a transfer is writing, or was abandoned before, an object under its name is somebody else's; in any phase if
/// the transfer has not published it.
pub async fn abandoning_spares_the_object_of_another(store: &dyn Store) {
    for phase in [Phase::Writing, Phase::Finishing, Phase::Abandoned] {
        let (new, data) = (new_object(), noise(100_000));
        let dead = NewObject { attempt: attempt(), ..new.clone() };
        let mut writer = begin(store, &dead).await;
        send(&mut *writer, &noise(50)).await;
        drop(writer);
        let stored = write(store, &new, &data).await;
        ok(store.abandon(&context(), &dead, phase, None).await, "abandon");
        if phase != Phase::Finishing {
            ok(store.abandon(&context(), &dead, phase, None).await, "abandon again");
        }
        assert_same(&read(store, &stored.url, None).await, &data, "the object of another");
        ok(store.delete(&context(), &stored.url).await, "delete");
    }
}

/// What is done late to one attempt does not touch the next one.
pub async fn attempts_of_an_image_do_not_meet(store: &dyn Store) {
    let (first, data) = (new_object(), noise(70_000));
    let mut late = begin(store, &first).await;
    send(&mut *late, &noise(60_000)).await;
    let second = next_attempt(&first);
    let stored = write(store, &second, &data).await;
    let published = ok(late.finish().await, "a late publication");
    assert_ne!(published.url, stored.url, "two attempts have one name");
    ok(store.delete(&context(), &published.url).await, "delete");
    ok(store.abandon(&context(), &first, Phase::Finishing, None).await, "a late clean-up");
    assert_same(&read(store, &stored.url, None).await, &data, "the later attempt");
    ok(store.delete(&context(), &stored.url).await, "delete");
}

async fn write_again(store: &dyn Store, new: &NewObject) {
    assert!(listed(store, new).await.is_none_or(|count| count == 0), "something is left");
    let (data, again) = (noise(1000), next_attempt(new));
    let stored = write(store, &again, &data).await;
    assert_same(&read(store, &stored.url, None).await, &data, "the second attempt");
    ok(store.delete(&context(), &stored.url).await, "delete");
}
