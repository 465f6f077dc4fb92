//! URLs of locations under a key.

use glance_db::{Database, Engine, Kind, Phase, Settings};
use glance_domain::query::{ImageQuery, Viewer};
use glance_domain::{Image, Visibility};

use crate::support::{
    ACTIVATE, Fixture, at, completed, full_image, image, location, node, on_each_engine, raw, unnumbered, upload,
};
use crate::upstream::Upstream;

const KEY: &str = "0123456789abcdef";

fn sealed(fixture: &Fixture) -> Settings {
    Settings { metadata_encryption_key: Some(KEY.into()), ..fixture.settings() }
}

async fn stored(fixture: &Fixture) -> Vec<String> {
    let rows = raw(&fixture.url, "SELECT value FROM image_locations ORDER BY id").await;
    rows.into_iter().map(|mut row| row.remove(0)).collect()
}

async fn urls_are_stored_under_the_key(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let plain = fixture.prepared().await;
    plain.create_image(&Image { locations: vec![location("file:///plain")], ..image(1) }).await.unwrap();
    let database = Database::connect(&sealed(&fixture)).await.unwrap();
    let second = Image { id: image(2).id, visibility: Visibility::Public, ..full_image() };
    database.create_image(&second).await.unwrap();
    let read = database.get_image(&second.id, &Viewer::Admin(None)).await.unwrap();
    assert_eq!(unnumbered(read.clone()), second);
    let mut after = read.clone();
    after.locations[0].url = "file:///moved".into();
    after.locations.push(location("file:///three"));
    let saved = database.save_image(&read, &after, at(9)).await.unwrap();
    let urls: Vec<_> = saved.locations.iter().map(|location| location.url.as_str()).collect();
    assert_eq!(urls, ["file:///moved", "file:///two", "file:///three"]);
    let query = ImageQuery { hidden: true, ..ImageQuery::new(Viewer::Admin(None), 9) };
    let listed = database.list_images(&query).await.unwrap();
    assert_eq!(listed[0].locations, saved.locations);
    let values = stored(&fixture).await;
    assert_eq!(values[0], "file:///plain", "what was there before stays readable");
    assert_eq!(values.iter().filter(|value| value.contains("://")).count(), 1);
    let first = database.get_image(&image(1).id, &Viewer::Admin(None)).await.unwrap();
    assert_eq!(first.locations[0].url, "file:///plain");
    let other = Settings { metadata_encryption_key: Some("another key, 16!".into()), ..fixture.settings() };
    let other = Database::connect(&other).await.unwrap();
    assert_eq!(other.get_image(&second.id, &Viewer::Admin(None)).await.unwrap_err().kind(), Kind::Corrupt);
    other.close().await;
    database.close().await;
    plain.close().await;
    fixture.remove().await;
}

async fn uploads_end_under_the_key(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    fixture.prepared().await.close().await;
    let database = Database::connect(&sealed(&fixture)).await.unwrap();
    let node = node("node");
    database.register_node(&node).await.unwrap();
    database.create_image(&image(1)).await.unwrap();
    let transfer = upload(1, &node);
    database.begin_upload(&transfer, at(2)).await.unwrap();
    database.record_transfer(&transfer.id, Phase::Finishing, None).await.unwrap();
    let image = database.complete_upload(&transfer.id, &completed(), None, ACTIVATE, at(3)).await.unwrap();
    assert_eq!(image.locations[0].url, "file:///data");
    assert!(!stored(&fixture).await[0].contains("file"));
    database.close().await;
    fixture.remove().await;
}

async fn upstream_reads_and_writes_the_same(engine: Engine) {
    let Some(upstream) = Upstream::create(engine).await else { return };
    let database = Database::connect(&sealed(&upstream.fixture)).await.unwrap();
    database.prepare_own_objects().await.unwrap();
    let ours = Image { locations: vec![location("file:///ours größer")], ..image(1) };
    database.create_image(&ours).await.unwrap();
    let seen = upstream.run_with_functions(&format!(
        "from glance.common import crypt\n\
         print(crypt.urlsafe_decrypt('{KEY}', db.image_get(admin, 'image-0001')['locations'][0]['url']))\n\
         db.image_create(admin, dict(id='theirs', status='active', min_disk=0, min_ram=0,\n\
             locations=[{{'url': crypt.urlsafe_encrypt('{KEY}', 'file:///theirs'), 'metadata': {{}}, 'status': 'active'}}]))\n"
    ));
    assert_eq!(seen, "file:///ours größer\n");
    let theirs = database.get_image(&crate::support::id("theirs"), &Viewer::Admin(None)).await.unwrap();
    assert_eq!(theirs.locations[0].url, "file:///theirs");
    database.close().await;
    upstream.fixture.remove().await;
}

on_each_engine!(urls_are_stored_under_the_key uploads_end_under_the_key upstream_reads_and_writes_the_same);
