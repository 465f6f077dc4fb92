//! The life of the process: restarts, a polite request to stop, an impolite end.

use std::io::Read as _;

use acceptance::http::Framing;
use acceptance::{Request, Server, data, wait};

#[test]
fn everything_is_there_after_a_restart() {
    let mut server = Server::start();
    let bytes = data::bytes(12, 1 << 20);
    let active = server.images().create_with_data("kept", &bytes);
    let queued = server.images().create_raw("not yet");
    let before = server.images().show(&active);
    server.ask_to_stop();
    assert_eq!(server.wait_for_end().code(), Some(0));
    server.start_again();
    let images = server.images();
    assert_eq!(images.show(&active), before);
    images.verify(&before);
    let _ = images.upload(&queued, &bytes).expect_status(204);
}

#[test]
fn a_transfer_that_runs_is_finished_before_the_process_ends() {
    let mut server = Server::start();
    let bytes = data::bytes(13, 24 << 20);
    let stored = server.images().create_with_data("downloaded meanwhile", &bytes);
    let mut download = server.endpoint().open(&Request::new("GET", &format!("/v2/images/{stored}/file")));
    let mut received = vec![0; 1 << 20];
    download.read_exact(&mut received).unwrap();

    let id = server.images().create_raw("uploaded meanwhile");
    let mut upload = server.images().begin_upload(&id, Framing::Length(bytes.len() as u64));
    upload.write(&bytes[..8 << 20]).unwrap();
    server.images().wait_for_status(&id, "saving");

    server.ask_to_stop();
    wait::until("nobody new is let in", || server.endpoint().try_send(&Request::new("GET", "/")).err());
    upload.write(&bytes[8 << 20..]).unwrap();
    let _ = upload.finish().unwrap().expect_status(204);
    download.read_to_end(&mut received).unwrap();
    assert!(received == bytes, "the download is not whole");
    assert_eq!(server.wait_for_end().code(), Some(0));

    server.start_again();
    let image = server.images().show(&id);
    assert_eq!(image["status"], "active");
    server.images().verify(&image);
}

#[test]
fn an_upload_that_a_kill_cut_short_is_queued_again() {
    let mut server = Server::start();
    let bytes = data::bytes(14, 8 << 20);
    let id = server.images().create_raw("cut short");
    let mut upload = server.images().begin_upload(&id, Framing::Length(bytes.len() as u64));
    upload.write(&bytes[..6 << 20]).unwrap();
    server.images().wait_for_status(&id, "saving");
    server.kill();
    server.start_again();
    server.images().wait_for_status(&id, "queued");
    wait::until("the store is empty", || server.stored_files().is_empty().then_some(()));
    let _ = server.images().upload(&id, &bytes).expect_status(204);
    server.images().verify(&server.images().show(&id));
}
