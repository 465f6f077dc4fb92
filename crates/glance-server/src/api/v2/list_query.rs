//! The query language of `GET /v2/images` (`glance-behaviour` part 1.2.2).

mod sorting;

use std::collections::BTreeMap;

use glance_domain::query::{
    EqualField, Filter, ImageQuery, MemberStatusFilter, NumberField, TextField, TimeField, TimeOp, VisibilityFilter,
};
use glance_domain::{ImageId, Timestamp};

use self::sorting::sorting;
use crate::api::extract::QueryParams;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};
use crate::config::Limits;

/// A list that was asked for.
pub struct ListRequest {
    /// What to look up.
    pub query: ImageQuery,
    /// The parameters for the links `first` and `next`: the last value of each name with the position of its first,
    /// without the marker.
    pub params: BTreeMap<String, (usize, String)>,
    /// What is wrong with a filter. Who may not list at all is told that first.
    pub late: Option<Error>,
}

/// Parameters that are read on their own; everything else is a filter.
const NOT_FILTERS: [&str; 9] =
    ["limit", "marker", "member_status", "sort", "sort_key", "sort_dir", "tag", "deleted", "visibility"];

impl ListRequest {
    /// Reads the parameters. Of a parameter that is given more than once the first counts, of a filter the last.
    ///
    /// # Errors
    /// `Invalid` that names the parameter; of several, the first in Glance's order, after there being too many.
    pub fn parse(params: &QueryParams, ctx: &RequestContext) -> Result<Self> {
        check_count(params, &ctx.config.limits)?;
        let mut query = ImageQuery::new(ctx.viewer(), ctx.config.api.limit_param_default);
        let mut seen: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for (position, (name, value)) in params.0.iter().enumerate() {
            let first = seen.get(name).map_or(position, |(first, _)| *first);
            seen.insert(name.clone(), (first, value.clone()));
        }
        seen.remove("marker");
        let last = |name: &str| seen.get(name).map(|(_, value)| value.as_str());
        match last("visibility") {
            // Glance looks for images of no visibility at all.
            Some("") => query.filters.push(Filter::Text(TextField::Id, Vec::new())),
            Some(text) => query.visibility = visibility(text)?,
            None => {}
        }
        if last("changes-since").is_some_and(|text| !text.is_empty()) {
            return Err(invalid("The \"changes-since\" filter is no longer available on v2.".into()));
        }
        if let Some(status) = first(params, "member_status") {
            query.member_status = member_status(status)?;
        }
        if let Some(text) = first(params, "limit") {
            query.limit = limit(text)?;
        }
        query.limit = query.limit.min(ctx.config.api.limit_max);
        query.sort = sorting(params)?;
        if let Some(text) = last("os_hidden") {
            query.hidden = flag("os_hidden", &text.to_lowercase())?;
        }
        if let Some(text) = last("protected") {
            query.filters.push(Filter::Protected(flag("protected", text)?));
        }
        query.filters.extend(all(params, "tag").map(|tag| Filter::Tag(tag.to_owned())));
        let late = filters(&mut query, &seen, &ctx.config.limits)
            .and_then(|()| first(params, "marker").map(marker).transpose());
        let late = late.map(|marker| query.marker = marker).err();
        Ok(Self { query, params: seen, late })
    }
}

/// Refuses more filters than one query may have: each costs the database a condition or a subquery.
fn check_count(params: &QueryParams, limits: &Limits) -> Result<()> {
    let is_filter = |name: &str| matches!(name, "tag" | "visibility") || !NOT_FILTERS.contains(&name);
    let count = params.0.iter().filter(|(name, _)| is_filter(name)).count();
    if count <= limits.list_filters {
        return Ok(());
    }
    Err(invalid(format!("A list may have at most {} filters.", limits.list_filters)))
}

/// Takes over the filters that say nothing wrong.
fn filters(query: &mut ImageQuery, seen: &BTreeMap<String, (usize, String)>, limits: &Limits) -> Result<()> {
    let mut values = 0;
    let taken = |name: &str| NOT_FILTERS.contains(&name) || matches!(name, "os_hidden" | "protected" | "changes-since");
    let mut ordered: Vec<_> = seen.iter().filter(|(name, _)| !taken(name)).collect();
    ordered.sort_by_key(|(_, (position, _))| *position);
    for (name, (_, value)) in ordered {
        let filter = filter(name, value)?;
        if let Filter::Text(_, list) = &filter {
            values += list.len();
        }
        if values > limits.list_values {
            return Err(invalid(format!("The filters of a list may have at most {} values.", limits.list_values)));
        }
        query.filters.push(filter);
    }
    Ok(())
}

fn first<'a>(params: &'a QueryParams, name: &str) -> Option<&'a str> {
    params.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn all<'a>(params: &'a QueryParams, name: &'a str) -> impl Iterator<Item = &'a str> {
    params.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
}

fn marker(text: &str) -> Result<ImageId> {
    ImageId::parse(text).map_err(|_| invalid(format!("No image found with ID {text}")))
}

fn limit(value: &str) -> Result<u64> {
    let number = whole_number(value).ok_or_else(|| invalid("limit param must be an integer".into()))?;
    u64::try_from(number).map_err(|_| invalid("limit param must be positive".into()))
}

fn visibility(value: &str) -> Result<VisibilityFilter> {
    match value {
        "all" => Ok(VisibilityFilter::All),
        _ => {
            value.parse().map(VisibilityFilter::Only).map_err(|_| invalid(format!("Invalid visibility value: {value}")))
        }
    }
}

fn member_status(value: &str) -> Result<MemberStatusFilter> {
    match value {
        "all" => Ok(MemberStatusFilter::All),
        _ => value.parse().map(MemberStatusFilter::Only).map_err(|_| invalid(format!("Invalid status: {value}"))),
    }
}

fn flag(name: &str, value: &str) -> Result<bool> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(format!("Invalid value '{value}' for '{name}' filter. Valid values are 'true' or 'false'."))),
    }
}

fn filter(name: &str, value: &str) -> Result<Filter> {
    let text = |field| in_list(value).map(|values| Filter::Text(field, values));
    let equal = |field| Ok(Filter::Equal(field, value.to_owned()));
    match name {
        "name" => text(TextField::Name),
        "id" => text(TextField::Id),
        "status" => text(TextField::Status),
        "container_format" => text(TextField::ContainerFormat),
        "disk_format" => text(TextField::DiskFormat),
        "created_at" => time(TimeField::CreatedAt, name, value),
        "updated_at" => time(TimeField::UpdatedAt, name, value),
        "checksum" => equal(EqualField::Checksum),
        "os_hash_algo" => equal(EqualField::OsHashAlgo),
        "os_hash_value" => equal(EqualField::OsHashValue),
        "owner" => equal(EqualField::Owner),
        "min_disk" => equal(EqualField::MinDisk),
        "min_ram" => equal(EqualField::MinRam),
        "size" => equal(EqualField::Size),
        "virtual_size" => equal(EqualField::VirtualSize),
        _ => range(name, value).unwrap_or_else(|| Ok(Filter::Property(name.to_owned(), value.to_owned()))),
    }
}

/// `size_min=1` and the like; of an attribute that is no number, it is a property like any other, but for its value.
fn range(name: &str, value: &str) -> Option<Result<Filter>> {
    let (attribute, compare) = match (name.strip_suffix("_min"), name.strip_suffix("_max")) {
        (Some(attribute), _) => (attribute, Filter::AtLeast as fn(NumberField, i64) -> Filter),
        (None, Some(attribute)) => (attribute, Filter::AtMost as fn(NumberField, i64) -> Filter),
        (None, None) => return None,
    };
    let Some(bound) = whole_number(value) else {
        return Some(Err(invalid("Unable to filter on a range with a non-numeric value.".into())));
    };
    let field = match attribute {
        "size" => NumberField::Size,
        "virtual_size" => NumberField::VirtualSize,
        "min_disk" => NumberField::MinDisk,
        "min_ram" => NumberField::MinRam,
        _ => return None,
    };
    Some(Ok(compare(field, bound)))
}

/// A number of any length; one that is too large to be counted is taken for the largest that is not.
fn whole_number(text: &str) -> Option<i64> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    match text.trim().parse::<i64>() {
        Ok(number) => Some(number),
        Err(error) if *error.kind() == PosOverflow => Some(i64::MAX),
        Err(error) if *error.kind() == NegOverflow => Some(i64::MIN),
        Err(_) => None,
    }
}

/// An operator and what follows it; without one, `eq`. A moment has colons and no operator.
fn operator(value: &str) -> (&str, &str) {
    match value.split_once(':') {
        Some(parts) if Timestamp::parse_iso(value).is_none() => parts,
        _ => ("eq", value),
    }
}

/// `in:a,"b,c",d`, `eq:a` or a plain value; any other operator is refused.
fn in_list(value: &str) -> Result<Vec<String>> {
    match operator(value) {
        ("in", list) => {
            check_quotes(list)?;
            Ok(split_quoted(list))
        }
        ("eq", text) => Ok(vec![text.to_owned()]),
        (operator, _) => Err(invalid(format!("Unable to filter by unknown operator '{operator}'."))),
    }
}

/// Refuses quotes that do not begin and end a value; a quote behind a backslash is part of it.
fn check_quotes(list: &str) -> Result<()> {
    let bytes = list.as_bytes();
    let mut open = false;
    for (at, _) in list.match_indices('"') {
        let before = at.checked_sub(1).map(|at| bytes[at]);
        if before == Some(b'\\') {
            continue;
        }
        let misplaced = match open {
            false if before.is_some_and(|byte| byte != b',') => Some("before opening"),
            true if bytes.get(at + 1).is_some_and(|byte| *byte != b',') => Some("after closing"),
            _ => None,
        };
        if let Some(place) = misplaced {
            return Err(invalid(format!("Invalid filter value {list}. There is no comma {place} quotation mark.")));
        }
        open = !open;
    }
    if open {
        return Err(invalid(format!("Invalid filter value {list}. The quote is not closed.")));
    }
    Ok(())
}

/// Comma-separated values whose quotes have been checked. Backslashes stay.
fn split_quoted(list: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let quoted = rest.strip_prefix('"').and_then(|inner| Some((inner, closing_quote(inner)?)));
        let (value, after) = match quoted {
            Some((inner, end)) => (&inner[..end], &inner[end + 1..]),
            None => rest.split_at(rest.find(',').unwrap_or(rest.len())),
        };
        values.push(value.to_owned());
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    values
}

fn closing_quote(text: &str) -> Option<usize> {
    text.match_indices('"').map(|(at, _)| at).find(|at| !text[..*at].ends_with('\\'))
}

fn time(field: TimeField, name: &str, value: &str) -> Result<Filter> {
    let (operator, text) = operator(value);
    let moment = Timestamp::parse_iso(text)
        .ok_or_else(|| invalid(format!("Bad \"{name}\" query filter format. Use ISO 8601 DateTime notation.")))?;
    let operator = match operator {
        "gt" => TimeOp::Gt,
        "gte" => TimeOp::Gte,
        "lt" => TimeOp::Lt,
        "lte" => TimeOp::Lte,
        "eq" => TimeOp::Eq,
        "neq" => TimeOp::Neq,
        _ => return Err(invalid("Unable to filter on a unknown operator.".into())),
    };
    Ok(Filter::Time(field, operator, moment))
}

fn invalid(text: String) -> Error {
    Error::Invalid(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_lists() {
        assert_eq!(in_list("in:a,\"b,c\",d").unwrap(), ["a", "b,c", "d"]);
        assert_eq!(in_list("in:\"a\\\"b\",,c").unwrap(), ["a\\\"b", "", "c"]);
        assert_eq!(in_list("in:").unwrap(), Vec::<String>::new());
        assert_eq!(in_list("eq:a:b").unwrap(), ["a:b"]);
        for bad in ["in:\"a", "in:a\"b", "in:\"a\"b", "neq:a", "a:b"] {
            assert!(in_list(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_of_any_length() {
        let huge = "9".repeat(40);
        assert_eq!((limit(&huge).unwrap(), whole_number(&huge)), (i64::MAX as u64, Some(i64::MAX)));
        assert_eq!(whole_number(&format!("-{huge}")), Some(i64::MIN));
        for bad in ["", "x", "-1", "1.5", "1e3", &format!("-{huge}")] {
            assert!(limit(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn operators() {
        assert!(matches!(filter("created_at", "gt:2026-01-01").unwrap(), Filter::Time(_, TimeOp::Gt, _)));
        assert!(matches!(filter("created_at", "2026-01-01T10:00:00Z").unwrap(), Filter::Time(_, TimeOp::Eq, _)));
        assert!(filter("created_at", "like:2026-01-01").is_err());
        assert!(filter("name", "neq:x").is_err());
        assert!(filter("size_min", "many").is_err());
        assert_eq!(filter("colour", "red").unwrap(), Filter::Property("colour".into(), "red".into()));
    }
}
