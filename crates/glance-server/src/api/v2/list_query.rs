//! The query language of `GET /v2/images` (`glance-behaviour` part 1.2.2).

use std::collections::BTreeMap;

use glance_domain::query::{
    EqualField, Filter, ImageQuery, MemberStatusFilter, SortDir, SortKey, TextField, TimeField, TimeOp,
    VisibilityFilter,
};
use glance_domain::{ImageId, Timestamp};

use crate::api::extract::QueryParams;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};

/// A list that was asked for.
pub struct ListRequest {
    /// What to look up.
    pub query: ImageQuery,
    /// The parameters for the links `first` and `next`: the last value of each name with the position of its first,
    /// without the marker.
    pub params: BTreeMap<String, (usize, String)>,
}

impl ListRequest {
    /// Reads the parameters.
    ///
    /// # Errors
    /// `Invalid` that names the parameter.
    pub fn parse(params: &QueryParams, ctx: &RequestContext) -> Result<Self> {
        let mut query = ImageQuery::new(ctx.viewer(), ctx.config.api.limit_param_default);
        query.sort = sorting(params)?;
        let mut seen: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for (position, (name, value)) in params.0.iter().enumerate() {
            let first = seen.get(name).map_or(position, |(first, _)| *first);
            seen.insert(name.clone(), (first, value.clone()));
            if name == "tag" {
                query.filters.push(Filter::Tag(value.trim().to_owned()));
            }
        }
        seen.remove("marker");
        for (name, (_, value)) in &seen {
            apply(&mut query, name, value)?;
        }
        query.limit = query.limit.min(ctx.config.api.limit_max);
        query.marker = last(params, "marker").map(marker).transpose()?;
        Ok(Self { query, params: seen })
    }
}

fn last<'a>(params: &'a QueryParams, name: &str) -> Option<&'a str> {
    params.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn all<'a>(params: &'a QueryParams, name: &'a str) -> impl Iterator<Item = &'a str> {
    params.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
}

fn marker(text: &str) -> Result<ImageId> {
    ImageId::parse(text).map_err(|_| invalid(format!("No image found with ID {text}")))
}

fn apply(query: &mut ImageQuery, name: &str, value: &str) -> Result<()> {
    match name {
        "sort" | "sort_key" | "sort_dir" | "tag" | "deleted" => {}
        "limit" => query.limit = limit(value)?,
        "visibility" => query.visibility = visibility(value)?,
        "member_status" => query.member_status = member_status(value)?,
        "os_hidden" => query.hidden = flag("os_hidden", &value.to_lowercase())?,
        "changes-since" => {
            return Err(invalid("The \"changes-since\" filter is no longer available on v2.".into()));
        }
        _ => query.filters.push(filter(name, value)?),
    }
    Ok(())
}

fn limit(value: &str) -> Result<u64> {
    let number: i64 = value.trim().parse().map_err(|_| invalid("limit param must be an integer".into()))?;
    u64::try_from(number).map_err(|_| invalid("limit param must be positive".into()))
}

fn visibility(value: &str) -> Result<VisibilityFilter> {
    match value {
        "" => Ok(VisibilityFilter::Default),
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
    let text = |field| in_list(name, value).map(|values| Filter::Text(field, values));
    let equal = |field| Ok(Filter::Equal(field, value.to_owned()));
    match name {
        "name" => text(TextField::Name),
        "id" => text(TextField::Id),
        "status" => text(TextField::Status),
        "container_format" => text(TextField::ContainerFormat),
        "disk_format" => text(TextField::DiskFormat),
        "protected" => flag("protected", value).map(Filter::Protected),
        "created_at" => time(TimeField::CreatedAt, name, value),
        "updated_at" => time(TimeField::UpdatedAt, name, value),
        "size_min" => bytes(name, value).map(Filter::SizeMin),
        "size_max" => bytes(name, value).map(Filter::SizeMax),
        "checksum" => equal(EqualField::Checksum),
        "os_hash_algo" => equal(EqualField::OsHashAlgo),
        "os_hash_value" => equal(EqualField::OsHashValue),
        "owner" => equal(EqualField::Owner),
        "min_disk" => equal(EqualField::MinDisk),
        "min_ram" => equal(EqualField::MinRam),
        "size" => equal(EqualField::Size),
        "virtual_size" => equal(EqualField::VirtualSize),
        _ => Ok(Filter::Property(name.to_owned(), value.to_owned())),
    }
}

fn bytes(name: &str, value: &str) -> Result<i64> {
    let number = value.trim().parse().ok().filter(|number: &i64| *number >= 0);
    number.ok_or_else(|| invalid(format!("Invalid value '{value}' for filter '{name}': a number of bytes is needed.")))
}

/// `in:a,"b,c",d` or a plain value; any other operator is refused.
fn in_list(name: &str, value: &str) -> Result<Vec<String>> {
    match value.split_once(':') {
        Some(("in", list)) => split_quoted(list).ok_or_else(|| {
            invalid(format!("Invalid filter value {list}. The quote is not closed, or not where a value begins."))
        }),
        Some((operator @ ("neq" | "eq" | "gt" | "gte" | "lt" | "lte"), _)) => {
            Err(invalid(format!("Unable to filter by unknown operator '{operator}'.")))
        }
        Some((operator, _)) if name != "name" => {
            Err(invalid(format!("Unable to filter by unknown operator '{operator}'.")))
        }
        _ => Ok(vec![value.to_owned()]),
    }
}

/// Comma-separated values, each of which may be in double quotes with `\"` for a quote. `None` for bad quoting.
fn split_quoted(list: &str) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut chars = list.chars().peekable();
    loop {
        let mut value = String::new();
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next()? {
                    '\\' => value.push(chars.next()?),
                    '"' => break,
                    other => value.push(other),
                }
            }
        } else {
            while let Some(other) = chars.next_if(|next| *next != ',') {
                if other == '"' {
                    return None;
                }
                value.push(other);
            }
        }
        values.push(value);
        match chars.next() {
            None => return Some(values),
            Some(',') => {}
            Some(_) => return None,
        }
    }
}

fn time(field: TimeField, name: &str, value: &str) -> Result<Filter> {
    let (op, text) = match value.split_once(':') {
        Some(("gt", rest)) => (TimeOp::Gt, rest),
        Some(("gte", rest)) => (TimeOp::Gte, rest),
        Some(("lt", rest)) => (TimeOp::Lt, rest),
        Some(("lte", rest)) => (TimeOp::Lte, rest),
        Some(("eq", rest)) => (TimeOp::Eq, rest),
        Some(("neq", rest)) => (TimeOp::Neq, rest),
        Some((operator, _)) if operator.chars().all(char::is_alphabetic) => {
            return Err(invalid(format!("Unable to filter by unknown operator '{operator}'.")));
        }
        _ => (TimeOp::Eq, value),
    };
    let moment = Timestamp::parse_iso(text);
    let moment = moment.ok_or_else(|| invalid(format!("Invalid time format for {name}: {text}.")))?;
    Ok(Filter::Time(field, op, moment))
}

fn sorting(params: &QueryParams) -> Result<Vec<(SortKey, SortDir)>> {
    let keys: Vec<SortKey> = all(params, "sort_key").map(sort_key).collect::<Result<_>>()?;
    let dirs: Vec<SortDir> = all(params, "sort_dir").map(sort_dir).collect::<Result<_>>()?;
    if let Some(sort) = last(params, "sort") {
        if !keys.is_empty() || !dirs.is_empty() {
            return Err(invalid("Old and new sorting syntax cannot be combined".into()));
        }
        return sort.trim().split(',').map(sort_item).collect();
    }
    if dirs.len() > 1 && dirs.len() != keys.len() {
        return Err(invalid("Number of sort dirs does not match the number of sort keys".into()));
    }
    let keys = if keys.is_empty() { vec![SortKey::CreatedAt] } else { keys };
    let dir = |position: usize| match dirs.as_slice() {
        [] => SortDir::Desc,
        [one] => *one,
        several => several[position],
    };
    Ok(keys.into_iter().enumerate().map(|(position, key)| (key, dir(position))).collect())
}

fn sort_item(item: &str) -> Result<(SortKey, SortDir)> {
    let (key, dir) = item.split_once(':').unwrap_or((item, ""));
    let dir = if dir.is_empty() { SortDir::Desc } else { sort_dir(dir.trim())? };
    Ok((sort_key(key.trim())?, dir))
}

fn sort_key(name: &str) -> Result<SortKey> {
    SortKey::parse(name).ok_or_else(|| {
        let available = SortKey::ALL.map(|(_, name)| name).join(", ");
        invalid(format!("Invalid sort key: {name}. It must be one of the following: {available}."))
    })
}

fn sort_dir(name: &str) -> Result<SortDir> {
    match name {
        "asc" => Ok(SortDir::Asc),
        "desc" => Ok(SortDir::Desc),
        _ => Err(invalid(format!("Invalid sort direction: {name}"))),
    }
}

fn invalid(text: String) -> Error {
    Error::Invalid(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> QueryParams {
        QueryParams(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn quoted_lists() {
        assert_eq!(split_quoted("a,\"b,c\",d").unwrap(), ["a", "b,c", "d"]);
        assert_eq!(split_quoted("\"a\\\"b\"").unwrap(), ["a\"b"]);
        for bad in ["\"a", "a\"b", "\"a\"b", "\"a\\"] {
            assert_eq!(split_quoted(bad), None, "{bad}");
        }
    }

    #[test]
    fn both_sort_syntaxes() {
        use SortDir::{Asc, Desc};
        let sorted = |pairs: &[(&str, &str)]| sorting(&params(pairs)).unwrap();
        assert_eq!(sorted(&[]), [(SortKey::CreatedAt, Desc)]);
        assert_eq!(sorted(&[("sort", "name:asc,size")]), [(SortKey::Name, Asc), (SortKey::Size, Desc)]);
        let classic = [("sort_key", "name"), ("sort_key", "id"), ("sort_dir", "asc")];
        assert_eq!(sorted(&classic), [(SortKey::Name, Asc), (SortKey::Id, Asc)]);
        assert!(sorting(&params(&[("sort", "name"), ("sort_dir", "asc")])).is_err());
        assert!(sorting(&params(&[("sort_dir", "asc"), ("sort_dir", "asc")])).is_err());
        assert!(sorting(&params(&[("sort", "colour")])).is_err());
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
