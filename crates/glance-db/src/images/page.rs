//! The order of a list and the place where a page of it starts (keyset pagination).
//!
//! NULL counts as lower than any value, whatever the engine's own opinion.

use glance_domain::Image;
use glance_domain::query::{SortDir, SortKey};
use sea_query::{Cond, Condition, Expr, ExprTrait as _, NullOrdering, Order, SelectStatement, Value};

use crate::Engine;

/// The order: the keys given, made unique.
pub(super) fn complete(given: &[(SortKey, SortDir)]) -> Vec<(SortKey, SortDir)> {
    let last = given.last().map_or(SortDir::Desc, |(_, direction)| *direction);
    let mut keys: Vec<(SortKey, SortDir)> = Vec::with_capacity(given.len() + 2);
    for (key, direction) in given.iter().copied().chain([(SortKey::CreatedAt, last), (SortKey::Id, last)]) {
        if keys.iter().all(|(known, _)| *known != key) {
            keys.push((key, direction));
        }
    }
    let unique = keys.iter().position(|(key, _)| *key == SortKey::Id).map_or(keys.len(), |at| at + 1);
    keys.truncate(unique);
    keys
}

/// Orders `query`, whose columns belong to `table`.
pub(super) fn order(engine: Engine, query: &mut SelectStatement, table: &'static str, keys: &[(SortKey, SortDir)]) {
    for (key, direction) in keys {
        let column = (table, column(*key));
        let (order, nulls) = match direction {
            SortDir::Asc => (Order::Asc, NullOrdering::First),
            SortDir::Desc => (Order::Desc, NullOrdering::Last),
        };
        // Only PostgreSQL needs to be told, and only where there can be NULLs: a plain index cannot
        // serve the order otherwise.
        if engine == Engine::Postgres && is_nullable(*key) {
            query.order_by_with_nulls(column, order, nulls);
        } else {
            query.order_by(column, order);
        }
    }
}

/// The condition that an image comes after `marker`.
pub(super) fn after(engine: Engine, keys: &[(SortKey, SortDir)], marker: &Image) -> Condition {
    let values: Vec<_> = keys.iter().map(|(key, _)| value(engine, *key, marker)).collect();
    let mut any = Cond::any();
    for (index, ((key, direction), limit)) in keys.iter().zip(&values).enumerate() {
        let Some(beyond) = beyond(*key, *direction, limit.as_ref()) else { continue };
        let mut all = Cond::all();
        for ((earlier, _), equal) in keys.iter().zip(&values).take(index) {
            all = all.add(same(*earlier, equal.as_ref()));
        }
        any = any.add(all.add(beyond));
    }
    Cond::all().add_option(not_before(keys, &values)).add(any)
}

/// Follows from the rest, but is something that an index can start from.
fn not_before(keys: &[(SortKey, SortDir)], values: &[Option<Value>]) -> Option<Expr> {
    let ((key, direction), limit) = keys.first().zip(values.first().cloned().flatten())?;
    let column = Expr::col(("images", column(*key)));
    match direction {
        SortDir::Asc => Some(column.gte(limit)),
        SortDir::Desc if is_nullable(*key) => None,
        SortDir::Desc => Some(column.lte(limit)),
    }
}

/// `None` when nothing can be beyond.
fn beyond(key: SortKey, direction: SortDir, limit: Option<&Value>) -> Option<Condition> {
    let column = Expr::col(("images", column(key)));
    match (direction, limit) {
        (SortDir::Asc, None) => Some(Cond::all().add(column.is_not_null())),
        (SortDir::Asc, Some(limit)) => Some(Cond::all().add(column.gt(limit.clone()))),
        (SortDir::Desc, None) => None,
        (SortDir::Desc, Some(limit)) => {
            let null = is_nullable(key).then(|| column.clone().is_null());
            Some(Cond::any().add(column.lt(limit.clone())).add_option(null))
        }
    }
}

fn same(key: SortKey, value: Option<&Value>) -> Expr {
    let column = Expr::col(("images", column(key)));
    match value {
        Some(value) => column.eq(value.clone()),
        None => column.is_null(),
    }
}

fn column(key: SortKey) -> &'static str {
    match key {
        SortKey::Name => "name",
        SortKey::Status => "status",
        SortKey::ContainerFormat => "container_format",
        SortKey::DiskFormat => "disk_format",
        SortKey::Size => "size",
        SortKey::Id => "id",
        SortKey::CreatedAt => "created_at",
        SortKey::UpdatedAt => "updated_at",
    }
}

fn is_nullable(key: SortKey) -> bool {
    !matches!(key, SortKey::Status | SortKey::Id | SortKey::CreatedAt)
}

fn value(engine: Engine, key: SortKey, image: &Image) -> Option<Value> {
    let text = |text: &Option<String>| text.clone().map(Value::from);
    match key {
        SortKey::Name => text(&image.name),
        SortKey::Status => Some(image.status.as_str().into()),
        SortKey::ContainerFormat => text(&image.container_format),
        SortKey::DiskFormat => text(&image.disk_format),
        SortKey::Size => image.size.and_then(|size| i64::try_from(size).ok()).map(Value::from),
        SortKey::Id => Some(image.id.as_str().into()),
        SortKey::CreatedAt => Some(engine.time(image.created_at)),
        SortKey::UpdatedAt => Some(engine.time(image.updated_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_ends_with_the_id() {
        use SortDir::{Asc, Desc};
        use SortKey::{CreatedAt, Id, Name, Size};
        let cases: [(&[_], &[_]); 4] = [
            (&[], &[(CreatedAt, Desc), (Id, Desc)]),
            (&[(Name, Asc)], &[(Name, Asc), (CreatedAt, Asc), (Id, Asc)]),
            (&[(CreatedAt, Asc), (Name, Desc)], &[(CreatedAt, Asc), (Name, Desc), (Id, Desc)]),
            (&[(Id, Asc), (Size, Desc)], &[(Id, Asc)]),
        ];
        for (given, whole) in cases {
            assert_eq!(complete(given), whole);
        }
    }
}
