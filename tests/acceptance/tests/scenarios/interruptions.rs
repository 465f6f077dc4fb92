//! Clients that vanish.

use acceptance::http::Framing;
use acceptance::{Request, data, wait};

use crate::support::Target;

#[test]
fn an_upload_that_breaks_off_leaves_a_queued_image_and_no_file() {
    let target = Target::new();
    let bytes = data::bytes(9, 8 << 20);
    for (framing, sent) in
        [(Framing::Length(bytes.len() as u64), 5 << 20), (Framing::Chunked, 5 << 20), (Framing::Length(1 << 40), 1)]
    {
        let id = target.images.create_raw("broken off");
        let mut upload = target.images.begin_upload(&id, framing);
        upload.write(&bytes[..sent]).unwrap();
        target.images.wait_for_status(&id, "saving");
        drop(upload);
        target.images.wait_for_status(&id, "queued");
        wait_for_no_file(&target);
        // Nothing of the first attempt is in the way of the next.
        let _ = target.images.upload(&id, &bytes).expect_status(204);
        assert!(target.images.download(&id).expect_status(200).body == bytes, "other bytes");
        let _ = target.images.delete(&id).expect_status(204);
        target.assert_stored(&[]);
    }
}

#[test]
fn an_image_that_is_deleted_during_its_upload_leaves_no_file() {
    let target = Target::new();
    let bytes = data::bytes(10, 6 << 20);
    let id = target.images.create_raw("deleted");
    let mut upload = target.images.begin_upload(&id, Framing::Length(bytes.len() as u64));
    upload.write(&bytes[..4 << 20]).unwrap();
    target.images.wait_for_status(&id, "saving");
    let _ = target.images.delete(&id).expect_status(204);
    // The server may refuse the rest; what counts is its answer.
    let _ = upload.write(&bytes[4 << 20..]);
    let _ = upload.finish().unwrap().expect_status(410);
    wait_for_no_file(&target);
    let show = target.endpoint.send(&Request::new("GET", &format!("/v2/images/{id}")));
    assert_eq!(show.status, 404);
}

#[test]
fn a_download_that_breaks_off_harms_nobody() {
    let target = Target::new();
    let bytes = data::bytes(11, 32 << 20);
    let id = target.images.create_with_data("downloads", &bytes);
    for _ in 0..8 {
        let receiving = target.endpoint.open(&Request::new("GET", &format!("/v2/images/{id}/file")));
        assert_eq!(receiving.status, 200);
        drop(receiving);
    }
    assert!(target.images.download(&id).expect_status(200).body == bytes, "other bytes");
    let _ = target.images.delete(&id).expect_status(204);
}

fn wait_for_no_file(target: &Target) {
    if let Some(server) = &target.server {
        wait::until("the store is empty", || server.stored_files().is_empty().then_some(()));
    }
}
