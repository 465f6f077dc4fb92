//! Who sees what, by id and in lists.

use std::collections::BTreeSet;

use glance_db::{Database, Kind};
use glance_domain::query::{ImageQuery, MemberStatusFilter, Viewer, VisibilityFilter};
use glance_domain::{Image, Member, MemberStatus, Visibility};

use crate::support::{at, id, image, on_every_database, project};

/// The images, named after owner and visibility; `mia` is a member of three shared images of `ann`.
async fn scene(database: &Database) {
    let mut number = 0;
    let mut add = async |name: &str, owner: Option<&str>, visibility| {
        number += 1;
        let mut image = Image { id: id(name), ..image(number) };
        image.owner = owner.map(project);
        image.visibility = visibility;
        database.create_image(&image).await.unwrap();
    };
    for (owner, prefix) in [(Some("ann"), "ann"), (Some("mia"), "mia"), (None, "none")] {
        add(&format!("{prefix}-public"), owner, Visibility::Public).await;
        add(&format!("{prefix}-private"), owner, Visibility::Private).await;
        add(&format!("{prefix}-shared"), owner, Visibility::Shared).await;
        add(&format!("{prefix}-community"), owner, Visibility::Community).await;
    }
    add("ann-accepted", Some("ann"), Visibility::Shared).await;
    add("ann-pending", Some("ann"), Visibility::Shared).await;
    add("ann-rejected", Some("ann"), Visibility::Shared).await;
    add("ann-left", Some("ann"), Visibility::Shared).await;
    for (image, status) in [
        ("ann-accepted", MemberStatus::Accepted),
        ("ann-pending", MemberStatus::Pending),
        ("ann-rejected", MemberStatus::Rejected),
        ("ann-left", MemberStatus::Accepted),
        // Members of images that are not shared mean nothing.
        ("ann-private", MemberStatus::Accepted),
        ("ann-public", MemberStatus::Accepted),
    ] {
        let (created_at, updated_at) = (at(0), at(0));
        let member = Member { image: id(image), project: project("mia"), status, created_at, updated_at };
        database.add_member(&member, None).await.unwrap();
    }
    database.delete_member(&id("ann-left"), &project("mia"), at(1)).await.unwrap();
}

async fn listed(database: &Database, query: ImageQuery) -> BTreeSet<String> {
    let images = database.list_images(&query).await.unwrap();
    let names: BTreeSet<_> = images.iter().map(|image| image.id.to_string()).collect();
    assert_eq!(names.len(), images.len(), "an image is listed twice");
    names
}

fn set(names: &str) -> BTreeSet<String> {
    names.split_whitespace().map(String::from).collect()
}

const PUBLIC: &str = "ann-public mia-public none-public";
const COMMUNITY: &str = "ann-community mia-community none-community";

fn mia() -> Viewer {
    Viewer::Project(project("mia"))
}

on_every_database! {
    async fn by_id(database: Database) {
        scene(&database).await;
        let all = set("ann-public ann-private ann-shared ann-community ann-accepted ann-pending ann-rejected ann-left \
            mia-public mia-private mia-shared mia-community none-public none-private none-shared none-community");
        let open = format!("{PUBLIC} {COMMUNITY} none-private none-shared");
        let seen_by = [
            (Viewer::Admin(None), all.clone()),
            (Viewer::Admin(Some(project("zoe"))), all.clone()),
            (Viewer::Anonymous, set(&open)),
            (Viewer::Project(project("zoe")), set(&open)),
            (mia(), set(&format!("{open} mia-private mia-shared ann-accepted ann-pending ann-rejected"))),
        ];
        for (viewer, seen) in seen_by {
            for name in &all {
                let result = database.get_image(&id(name), &viewer).await;
                let visible = result.as_ref().map(|_| true).or_else(|error| {
                    if error.kind() == Kind::NotFound { Ok(false) } else { Err(error) }
                });
                assert_eq!(visible.unwrap(), seen.contains(name), "{viewer:?} {name}");
            }
        }
    }

    async fn the_viewers_membership_is_told(database: Database) {
        scene(&database).await;
        let member = async |name, viewer: &Viewer| database.get_image(&id(name), viewer).await.unwrap().member;
        assert_eq!(member("ann-pending", &mia()).await, Some(project("mia")));
        assert_eq!(member("mia-shared", &mia()).await, None);
        assert_eq!(member("ann-pending", &Viewer::Project(project("ann"))).await, None);
        let images = database.list_images(&ImageQuery::new(mia(), 100)).await.unwrap();
        let accepted = images.iter().find(|image| image.id == id("ann-accepted")).unwrap();
        assert_eq!(accepted.member, Some(project("mia")));
    }

    async fn in_lists(database: Database) {
        use Visibility::{Community, Private, Public, Shared};
        use VisibilityFilter::{All, Default, Only};
        scene(&database).await;
        let private = "ann-private mia-private none-private";
        let shared = "ann-shared mia-shared none-shared ann-accepted ann-pending ann-rejected ann-left";
        let (admin, admin_mia) = (Viewer::Admin(None), Viewer::Admin(Some(project("mia"))));
        let zoe = Viewer::Project(project("zoe"));
        let cases = [
            (&admin, Default, format!("{PUBLIC} {private} {shared}")),
            (&admin_mia, Default, format!("{PUBLIC} {private} {shared} mia-community")),
            (&admin, All, format!("{PUBLIC} {private} {shared} {COMMUNITY}")),
            (&admin, Only(Private), private.into()),
            (&admin, Only(Shared), shared.into()),
            (&admin, Only(Community), COMMUNITY.into()),
            (&Viewer::Anonymous, Default, PUBLIC.into()),
            (&Viewer::Anonymous, All, format!("{PUBLIC} {COMMUNITY}")),
            (&Viewer::Anonymous, Only(Private), String::new()),
            (&Viewer::Anonymous, Only(Shared), String::new()),
            (&zoe, Default, PUBLIC.into()),
            (&zoe, All, format!("{PUBLIC} {COMMUNITY}")),
            (&zoe, Only(Shared), String::new()),
            (&mia(), Default, format!("{PUBLIC} mia-private mia-shared mia-community ann-accepted")),
            (&mia(), All, format!("{PUBLIC} {COMMUNITY} mia-private mia-shared ann-accepted")),
            (&mia(), Only(Public), PUBLIC.into()),
            (&mia(), Only(Private), "mia-private".into()),
            (&mia(), Only(Shared), "mia-shared ann-accepted".into()),
            (&mia(), Only(Community), COMMUNITY.into()),
        ];
        for (viewer, visibility, expected) in cases {
            let query = ImageQuery { visibility, ..ImageQuery::new(viewer.clone(), 100) };
            assert_eq!(listed(&database, query).await, set(&expected), "{viewer:?} {visibility:?}");
        }
    }

    async fn by_member_status(database: Database) {
        scene(&database).await;
        let only = MemberStatusFilter::Only;
        for (member_status, expected) in [
            (only(MemberStatus::Accepted), "mia-shared ann-accepted"),
            (only(MemberStatus::Pending), "mia-shared ann-pending"),
            (only(MemberStatus::Rejected), "mia-shared ann-rejected"),
            (MemberStatusFilter::All, "mia-shared ann-accepted ann-pending ann-rejected"),
        ] {
            let visibility = VisibilityFilter::Only(Visibility::Shared);
            let query = ImageQuery { member_status, visibility, ..ImageQuery::new(mia(), 100) };
            assert_eq!(listed(&database, query).await, set(expected), "{member_status:?}");
        }
    }

    async fn merged_pages_leave_nothing_out(database: Database) {
        scene(&database).await;
        let everything = ImageQuery { visibility: VisibilityFilter::All, ..ImageQuery::new(mia(), 100) };
        let expected: Vec<_> = database.list_images(&everything).await.unwrap();
        let mut page = ImageQuery { limit: 2, ..everything };
        let mut found = Vec::new();
        loop {
            let images = database.list_images(&page).await.unwrap();
            let Some(last) = images.last() else { break };
            page.marker = Some(last.id.clone());
            found.extend(images);
        }
        assert_eq!(found, expected);
    }
}
