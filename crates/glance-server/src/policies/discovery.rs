//! Rules about what the service tells of itself.

use oslo::policy::{DeprecatedRule, RuleDefault};

use super::base::{ADMIN, get, rule};

/// The rules.
pub const RULES: &[RuleDefault] = &[rule(
    "stores_info_detail",
    "rule:context_is_admin or rule:service_api",
    "Show the stores with their details.",
    &[get("/v2/info/stores/detail")],
)
.replaces(DeprecatedRule {
    name: "stores_info_detail",
    check: ADMIN,
    reason: "Other services may ask, too.",
    since: "2025.1",
})];
