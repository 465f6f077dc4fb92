//! `PUT /v2/images/{id}/file` with data that is not what the image says, or dangerous.

use http::StatusCode;
use serde_json::json;

use crate::support::TestApp;

const LENIENT: &str = "[image_format]\nrequire_image_format_match = False";
const NO_CONTENT: StatusCode = StatusCode::NO_CONTENT;
const REFUSED: StatusCode = StatusCode::UNSUPPORTED_MEDIA_TYPE;

/// A qcow2 header (version 3) for a disk of 64 KiB, with these bytes put in place.
fn qcow2(changes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut data = vec![0; 1024];
    let fixed: [(usize, &[u8]); 4] = [(0, b"QFI\xfb"), (7, &[3]), (23, &[16]), (29, &[1, 0, 0])];
    for (at, bytes) in fixed.iter().chain(changes) {
        data[*at..*at + bytes.len()].copy_from_slice(bytes);
    }
    data
}

fn backing_file() -> Vec<u8> {
    qcow2(&[(14, &[2, 0]), (19, &[11]), (512, b"/etc/shadow")])
}

fn partition_table() -> Vec<u8> {
    let mut disk = vec![0; 4096];
    disk[446..462].copy_from_slice(&[0x80, 1, 1, 0, 0x83, 0xfe, 0xff, 0xff, 0, 8, 0, 0, 0, 8, 0, 0]);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk
}

async fn upload(app: &TestApp, disk_format: &str, container: &str, data: &[u8]) -> (StatusCode, String, String) {
    let id = app.create(&json!({"disk_format": disk_format, "container_format": container})).await;
    let answer = app.upload(&id, data.to_vec()).await;
    let (status, text) = (answer.status, answer.text());
    let expected = if status == NO_CONTENT { "active" } else { "queued" };
    assert_eq!(app.status(&id).await, expected, "{disk_format}: {text}");
    assert_eq!(app.files().contains(&id), status == NO_CONTENT, "{disk_format}: {text}");
    let image = app.get(&format!("/v2/images/{id}")).await.json();
    (status, text, image["virtual_size"].to_string())
}

#[tokio::test]
async fn the_declared_format_and_the_real_one() {
    let strict = TestApp::new().await;
    let lenient = TestApp::with_options(LENIENT).await;
    let plain = b"no disk at all".as_slice();
    let (disk, table) = (qcow2(&[]), partition_table());
    // Declared, data, the answer, the same with `require_image_format_match = False`, the virtual size.
    let cases = [
        ("raw", plain, NO_CONTENT, NO_CONTENT, "14"),
        ("raw", &disk, NO_CONTENT, NO_CONTENT, "1024"),
        ("raw", &table, NO_CONTENT, NO_CONTENT, "4096"),
        ("qcow2", &disk, NO_CONTENT, NO_CONTENT, "65536"),
        ("qcow2", plain, REFUSED, NO_CONTENT, "null"),
        ("qcow2", &table, REFUSED, NO_CONTENT, "null"),
        ("qcow2", &disk[..100], REFUSED, REFUSED, "null"),
        ("vmdk", &disk, REFUSED, NO_CONTENT, "null"),
        ("iso", &disk, REFUSED, NO_CONTENT, "null"),
        ("vhdx", plain, REFUSED, NO_CONTENT, "null"),
        ("vdi", plain, REFUSED, NO_CONTENT, "null"),
        ("ami", plain, NO_CONTENT, NO_CONTENT, "null"),
        ("ami", &disk, REFUSED, NO_CONTENT, "null"),
        ("aki", &table, REFUSED, NO_CONTENT, "null"),
    ];
    for (declared, data, by_default, when_lenient, virtual_size) in cases {
        for (app, expected) in [(&strict, by_default), (&lenient, when_lenient)] {
            let (status, text, size) = upload(app, declared, "bare", data).await;
            assert_eq!(status, expected, "{declared}, {} bytes: {text}", data.len());
            assert_eq!(size, if status == NO_CONTENT { virtual_size } else { "null" }, "{declared}");
        }
    }
}

#[tokio::test]
async fn dangerous_data_is_refused_under_every_name() {
    let flat = b"version=1\ncreateType=\"vmfs\"\nparentCID=1\nRW 1 VMFS \"/etc/shadow\"\n";
    let cowd = [b"COWD".as_slice(), &[0; 508], b"parentFileNameHint=\"/etc/shadow\"\n"].concat();
    let cases: [(&str, &[u8]); 5] = [
        ("OSSA-2015-014", &backing_file()),
        ("OSSA-2024-001", &qcow2(&[(79, &[4])])),
        ("OSSA-2023-002", flat),
        ("COWD with a parent", &cowd),
        ("a short head", &backing_file()[..112]),
    ];
    for app in [TestApp::new().await, TestApp::with_options(LENIENT).await] {
        for (what, data) in &cases {
            for declared in ["raw", "qcow2", "vmdk", "vhd", "iso", "ami", "ploop"] {
                let (status, text, _) = upload(&app, declared, "bare", data).await;
                assert_eq!(status, REFUSED, "{what} as {declared}: {text}");
                assert!(!text.contains("shadow"), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn a_refused_image_takes_other_data() {
    let app = TestApp::new().await;
    let id = app.create(&json!({"disk_format": "qcow2", "container_format": "bare"})).await;
    let refused = app.upload(&id, backing_file()).await;
    assert!(refused.text().contains("Image failed safety checks"), "{}", refused.text());
    assert_eq!(app.upload(&id, qcow2(&[])).await.status, NO_CONTENT);
}

#[tokio::test]
async fn containers_are_not_looked_into() {
    let app = TestApp::new().await;
    let (status, text, _) = upload(&app, "qcow2", "ova", &backing_file()).await;
    assert_eq!(status, NO_CONTENT, "{text}");
}
