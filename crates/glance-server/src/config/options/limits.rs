//! The options of `[limits]`, this service's own: what is remembered, and how much one request may ask for.

use oslo::config::{Kind, OptionDef};

/// Options that are read at the start.
pub const LIMITS: &[OptionDef] = &[
    limit("cache_time", "Seconds for which limits of Keystone are remembered; 0: not at all.").default("1").min(0),
    limit(
        "transfer_memory",
        "Bytes for the buffers of all transfers together; beyond them, data comes in short pieces.",
    )
    .default("100663296")
    .min(1 << 20),
];

/// Options about single requests.
pub const REQUESTS: &[OptionDef] = &[
    limit("json_size", "Largest JSON document of a request, in bytes.").default("1048576").min(1024).max(64 << 20),
    limit("json_values", "Values of a JSON document: texts, numbers, lists, objects and so on, at all levels.")
        .default("20000")
        .min(100)
        .max(10_000_000),
    limit("list_filters", "Filters of one list of images.").default("128").min(1).max(2000),
    limit("list_values", "Values behind in: of all filters of one list.").default("1000").min(1).max(10_000),
];

const fn limit(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new("limits", name, Kind::Int, help)
}
