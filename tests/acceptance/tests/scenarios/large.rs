//! More data than there is memory.

use acceptance::http::Framing;
use acceptance::{Server, data, images};
use serde_json::json;

const PIECE: usize = 1 << 20;

/// Far more than the buffers of one transfer, far less than any image.
const MEMORY: u64 = 200 << 20;

#[test]
fn a_transfer_takes_the_same_memory_whatever_the_image_s_size() {
    let server = Server::start();
    send_and_get_back(&server, 512 << 20);
}

#[test]
#[ignore = "20 GiB: cargo xtask acceptance --full"]
fn twenty_gibibytes_go_through() {
    let server = Server::start();
    send_and_get_back(&server, 20 << 30);
}

/// Uploads `size` bytes, which are mostly zero, and downloads them again.
fn send_and_get_back(server: &Server, size: u64) {
    let id = images::id_of(&server.images().create(&json!({"disk_format": "raw", "container_format": "bare"})));
    let mut upload = server.images().begin_upload(&id, Framing::Length(size));
    let (zeroes, some) = (vec![0; PIECE], data::bytes(15, PIECE));
    let pieces = size / PIECE as u64;
    for number in 0..pieces {
        // Data at the beginning and then now and again.
        upload.write(if number % 64 == 0 { &some } else { &zeroes }).unwrap();
    }
    let _ = upload.finish().unwrap().expect_status(204);
    let image = server.images().show(&id);
    assert_eq!(image["size"], json!(size));
    server.images().verify(&image);
    let peak = server.peak_memory();
    assert!(peak < MEMORY, "{peak} bytes of memory for one transfer");
    let _ = server.images().delete(&id).expect_status(204);
}
