//! The data folder is not there, or another one is there in its place: nothing is lost and nothing is taken for empty.

use std::fs;

use acceptance::{Server, data, wait};

/// The status of a deletion whose data cannot be reached: the image is gone, and its data goes later.
const DELETED: u16 = 204;

#[test]
fn a_folder_that_is_not_mounted_is_not_an_empty_one() {
    let mut server = Server::start();
    let bytes = data::bytes(1, 100_000);
    let images = server.images();
    let [kept, deleted] = ["kept", "deleted"].map(|name| images.create_with_data(name, &bytes));
    let empty = ["first", "second"].map(|name| images.create_raw(name));
    let (folder, mounted) = (server.data_dir().join("images"), server.data_dir().join("elsewhere"));
    fs::rename(&folder, &mounted).unwrap();
    fs::create_dir(&folder).unwrap();
    for (round, empty) in empty.iter().enumerate() {
        if round > 0 {
            server.kill();
            server.start_again();
        }
        let images = server.images();
        let _ = images.download(&kept).expect_status(503);
        let _ = images.upload(empty, &bytes).expect_status(503);
        assert_eq!(server.stored_files(), [""; 0], "nothing is written in the other folder");
        let (code, said) = server.manage(&["store", "audit"]);
        assert!(code == Some(3) && said.contains("store adopt"), "{code:?} {said}");
    }
    let _ = server.images().delete(&deleted).expect_status(DELETED);
    let (_, records) = server.manage(&["work", "list"]);
    assert!(records.contains("removal") && records.contains(&deleted), "{records}");

    fs::remove_dir_all(&folder).unwrap();
    fs::rename(&mounted, &folder).unwrap();
    let images = server.images();
    assert_eq!(images.download(&kept).expect_status(200).body, bytes);
    for empty in &empty {
        // What was begun is undone as soon as the folder can be looked into.
        images.wait_for_status(empty, "queued");
        let _ = images.upload(empty, &bytes).expect_status(204);
    }
    wait::until("the data of the deleted image is removed", || {
        (!server.stored_files().contains(&deleted)).then_some(())
    });
    let (code, said) = server.manage(&["store", "audit"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = server.manage(&["store", "scrub"]);
    assert_eq!(code, Some(0), "{said}");
}
