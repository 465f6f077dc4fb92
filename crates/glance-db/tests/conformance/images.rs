//! Creating, reading and saving one image.

use glance_db::{Database, Kind};
use glance_domain::query::{ImageQuery, Viewer};
use glance_domain::{Image, LocationStatus, Status, Visibility};

use crate::support::{at, full_image, id, image, location, on_every_database, project, unnumbered};

const ADMIN: Viewer = Viewer::Admin(None);

async fn get(database: &Database, image: &Image) -> Image {
    database.get_image(&image.id, &ADMIN).await.unwrap()
}

on_every_database! {
    async fn what_is_created_is_read(database: Database) {
        for image in [image(2), full_image()] {
            database.create_image(&image).await.unwrap();
            assert_eq!(unnumbered(get(&database, &image).await), image);
        }
        assert_eq!(database.get_image(&id("nobody"), &ADMIN).await.unwrap_err().kind(), Kind::NotFound);
    }

    async fn whatever_text_it_holds_is_read_as_it_was_written(database: Database) {
        let mut hostile = image(3);
        let long = "\"\\é\u{1}".repeat(9_000);
        for text in ["\"", "\\", "a\"b\\c", "\\u0041", "line\nbreak\ttab\r", "\u{1}\u{1f}\u{7f}", "</script>", "ﬀ 漢字", "'", "{}", "[1]"] {
            hostile.properties.insert(text.into(), Some(text.into()));
            hostile.tags.insert(text.into());
        }
        hostile.properties.insert("long".into(), Some(long));
        let mut place = location("file:///a%22b?c=\"d\\\"");
        place.metadata.insert("quote\"d\\".into(), "\"\\\n".into());
        hostile.locations = vec![place];
        database.create_image(&hostile).await.unwrap();
        let read = get(&database, &hostile).await;
        assert_eq!(unnumbered(read.clone()), hostile);
        let page = database.list_images(&ImageQuery::new(ADMIN, 1)).await.unwrap();
        assert_eq!(page, [read]);
    }

    async fn much_that_belongs_to_an_image_is_read_whole(database: Database) {
        let mut big = image(4);
        let value = "0123456789abcdef".repeat(1 << 12).split_off(1);
        big.properties = (0..40).map(|number| (format!("property {number}"), Some(value.clone()))).collect();
        database.create_image(&big).await.unwrap();
        assert_eq!(get(&database, &big).await, big);
    }

    async fn an_id_is_used_once(database: Database) {
        let image = image(1);
        database.create_image(&image).await.unwrap();
        assert_eq!(database.create_image(&image).await.unwrap_err().kind(), Kind::Duplicate);
    }

    async fn columns_are_saved_and_cleared(database: Database) {
        let before = full_image();
        database.create_image(&before).await.unwrap();
        let before = get(&database, &before).await;
        let mut after = before.clone();
        after.name = Some("renamed".into());
        after.status = Status::Active;
        after.visibility = Visibility::Public;
        (after.protected, after.hidden) = (false, false);
        (after.owner, after.disk_format, after.container_format) = (None, None, None);
        (after.size, after.virtual_size) = (Some(u64::try_from(i64::MAX).unwrap()), None);
        (after.checksum, after.os_hash_algo, after.os_hash_value) = (None, None, None);
        (after.min_disk, after.min_ram) = (0, 1);
        let saved = database.save_image(&before, &after, at(100)).await.unwrap();
        let expected = Image { updated_at: at(100), ..after };
        assert_eq!(saved, expected);
        assert_eq!(get(&database, &before).await, expected);
    }

    async fn saving_writes_only_what_differs(database: Database) {
        let first = full_image();
        database.create_image(&first).await.unwrap();
        let first = get(&database, &first).await;
        let mut renamed = first.clone();
        renamed.name = Some("mine".into());
        renamed.properties.insert("mine".into(), Some("1".into()));
        let mut tagged = first.clone();
        tagged.min_ram = 7;
        tagged.tags.insert("yours".into());
        tagged.properties.remove("os_distro");
        database.save_image(&first, &renamed, at(100)).await.unwrap();
        let saved = database.save_image(&first, &tagged, at(101)).await.unwrap();
        assert_eq!((saved.name.as_deref(), saved.min_ram), (Some("mine"), 7));
        assert_eq!(saved.properties.get("mine"), Some(&Some("1".into())));
        assert!(!saved.properties.contains_key("os_distro"));
        assert!(saved.tags.contains("yours"));
    }

    async fn a_removed_property_comes_back_in_its_old_row(database: Database) {
        let mut with = image(1);
        with.properties.insert("key".into(), Some("one".into()));
        database.create_image(&with).await.unwrap();
        let without = Image { properties: Default::default(), ..with.clone() };
        let saved = database.save_image(&with, &without, at(100)).await.unwrap();
        assert!(saved.properties.is_empty());
        with.properties.insert("key".into(), Some("two".into()));
        let saved = database.save_image(&without, &with, at(101)).await.unwrap();
        assert_eq!(saved.properties, with.properties);
    }

    async fn many_properties_and_tags(database: Database) {
        let mut many = image(1);
        for number in 0..1200 {
            many.properties.insert(format!("key{number}"), Some("v".repeat(number)));
            many.tags.insert(format!("tag{number}"));
        }
        database.create_image(&many).await.unwrap();
        assert_eq!(get(&database, &many).await, many);
    }

    async fn a_tag_that_two_add_is_there_once(database: Database) {
        let first = image(1);
        database.create_image(&first).await.unwrap();
        let mut tagged = first.clone();
        tagged.tags.insert("tag".into());
        for _ in 0..2 {
            database.save_image(&first, &tagged, at(100)).await.unwrap();
        }
        let saved = database.save_image(&tagged, &first, at(101)).await.unwrap();
        assert!(saved.tags.is_empty());
    }

    async fn locations_are_added_changed_and_removed(database: Database) {
        let first = full_image();
        database.create_image(&first).await.unwrap();
        let first = get(&database, &first).await;
        let mut second = first.clone();
        second.locations.remove(0);
        second.locations[0].url = "file:///moved".into();
        second.locations[0].metadata.insert("store".into(), "slow".into());
        second.locations.push(location("file:///three"));
        let saved = database.save_image(&first, &second, at(100)).await.unwrap();
        assert_eq!(unnumbered(saved.clone()).locations, unnumbered(second.clone()).locations);
        assert_eq!(saved.locations[0].id, first.locations[1].id);
        let mut third = saved.clone();
        third.locations[1].status = LocationStatus::PendingDelete;
        let last = database.save_image(&saved, &third, at(101)).await.unwrap();
        assert_eq!(last.locations, saved.locations[..1]);
        let error = database.save_image(&saved, &third, at(102)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        assert_eq!(get(&database, &first).await.updated_at, at(101));
    }

    async fn saving_expects_the_status_of_before(database: Database) {
        let queued = image(1);
        database.create_image(&queued).await.unwrap();
        let saving = Image { status: Status::Saving, ..queued.clone() };
        database.save_image(&queued, &saving, at(100)).await.unwrap();
        let error = database.save_image(&queued, &saving, at(101)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        let nobody = image(2);
        let error = database.save_image(&nobody, &nobody, at(101)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
    }

    async fn usage_counts_bytes_in_every_location(database: Database) {
        let owner = project("owner");
        assert_eq!(database.owner_usage(&owner).await.unwrap(), 0);
        database.create_image(&Image { size: Some(1000), ..full_image() }).await.unwrap();
        database.create_image(&Image { size: Some(1), ..image(2) }).await.unwrap();
        assert_eq!(database.owner_usage(&owner).await.unwrap(), 2000);
        assert_eq!(database.owner_usage(&project("other")).await.unwrap(), 0);
        assert_eq!(database.owner_image_count(&owner).await.unwrap(), 2);
        assert_eq!(database.owner_image_count(&project("other")).await.unwrap(), 0);
    }

    async fn what_is_under_way_is_counted(database: Database) {
        let owner = project("owner");
        let with = |number, status, size| Image { status, size: Some(size), ..image(number) };
        let mut copying = with(1, Status::Active, 1);
        copying.properties.insert("os_glance_importing_to_stores".into(), Some("slow".into()));
        let mut copied = with(2, Status::Active, 10);
        copied.properties.insert("os_glance_importing_to_stores".into(), Some(String::new()));
        let importing = with(3, Status::Importing, 100);
        let (uploading, saving) = (with(4, Status::Uploading, 1000), with(5, Status::Saving, 10_000));
        for image in [copying, copied, importing, uploading, saving] {
            database.create_image(&image).await.unwrap();
        }
        assert_eq!(database.owner_uploading_count(&owner).await.unwrap(), 4);
        assert_eq!(database.owner_staging_usage(&owner).await.unwrap(), 1101);
    }

    async fn a_postponed_delete_hides_the_image(database: Database) {
        let image = full_image();
        database.create_image(&image).await.unwrap();
        database.postpone_delete(&image.id, at(10)).await.unwrap();
        assert_eq!(database.get_image(&image.id, &ADMIN).await.unwrap_err().kind(), Kind::NotFound);
        assert_eq!(database.postpone_delete(&image.id, at(11)).await.unwrap_err().kind(), Kind::NotFound);
        assert_eq!(database.owner_image_count(&project("owner")).await.unwrap(), 0);
    }

    async fn a_property_is_a_lock(database: Database) {
        let image = image(1);
        database.create_image(&image).await.unwrap();
        for holder in ["one", "two"] {
            database.lock_property(&image.id, "lock", holder, at(1)).await.unwrap();
            let error = database.lock_property(&image.id, "lock", "other", at(1)).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Duplicate);
            assert_eq!(get(&database, &image).await.properties.get("lock"), Some(&Some(holder.into())));
            let error = database.unlock_property(&image.id, "lock", "other").await.unwrap_err();
            assert_eq!(error.kind(), Kind::NotFound);
            database.unlock_property(&image.id, "lock", holder).await.unwrap();
        }
        let mut locked = image.clone();
        locked.properties.insert("lock".into(), Some("old".into()));
        database.save_image(&image, &locked, at(2)).await.unwrap();
        database.save_image(&locked, &image, at(3)).await.unwrap();
        database.lock_property(&image.id, "lock", "again", at(4)).await.unwrap();
    }
}
