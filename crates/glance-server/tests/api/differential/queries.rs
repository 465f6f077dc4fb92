//! Makes up the queries of lists.

use super::random::Random;

/// A query with its question mark, or nothing.
pub(super) fn query(random: &mut Random, known: &[String], second: i64) -> String {
    let mut pairs = Vec::new();
    for _ in 0..random.pick(&[0, 1, 1, 2, 2, 3, 4]) {
        pairs.push(match random.below(10) {
            0..4 => filter(random, known, second),
            4..7 => sorting(random),
            7..9 => page(random, known),
            _ => visibility(random),
        });
    }
    // Of those Python Glance takes the first for what it is and the others for properties.
    for once in ["limit", "member_status", "sort=", "marker", "visibility"] {
        let mut seen = false;
        pairs.retain(|pair: &String| !pair.starts_with(once) || !std::mem::replace(&mut seen, true));
    }
    // Past an image without a size Python Glance pages by comparing numbers with an empty text.
    if pairs.iter().any(|pair| pair.contains("marker")) {
        pairs.retain(|pair| !pair.starts_with("sort") || !pair.contains("size"));
    }
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn filter(random: &mut Random, known: &[String], second: i64) -> String {
    let id = if known.is_empty() { "x".to_owned() } else { random.pick(known) };
    let moment = format!("2026-01-01T{:02}:{:02}:{:02}Z", second / 3600 % 24, second / 60 % 60, random.below(60));
    let op = random.pick(&["gt", "gte", "lt", "lte", "eq", "neq", "like", ""]);
    let time = if op.is_empty() { moment } else { format!("{op}:{moment}") };
    let choices = [
        "name=one".to_owned(),
        "name=in:one,two".to_owned(),
        "name=in:%22a,b%22,one".to_owned(),
        "name=in:%22a,b".to_owned(),
        "name=in:a%22b".to_owned(),
        "name=neq:one".to_owned(),
        "name=a:b".to_owned(),
        "name=".to_owned(),
        format!("id={id}"),
        format!("id=in:{id},x"),
        "status=active".to_owned(),
        "status=in:queued,active".to_owned(),
        "status=in:".to_owned(),
        "status=eq:active".to_owned(),
        "disk_format=raw".to_owned(),
        "disk_format=in:raw,qcow2".to_owned(),
        "container_format=bare".to_owned(),
        "container_format=ne:bare".to_owned(),
        "protected=true".to_owned(),
        "protected=false".to_owned(),
        "protected=True".to_owned(),
        "os_hidden=true".to_owned(),
        "os_hidden=TRUE".to_owned(),
        "os_hidden=maybe".to_owned(),
        "owner=owner".to_owned(),
        "owner=other".to_owned(),
        "tag=a".to_owned(),
        "tag=a&tag=b".to_owned(),
        format!("tag={}", "t".repeat(256)),
        "size_min=1".to_owned(),
        "size_max=7".to_owned(),
        "size_min=x".to_owned(),
        "size_max=-1".to_owned(),
        "size=7".to_owned(),
        "min_ram_min=512".to_owned(),
        "min_ram_max=511".to_owned(),
        "min_disk_min=1".to_owned(),
        "virtual_size_min=1".to_owned(),
        "virtual_size_max=x".to_owned(),
        "colour_min=x".to_owned(),
        "min_ram=512".to_owned(),
        "min_disk=x".to_owned(),
        "colour=red".to_owned(),
        "colour=red&shape=blue".to_owned(),
        "colour=".to_owned(),
        "colour=in:red".to_owned(),
        "checksum=x".to_owned(),
        "deleted=true".to_owned(),
        "changes-since=2026-01-01".to_owned(),
        "changes-since=".to_owned(),
        "colour=%C3%A9".to_owned(),
        "nothing".to_owned(),
        "=x".to_owned(),
        format!("created_at={time}"),
        format!("updated_at={time}"),
        "created_at=gt:yesterday".to_owned(),
        "created_at=gt:0000-01-01".to_owned(),
        "colour=red;shape=blue".to_owned(),
        "updated_at=lt:2026-01-01".to_owned(),
    ];
    random.pick(&choices)
}

fn sorting(random: &mut Random) -> String {
    let key = random.pick(&[
        "name",
        "status",
        "size",
        "id",
        "created_at",
        "updated_at",
        "disk_format",
        "container_format",
        "colour",
    ]);
    let dir = random.pick(&["asc", "desc", "asc", "desc", "up", ""]);
    match random.below(5) {
        0 => format!("sort={key}"),
        1 => format!("sort={key}:{dir},name"),
        2 => format!("sort_key={key}"),
        3 => format!("sort_key={key}&sort_dir={dir}"),
        _ => format!("sort_key={key}&sort_key=id&sort_dir={dir}&sort_dir=asc"),
    }
}

fn page(random: &mut Random, known: &[String]) -> String {
    let huge = "9".repeat(30);
    let limit = random.pick(&["1", "2", "3", "5", "0", "-1", "x", "99", "", "%2B2", "1.5", &huge]);
    if known.is_empty() || random.chance(60) {
        return format!("limit={limit}");
    }
    let marker = if random.chance(92) { random.pick(known) } else { "unknown".to_owned() };
    format!("limit=3&marker={marker}")
}

fn visibility(random: &mut Random) -> String {
    let visibility = random.pick(&["public", "private", "shared", "community", "all", "secret", ""]);
    let status = random.pick(&["accepted", "pending", "rejected", "all", "x"]);
    if random.chance(60) { format!("visibility={visibility}") } else { format!("member_status={status}") }
}
