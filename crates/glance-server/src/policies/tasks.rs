//! Rules about tasks. Only `tasks_api_access` is ever asked; the others are known so that old files stay valid.

use oslo::policy::{DeprecatedRule, RuleDefault};

use super::base::{ADMIN, DEFAULT, delete, get, post, rule};

const TASKS: &str = "/v2/tasks";
const TASK: &str = "/v2/tasks/{task_id}";

/// The rules.
pub const RULES: &[RuleDefault] = &[
    rule("get_task", DEFAULT, "Not asked: see tasks_api_access.", &[get(TASK)]).replaces(unasked("get_task")),
    rule("get_tasks", DEFAULT, "Not asked: see tasks_api_access.", &[get(TASKS)]).replaces(unasked("get_tasks")),
    rule("add_task", DEFAULT, "Not asked: see tasks_api_access.", &[post(TASKS)]).replaces(unasked("add_task")),
    rule("modify_task", DEFAULT, "Not asked.", &[delete(TASK)])
        .deprecated_for_removal("No part of the API has ever asked this rule."),
    rule(
        "tasks_api_access",
        ADMIN,
        "Use the tasks API at all: see tasks and create them.",
        &[get(TASK), get(TASKS), post(TASKS), delete(TASK)],
    ),
];

const fn unasked(name: &'static str) -> DeprecatedRule {
    DeprecatedRule { name, check: DEFAULT, reason: "tasks_api_access decides alone.", since: "Xena" }
}
