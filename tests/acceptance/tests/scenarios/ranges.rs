//! Parts of an image.

use acceptance::{Request, data};

use crate::support::Target;

const SIZE: usize = 1_000_000;

#[test]
fn parts_of_an_image_are_exactly_those_bytes() {
    let target = Target::new();
    let bytes = data::bytes(1, SIZE);
    let id = target.images.create_with_data("ranges", &bytes);
    let cases = [
        ("bytes=0-0", 0..1),
        ("bytes=0-99", 0..100),
        ("bytes=262143-262145", 262_143..262_146),
        ("bytes=500000-", 500_000..SIZE),
        ("bytes=-1", SIZE - 1..SIZE),
        ("bytes=-70000", SIZE - 70_000..SIZE),
        ("bytes=999999-2000000", SIZE - 1..SIZE),
        ("bytes=-2000000", 0..SIZE),
    ];
    for (range, expected) in cases {
        let part = target.endpoint.send(&get(&id).header("Range", range));
        assert_eq!(part.status, 206, "{range}: {}", part.text());
        assert!(part.body == bytes[expected.clone()], "{range}: other bytes");
        let told = format!("bytes {}-{}/{SIZE}", expected.start, expected.end - 1);
        assert_eq!(part.header("content-range"), Some(told.as_str()), "{range}");
    }
    let _ = target.images.delete(&id).expect_status(204);
}

#[test]
fn parts_that_cannot_be_are_refused() {
    let target = Target::new();
    let id = target.images.create_with_data("ranges", &data::bytes(2, SIZE));
    let cases =
        [("bytes=1000000-", 416), ("bytes=5-4", 416), ("bytes=x-y", 416), ("lines=1-2", 416), ("bytes=0-1,4-5", 400)];
    for (range, status) in cases {
        let answer = target.endpoint.send(&get(&id).header("Range", range));
        assert_eq!(answer.status, status, "{range}: {}", answer.text());
    }
    let _ = target.images.delete(&id).expect_status(204);
}

#[test]
fn an_empty_image_is_an_image() {
    let target = Target::new();
    let id = target.images.create_with_data("empty", b"");
    let image = target.images.show(&id);
    assert_eq!((&image["status"], &image["size"]), (&"active".into(), &0.into()));
    assert_eq!(target.images.download(&id).expect_status(200).body, b"");
    let _ = target.images.delete(&id).expect_status(204);
}

fn get(id: &str) -> Request {
    Request::new("GET", &format!("/v2/images/{id}/file"))
}
