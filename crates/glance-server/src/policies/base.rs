//! Rules that others refer to.

use oslo::policy::RuleDefault;

/// The rules.
pub const RULES: &[RuleDefault] = &[
    RuleDefault::new("default", "", "Whatever has no rule of its own."),
    RuleDefault::new("context_is_admin", "role:admin", "Who is an administrator."),
    RuleDefault::new("service_api", "role:service or role:admin", "What other services may do."),
    RuleDefault::new(
        "stores_info_detail",
        "rule:context_is_admin or rule:service_api",
        "Show stores with their details.",
    ),
];
