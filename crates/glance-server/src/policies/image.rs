//! Rules about images, their data, locations and members.

use oslo::policy::RuleDefault;

use super::base::{
    ADMIN, ADMIN_OR_MEMBER, ADMIN_OR_READER, DEFAULT, SERVICE, before_roles, delete, get, patch, post, put, rule,
};

const CREATE: &str = "rule:context_is_admin or (role:member and project_id:%(project_id)s and project_id:%(owner)s)";
const READ: &str = "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s \
                    or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))";
const DOWNLOAD: &str = "rule:context_is_admin or (role:member and (project_id:%(project_id)s or project_id:%(member_id)s \
                        or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))";
const ADD_LOCATION: &str = "rule:service_api or (role:member and project_id:%(project_id)s and project_id:%(owner)s)";
const READ_MEMBERS: &str =
    "rule:context_is_admin or role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)";
const ANSWER: &str = "rule:context_is_admin or (role:member and project_id:%(member_id)s)";

const IMAGES: &str = "/v2/images";
const IMAGE: &str = "/v2/images/{image_id}";
const FILE: &str = "/v2/images/{image_id}/file";
const LOCATIONS: &str = "/v2/images/{image_id}/locations";
const MEMBERS: &str = "/v2/images/{image_id}/members";
const MEMBER: &str = "/v2/images/{image_id}/members/{member_id}";

/// The rules.
pub const RULES: &[RuleDefault] =
    &[
        rule("add_image", CREATE, "Register an image.", &[post(IMAGES)]).replaces(before_roles(
            "add_image",
            DEFAULT,
            "Wallaby",
        )),
        rule("delete_image", ADMIN_OR_MEMBER, "Delete an image.", &[delete(IMAGE)]).replaces(before_roles(
            "delete_image",
            DEFAULT,
            "Wallaby",
        )),
        rule("get_image", READ, "Show an image.", &[get(IMAGE)]).replaces(before_roles(
            "get_image",
            DEFAULT,
            "Wallaby",
        )),
        rule("get_images", ADMIN_OR_READER, "List images; each of them is asked get_image, too.", &[get(IMAGES)])
            .replaces(before_roles("get_images", DEFAULT, "Wallaby")),
        rule("modify_image", ADMIN_OR_MEMBER, "Change an image.", &[patch(IMAGE)]).replaces(before_roles(
            "modify_image",
            DEFAULT,
            "Wallaby",
        )),
        rule("publicize_image", ADMIN, "Make an image public.", &[patch(IMAGE)]),
        rule("communitize_image", ADMIN_OR_MEMBER, "Offer an image to everybody who knows its id.", &[patch(IMAGE)])
            .replaces(before_roles("communitize_image", DEFAULT, "Wallaby")),
        rule("download_image", DOWNLOAD, "Get the data of an image.", &[get(FILE)]).replaces(before_roles(
            "download_image",
            DEFAULT,
            "Wallaby",
        )),
        rule("download_from_store", DOWNLOAD, "Choose the store that an image's data is read from.", &[get(FILE)]),
        rule("upload_image", ADMIN_OR_MEMBER, "Store the data of an image.", &[put(FILE)]).replaces(before_roles(
            "upload_image",
            DEFAULT,
            "Wallaby",
        )),
        rule("delete_image_location", ADMIN, "Take away a location of an image, with the data there.", &[patch(IMAGE)])
            .replaces(before_roles("delete_image_location", DEFAULT, "Wallaby")),
        rule("get_image_location", ADMIN_OR_READER, "Read the locations of an image.", &[get(IMAGE)])
            .replaces(before_roles("get_image_location", DEFAULT, "Wallaby")),
        rule("set_image_location", ADMIN_OR_MEMBER, "Give an image locations.", &[patch(IMAGE)])
            .replaces(before_roles("set_image_location", DEFAULT, "Wallaby")),
        rule("add_image_location", ADD_LOCATION, "Give a new image its location.", &[post(LOCATIONS)]),
        rule("fetch_image_location", SERVICE, "Read all locations of an image.", &[get(LOCATIONS)]),
        rule("add_member", ADMIN_OR_MEMBER, "Share an image with a project.", &[post(MEMBERS)]).replaces(before_roles(
            "add_member",
            DEFAULT,
            "Wallaby",
        )),
        rule("delete_member", ADMIN_OR_MEMBER, "End the sharing of an image with a project.", &[delete(MEMBER)])
            .replaces(before_roles("delete_member", DEFAULT, "Wallaby")),
        rule("get_member", READ_MEMBERS, "Show a member of an image.", &[get(MEMBER)]).replaces(before_roles(
            "get_member",
            DEFAULT,
            "Wallaby",
        )),
        rule("get_members", READ_MEMBERS, "List the members of an image.", &[get(MEMBERS)]).replaces(before_roles(
            "get_members",
            DEFAULT,
            "Wallaby",
        )),
        rule("modify_member", ANSWER, "Accept or reject an image that is shared.", &[put(MEMBER)])
            .replaces(before_roles("modify_member", DEFAULT, "Wallaby")),
        rule("manage_image_cache", ADMIN, "Manage the image cache.", &[]),
        rule(
            "deactivate",
            ADMIN_OR_MEMBER,
            "Take an image out of use.",
            &[post("/v2/images/{image_id}/actions/deactivate")],
        )
        .replaces(before_roles("deactivate", DEFAULT, "Wallaby")),
        rule(
            "reactivate",
            ADMIN_OR_MEMBER,
            "Put an image back into use.",
            &[post("/v2/images/{image_id}/actions/reactivate")],
        )
        .replaces(before_roles("reactivate", DEFAULT, "Wallaby")),
        rule("copy_image", ADMIN, "Copy the data of an image to more stores.", &[post("/v2/images/{image_id}/import")]),
        rule(
            "list_cached_nodes",
            ADMIN,
            "See which nodes have an image in their cache.",
            &[get("/v2/cache/nodes/{image_id}")],
        ),
    ];
