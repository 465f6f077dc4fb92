//! Ending a transfer that does not succeed: by its own task, or by another process afterwards.

use crate::store::{NewObject, Phase, Store};

use super::{assert_gone, assert_same, begin, context, listed, new_object, noise, ok, read, send, write};

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
    for phase in [Phase::Writing, Phase::Finishing] {
        let new = new_object();
        let mut writer = begin(store, &new).await;
        send(&mut *writer, &noise(2_500_000)).await;
        let journal = writer.journal();
        drop(writer);
        for _ in 0..2 {
            ok(store.abandon(&context(), &new, phase, journal.as_deref()).await, "abandon");
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
    let journal = writer.journal();
    let stored = ok(writer.finish().await, "finish");
    for _ in 0..2 {
        ok(store.abandon(&context(), &new, Phase::Finishing, journal.as_deref()).await, "abandon");
        assert_gone(store, &stored.url).await;
    }
    write_again(store, &new).await;
}

/// While a transfer is writing, an object under the final name is somebody else's.
pub async fn abandoning_while_writing_spares_the_object_of_another(store: &dyn Store) {
    let (new, data) = (new_object(), noise(100_000));
    let dead = NewObject { transfer: new_object().transfer, ..new.clone() };
    let mut writer = begin(store, &dead).await;
    send(&mut *writer, &noise(50)).await;
    let journal = writer.journal();
    drop(writer);
    let stored = write(store, &new, &data).await;
    for _ in 0..2 {
        ok(store.abandon(&context(), &dead, Phase::Writing, journal.as_deref()).await, "abandon");
    }
    assert_same(&read(store, &stored.url, None).await, &data, "the object of another");
    ok(store.delete(&context(), &stored.url).await, "delete");
}

async fn write_again(store: &dyn Store, new: &NewObject) {
    assert!(listed(store, new).await.is_none_or(|count| count == 0), "something is left");
    let data = noise(1000);
    let stored = write(store, new, &data).await;
    assert_same(&read(store, &stored.url, None).await, &data, "the second attempt");
    ok(store.delete(&context(), &stored.url).await, "delete");
}
