//! Filters, order and pages.

use std::cmp::Ordering;

use glance_db::{Database, Kind};
use glance_domain::query::{
    EqualField, Filter, ImageQuery, NumberField, SortDir, SortKey, TextField, TimeField, TimeOp, Viewer,
};
use glance_domain::{Image, Status, Visibility};

use crate::support::{at, full_image, id, image, on_every_database, project};

fn query(limit: u64) -> ImageQuery {
    ImageQuery::new(Viewer::Project(project("owner")), limit)
}

async fn names(database: &Database, query: &ImageQuery) -> Vec<String> {
    let images = database.list_images(query).await.unwrap();
    images.into_iter().map(|image| image.id.to_string()).collect()
}

/// Images with NULLs and ties in every column that can be sorted by.
async fn varied(database: &Database) -> Vec<Image> {
    let mut images = Vec::new();
    for number in 0..24_i64 {
        let mut image = image(number);
        let pick = |words: [Option<&str>; 3], by: i64| words[usize::try_from(by % 3).unwrap()].map(String::from);
        image.created_at = at(number / 5);
        image.updated_at = at((number * 7) % 4);
        image.name = pick([None, Some("alpha"), Some("beta")], number);
        image.disk_format = pick([Some("raw"), None, Some("qcow2")], number / 2);
        image.container_format = pick([Some("bare"), Some("ovf"), None], number / 3);
        image.size = (number % 4 != 0).then(|| u64::try_from(number % 4).unwrap());
        image.status = if number % 2 == 0 { Status::Queued } else { Status::Active };
        database.create_image(&image).await.unwrap();
        images.push(image);
    }
    images
}

fn compare(key: SortKey, a: &Image, b: &Image) -> Ordering {
    match key {
        SortKey::Name => a.name.cmp(&b.name),
        SortKey::Status => a.status.as_str().cmp(b.status.as_str()),
        SortKey::ContainerFormat => a.container_format.cmp(&b.container_format),
        SortKey::DiskFormat => a.disk_format.cmp(&b.disk_format),
        SortKey::Size => a.size.cmp(&b.size),
        SortKey::Id => a.id.cmp(&b.id),
        SortKey::CreatedAt => a.created_at.cmp(&b.created_at),
        SortKey::UpdatedAt => a.updated_at.cmp(&b.updated_at),
    }
}

/// The order that is expected: `None` is less than any value in Rust, too.
fn sorted(mut images: Vec<Image>, keys: &[(SortKey, SortDir)]) -> Vec<String> {
    let last = keys.last().unwrap().1;
    images.sort_by(|a, b| {
        let keys = keys.iter().copied().chain([(SortKey::CreatedAt, last), (SortKey::Id, last)]);
        keys.fold(Ordering::Equal, |so_far, (key, direction)| {
            so_far.then_with(|| match direction {
                SortDir::Asc => compare(key, a, b),
                SortDir::Desc => compare(key, b, a),
            })
        })
    });
    images.into_iter().map(|image| image.id.to_string()).collect()
}

async fn paged(database: &Database, mut query: ImageQuery) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let page = names(database, &query).await;
        let Some(last) = page.last() else { return all };
        assert!(page.len() <= usize::try_from(query.limit).unwrap());
        query.marker = Some(id(last));
        all.extend(page);
        assert!(all.len() < 1000, "the pages do not end");
    }
}

async fn check_filters(database: &Database, cases: Vec<(Vec<Filter>, &[&str])>) {
    for (filters, expected) in cases {
        let query = ImageQuery { filters: filters.clone(), sort: vec![(SortKey::Id, SortDir::Asc)], ..query(100) };
        assert_eq!(names(database, &query).await, expected, "{filters:?}");
    }
}

on_every_database! {
    async fn every_order_and_every_page(database: Database) {
        use SortDir::{Asc, Desc};
        let images = varied(&database).await;
        let mut orders = Vec::new();
        for (key, _) in SortKey::ALL {
            orders.extend([vec![(key, Asc)], vec![(key, Desc)]]);
        }
        orders.push(vec![(SortKey::Name, Asc), (SortKey::Size, Desc)]);
        orders.push(vec![(SortKey::DiskFormat, Desc), (SortKey::Name, Desc), (SortKey::UpdatedAt, Asc)]);
        orders.push(vec![(SortKey::Status, Desc), (SortKey::ContainerFormat, Asc), (SortKey::CreatedAt, Desc)]);
        for sort in orders {
            let expected = sorted(images.clone(), &sort);
            for viewer in [Viewer::Project(project("owner")), Viewer::Admin(None)] {
                let query = ImageQuery { viewer, sort: sort.clone(), ..query(7) };
                assert_eq!(paged(&database, query).await, expected, "{sort:?}");
            }
        }
    }

    /// However many images pass a filter, and in whichever order they are wanted.
    async fn filters_that_few_or_many_images_pass(database: Database) {
        let mut images: Vec<_> = (0..600).map(image).collect();
        for (number, image) in images.iter_mut().enumerate() {
            image.name = (number % 7 != 0).then(|| format!("name-{}", number % 50));
            image.visibility = if number % 2 == 0 { Visibility::Public } else { Visibility::Private };
            image.tags.insert("many".into());
            image.properties.insert("many".into(), Some("x".repeat(70)));
            if number % 97 == 0 {
                image.tags.insert("few".into());
                image.properties.insert("few".into(), Some("x".repeat(70) + "y"));
            }
            database.create_image(image).await.unwrap();
        }
        let tag = |name: &str| Filter::Tag(name.into());
        let property = |name: &str, value: &str| Filter::Property(name.into(), value.into());
        let many = [tag("many"), property("many", &"x".repeat(70))];
        let few = [tag("few"), property("few", &("x".repeat(70) + "y"))];
        for filters in [many.to_vec(), few.to_vec(), [many, few.clone()].concat(), vec![few[1].clone()]] {
            let passing = |image: &Image| !filters.contains(&few[1]) || image.tags.contains("few");
            let expected: Vec<_> = images.iter().filter(|image| passing(image)).cloned().collect();
            for sort in [(SortKey::Name, SortDir::Asc), (SortKey::Name, SortDir::Desc), (SortKey::CreatedAt, SortDir::Desc)] {
                for viewer in [Viewer::Project(project("owner")), Viewer::Admin(None)] {
                    let query = ImageQuery { viewer, sort: vec![sort], filters: filters.clone(), ..query(90) };
                    assert_eq!(paged(&database, query).await, sorted(expected.clone(), &[sort]), "{filters:?} {sort:?}");
                }
            }
        }
        let nobody = ImageQuery { filters: vec![property("few", &"x".repeat(70))], ..query(90) };
        assert_eq!(names(&database, &nobody).await, Vec::<String>::new());
        let mut wordy = image(700);
        wordy.properties.insert("few".into(), Some("ö".repeat(5000)));
        database.create_image(&wordy).await.unwrap();
        let wanted = ImageQuery { filters: vec![property("few", &"ö".repeat(5000))], ..query(90) };
        assert_eq!(names(&database, &wanted).await, ["image-0700"]);
    }

    async fn a_list_has_whole_images(database: Database) {
        let mut full = full_image();
        full.hidden = false;
        let mut plain = image(2);
        plain.tags.insert("plain".into());
        database.create_image(&full).await.unwrap();
        database.create_image(&plain).await.unwrap();
        let viewer = Viewer::Project(project("owner"));
        let mut one_by_one = Vec::new();
        for image in [&plain, &full] {
            one_by_one.push(database.get_image(&image.id, &viewer).await.unwrap());
        }
        assert_eq!(database.list_images(&query(10)).await.unwrap(), one_by_one);
    }

    async fn text_and_number_columns(database: Database) {
        let mut first = full_image();
        first.hidden = false;
        first.container_format = Some("ovf".into());
        database.create_image(&first).await.unwrap();
        database.create_image(&image(2)).await.unwrap();
        database.create_image(&image(3)).await.unwrap();
        let text = |field, values: &[&str]| vec![Filter::Text(field, values.iter().map(ToString::to_string).collect())];
        let equal = |field, value: &str| vec![Filter::Equal(field, value.into())];
        let sha = "ab".repeat(64);
        check_filters(&database, vec![
            (text(TextField::Name, &["image-0002"]), &["image-0002"]),
            (text(TextField::Name, &["image-0002", "image-0003", "none"]), &["image-0002", "image-0003"]),
            (text(TextField::Id, &["image-0001"]), &["image-0001"]),
            (text(TextField::Status, &["queued", "active"]), &["image-0001", "image-0002", "image-0003"]),
            (text(TextField::Status, &["deleted"]), &[]),
            (text(TextField::DiskFormat, &["qcow2"]), &["image-0001"]),
            (text(TextField::ContainerFormat, &["ova", "ovf"]), &["image-0001"]),
            (equal(EqualField::Checksum, "d41d8cd98f00b204e9800998ecf8427e"), &["image-0001"]),
            (equal(EqualField::OsHashAlgo, "sha512"), &["image-0001"]),
            (equal(EqualField::OsHashValue, &sha), &["image-0001"]),
            (equal(EqualField::Owner, "owner"), &["image-0001", "image-0002", "image-0003"]),
            (equal(EqualField::Owner, "other"), &[]),
            (equal(EqualField::MinRam, "512"), &["image-0001"]),
            (equal(EqualField::MinDisk, "0"), &["image-0002", "image-0003"]),
            (equal(EqualField::Size, "5000000000000"), &["image-0001"]),
            (equal(EqualField::VirtualSize, "6000000000000"), &["image-0001"]),
            (equal(EqualField::Size, "many"), &[]),
            (vec![Filter::AtLeast(NumberField::Size, 1)], &["image-0001"]),
            (vec![Filter::AtLeast(NumberField::Size, 1), Filter::AtMost(NumberField::Size, 2)], &[]),
            (vec![Filter::AtLeast(NumberField::VirtualSize, 6_000_000_000_000)], &["image-0001"]),
            (vec![Filter::AtLeast(NumberField::MinRam, 512)], &["image-0001"]),
            (vec![Filter::AtMost(NumberField::MinRam, 511)], &["image-0002", "image-0003"]),
            (vec![Filter::AtMost(NumberField::MinDisk, i64::MAX), Filter::AtLeast(NumberField::MinDisk, 1)], &["image-0001"]),
            (vec![Filter::Protected(true)], &["image-0001"]),
            (vec![Filter::Protected(false)], &["image-0002", "image-0003"]),
        ]).await;
    }

    async fn tags_properties_and_times(database: Database) {
        let mut first = full_image();
        first.hidden = false;
        database.create_image(&first).await.unwrap();
        let mut second = image(2);
        second.tags.insert("linux".into());
        second.properties.insert("os_distro".into(), Some("fedora".into()));
        database.create_image(&second).await.unwrap();
        let plain = Image { tags: Default::default(), properties: Default::default(), ..second.clone() };
        let mut third = image(3);
        third.tags = second.tags.clone();
        third.properties = second.properties.clone();
        database.create_image(&third).await.unwrap();
        let third_plain = Image { id: third.id.clone(), name: third.name.clone(), ..plain };
        database.save_image(&third, &third_plain, at(50)).await.unwrap();
        let tag = |tag: &str| Filter::Tag(tag.into());
        let property = |name: &str, value: &str| Filter::Property(name.into(), value.into());
        let time = |field, op, seconds| vec![Filter::Time(field, op, at(seconds))];
        let all: &[_] = &["image-0001", "image-0002", "image-0003"];
        check_filters(&database, vec![
            (vec![tag("linux")], &all[..2]),
            (vec![tag("linux"), tag("größer")], &all[..1]),
            (vec![tag("none")], &[]),
            (vec![property("os_distro", "debian")], &all[..1]),
            (vec![property("os_distro", "fedora"), tag("linux")], &all[1..2]),
            (vec![property("empty", "")], &all[..1]),
            (vec![property("nothing", "")], &[]),
            (vec![property("os_distro", "debian"), property("os_distro", "fedora")], &[]),
            (time(TimeField::CreatedAt, TimeOp::Gt, 2), &all[2..]),
            (time(TimeField::CreatedAt, TimeOp::Gte, 2), &all[1..]),
            (time(TimeField::CreatedAt, TimeOp::Lt, 2), &all[..1]),
            (time(TimeField::CreatedAt, TimeOp::Lte, 2), &all[..2]),
            (time(TimeField::CreatedAt, TimeOp::Eq, 2), &all[1..2]),
            (time(TimeField::CreatedAt, TimeOp::Neq, 3), &all[..2]),
            (time(TimeField::UpdatedAt, TimeOp::Gt, 10), &all[2..]),
        ]).await;
    }

    async fn hidden_images_are_listed_alone(database: Database) {
        database.create_image(&full_image()).await.unwrap();
        database.create_image(&image(2)).await.unwrap();
        assert_eq!(names(&database, &query(10)).await, ["image-0002"]);
        assert_eq!(names(&database, &ImageQuery { hidden: true, ..query(10) }).await, ["image-0001"]);
    }

    async fn killed_images_are_not_listed(database: Database) {
        database.create_image(&Image { status: Status::Killed, ..image(1) }).await.unwrap();
        assert!(names(&database, &query(10)).await.is_empty());
    }

    async fn markers_must_be_known_and_visible(database: Database) {
        database.create_image(&image(1)).await.unwrap();
        let marked = |marker: &str, viewer| ImageQuery { marker: Some(id(marker)), viewer, ..query(10) };
        let other = Viewer::Project(project("other"));
        let error = database.list_images(&marked("nobody", other.clone())).await.unwrap_err();
        assert_eq!(error.kind(), Kind::MarkerUnknown);
        let error = database.list_images(&marked("image-0001", other)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::MarkerInvisible);
        let own = marked("image-0001", Viewer::Project(project("owner")));
        assert!(names(&database, &own).await.is_empty());
        for number in [2, 3] {
            database.create_image(&image(number)).await.unwrap();
        }
        database.postpone_delete(&id("image-0002"), at(50)).await.unwrap();
        let error = database.list_images(&marked("image-0002", own.viewer)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::MarkerUnknown);
        let administrator = marked("image-0002", Viewer::Admin(None));
        assert_eq!(names(&database, &administrator).await, ["image-0001"], "the list goes on where the image was");
        assert!(names(&database, &query(0)).await.is_empty());
    }
}
