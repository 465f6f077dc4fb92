//! Rules about the image cache.

use oslo::policy::RuleDefault;

use super::base::{ADMIN, before_roles, delete, get, post, put, rule};

/// The rules.
pub const RULES: &[RuleDefault] =
    &[
        rule("cache_image", ADMIN, "Queue an image for the cache.", &[put("/v2/cache/{image_id}")])
            .replaces(before_roles("cache_image", "rule:manage_image_cache", "Xena")),
        rule("cache_list", ADMIN, "See what is cached and queued.", &[get("/v2/cache")]).replaces(before_roles(
            "cache_list",
            "rule:manage_image_cache",
            "Xena",
        )),
        rule(
            "cache_delete",
            ADMIN,
            "Remove images from the cache and its queue.",
            &[delete("/v2/cache"), delete("/v2/cache/{image_id}")],
        )
        .replaces(before_roles("cache_delete", "rule:manage_image_cache", "Xena")),
        rule("cache_clean", ADMIN, "Remove broken and abandoned files from the cache.", &[post("/v2/cache/clean")]),
        rule("cache_prune", ADMIN, "Shrink the cache to its limit.", &[post("/v2/cache/prune")]),
    ];
