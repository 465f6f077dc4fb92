//! Uploads that must not be: twice, of another size, of the wrong kind.

use acceptance::data;
use acceptance::http::Framing;
use acceptance::images::upload_request;

use crate::support::Target;

#[test]
fn a_second_upload_is_refused_and_changes_nothing() {
    let target = Target::new();
    let bytes = data::bytes(3, 100_000);
    let id = target.images.create_with_data("once", &bytes);
    let _ = target.images.upload(&id, &data::bytes(4, 200_000)).expect_status(409);
    let download = target.images.download(&id).expect_status(200);
    assert!(download.body == bytes, "the second upload changed the image");
    target.assert_stored(&[&id]);
    let _ = target.images.delete(&id).expect_status(204);
}

#[test]
fn an_upload_beside_a_running_one_is_refused_and_the_running_one_wins() {
    let target = Target::new();
    let bytes = data::bytes(5, 6 << 20);
    let id = target.images.create_raw("race");
    let mut first = target.images.begin_upload(&id, Framing::Length(bytes.len() as u64));
    first.write(&bytes[..3 << 20]).unwrap();
    target.images.wait_for_status(&id, "saving");
    let _ = target.images.upload(&id, &data::bytes(6, 1 << 20)).expect_status(409);
    first.write(&bytes[3 << 20..]).unwrap();
    let _ = first.finish().unwrap().expect_status(204);
    assert!(target.images.download(&id).expect_status(200).body == bytes, "another upload's bytes");
    target.assert_stored(&[&id]);
    let _ = target.images.delete(&id).expect_status(204);
}

#[test]
fn data_of_another_size_than_declared_is_refused() {
    let target = Target::new();
    let bytes = data::bytes(7, 50_000);
    for declared in ["49999", "50001"] {
        let id = target.images.create_raw("size");
        let request = upload_request(&id).header("x-openstack-image-size", declared).body(&bytes);
        let _ = target.endpoint.send(&request).expect_status(400);
        target.images.wait_for_status(&id, "queued");
        assert_eq!(target.images.show(&id)["size"], serde_json::Value::Null);
        target.assert_stored(&[]);
        let _ = target.images.delete(&id).expect_status(204);
    }
    let id = target.images.create_raw("size");
    let request = upload_request(&id).header("x-openstack-image-size", "50000").body(&bytes);
    let _ = target.endpoint.send(&request).expect_status(204);
    let _ = target.images.delete(&id).expect_status(204);
}

#[test]
fn data_in_chunks_of_any_size_arrives_whole() {
    let target = Target::new();
    let bytes = data::bytes(8, 3_000_000);
    let id = target.images.create_raw("chunks");
    let mut upload = target.images.begin_upload(&id, Framing::Chunked);
    let (mut sent, mut random) = (0, data::Random::new(8));
    while sent < bytes.len() {
        let end = bytes.len().min(sent + 1 + random.below(200_000) as usize);
        upload.write(&bytes[sent..end]).unwrap();
        sent = end;
    }
    let _ = upload.finish().unwrap().expect_status(204);
    assert!(target.images.download(&id).expect_status(200).body == bytes, "other bytes");
    let _ = target.images.delete(&id).expect_status(204);
}

#[test]
fn data_of_no_image_or_no_type_is_refused() {
    let target = Target::new();
    let nobody = "00000000-0000-4000-8000-000000000000";
    let _ = target.images.upload(nobody, b"data").expect_status(404);
    let id = target.images.create_raw("typeless");
    let request = acceptance::Request::new("PUT", &format!("/v2/images/{id}/file")).json(&serde_json::json!({}));
    let _ = target.endpoint.send(&request).expect_status(415);
    assert_eq!(target.images.status(&id), "queued");
    let _ = target.images.delete(&id).expect_status(204);
}
