//! Rules about images and their data, with Glance's defaults.

use oslo::policy::RuleDefault;

const ADMIN: &str = "rule:context_is_admin";
const ADMIN_OR_MEMBER_OF_OWNER: &str = "rule:context_is_admin or (role:member and project_id:%(project_id)s)";
const ADMIN_OR_READER_OF_OWNER: &str = "rule:context_is_admin or (role:reader and project_id:%(project_id)s)";
const CREATE: &str = "rule:context_is_admin or (role:member and project_id:%(project_id)s and project_id:%(owner)s)";
const READ: &str = "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s \
                    or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))";
const DOWNLOAD: &str = "rule:context_is_admin or (role:member and (project_id:%(project_id)s or project_id:%(member_id)s \
                        or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))";

/// The rules.
pub const RULES: &[RuleDefault] = &[
    RuleDefault::new("add_image", CREATE, "Register an image."),
    RuleDefault::new("get_images", ADMIN_OR_READER_OF_OWNER, "List images."),
    RuleDefault::new("get_image", READ, "Show an image."),
    RuleDefault::new("modify_image", ADMIN_OR_MEMBER_OF_OWNER, "Change an image."),
    RuleDefault::new("delete_image", ADMIN_OR_MEMBER_OF_OWNER, "Delete an image."),
    RuleDefault::new("publicize_image", ADMIN, "Make an image public."),
    RuleDefault::new("communitize_image", ADMIN_OR_MEMBER_OF_OWNER, "Offer an image to everybody who knows its id."),
    RuleDefault::new("upload_image", ADMIN_OR_MEMBER_OF_OWNER, "Store the data of an image."),
    RuleDefault::new("download_image", DOWNLOAD, "Get the data of an image."),
    RuleDefault::new("download_from_store", DOWNLOAD, "Choose the store that an image is read from."),
    RuleDefault::new("deactivate", ADMIN_OR_MEMBER_OF_OWNER, "Take an image out of use."),
    RuleDefault::new("reactivate", ADMIN_OR_MEMBER_OF_OWNER, "Put an image back into use."),
];
