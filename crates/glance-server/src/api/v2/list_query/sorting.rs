//! The order of a list, in both of its syntaxes: `sort=name:asc,size` and `sort_key=name&sort_dir=asc`.

use glance_domain::query::{SortDir, SortKey};

use super::{all, first, invalid};
use crate::api::extract::QueryParams;
use crate::app::error::Result;

/// The order, with the two keys that break ties: they follow the one direction that was given, else they descend.
pub(super) fn sorting(params: &QueryParams) -> Result<Vec<(SortKey, SortDir)>> {
    let given = match first(params, "sort") {
        Some(_) if params.0.iter().any(|(name, _)| matches!(name.as_str(), "sort_key" | "sort_dir")) => {
            return Err(invalid("Old and new sorting syntax cannot be combined".into()));
        }
        Some(sort) => sort.trim().split(',').map(sort_item).collect::<Result<Vec<_>>>()?,
        None => classic_sorting(params)?,
    };
    let directions = match first(params, "sort") {
        Some(_) => given.len(),
        None => all(params, "sort_dir").count(),
    };
    let last = given.first().filter(|_| directions == 1).map_or(SortDir::Desc, |(_, direction)| *direction);
    let mut order: Vec<(SortKey, SortDir)> = Vec::new();
    // A key that comes again decides nothing.
    for (key, direction) in given {
        if order.iter().all(|(known, _)| *known != key) {
            order.push((key, direction));
        }
    }
    for key in [SortKey::CreatedAt, SortKey::Id] {
        if order.iter().all(|(known, _)| *known != key) {
            order.push((key, last));
        }
    }
    Ok(order)
}

fn classic_sorting(params: &QueryParams) -> Result<Vec<(SortKey, SortDir)>> {
    let keys: Vec<SortKey> = all(params, "sort_key").map(sort_key).collect::<Result<_>>()?;
    let dirs: Vec<SortDir> = all(params, "sort_dir").map(sort_dir).collect::<Result<_>>()?;
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
    let key = sort_key(key.trim())?;
    let dir = if dir.is_empty() { SortDir::Desc } else { sort_dir(dir.trim())? };
    Ok((key, dir))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> QueryParams {
        QueryParams(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn both_sort_syntaxes() {
        use SortDir::{Asc, Desc};
        let sorted = |pairs: &[(&str, &str)]| sorting(&params(pairs)).unwrap();
        use SortKey::{CreatedAt, Id, Name, Size};
        assert_eq!(sorted(&[]), [(CreatedAt, Desc), (Id, Desc)]);
        assert_eq!(sorted(&[("sort", "name:asc")]), [(Name, Asc), (CreatedAt, Asc), (Id, Asc)]);
        let two = [("sort", "name:asc,size:asc")];
        assert_eq!(sorted(&two), [(Name, Asc), (Size, Asc), (CreatedAt, Desc), (Id, Desc)]);
        let classic = [("sort_key", "name"), ("sort_key", "id"), ("sort_dir", "asc")];
        assert_eq!(sorted(&classic), [(Name, Asc), (Id, Asc), (CreatedAt, Asc)]);
        assert!(sorting(&params(&[("sort", "name"), ("sort_dir", "asc")])).is_err());
        assert!(sorting(&params(&[("sort_dir", "asc"), ("sort_dir", "asc")])).is_err());
        assert!(sorting(&params(&[("sort", "colour")])).is_err());
        let again = [("sort", "name:asc,name:desc,size:asc")];
        assert_eq!(sorted(&again), [(Name, Asc), (Size, Asc), (CreatedAt, Desc), (Id, Desc)]);
    }
}
