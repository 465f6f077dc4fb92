//! The conditions of a list as SQL.

use glance_domain::ProjectId;
use glance_domain::Visibility;
use glance_domain::query::{
    EqualField, Filter, ImageQuery, MemberStatusFilter, NEVER_LISTED, NumberField, TextField, TimeField, TimeOp,
    Viewer, VisibilityFilter,
};
use sea_query::{Cond, Condition, Expr, ExprTrait as _, Func, Query, SelectStatement, SubQueryStatement};

use super::columns::{constant, live};
use crate::Engine;
use crate::schema::own::LONGEST_INDEXED;

fn image(column: &'static str) -> Expr {
    Expr::col(("images", column))
}

/// What holds for every image of the list, whoever asks, `but_for` the filter that found them in the first place.
///
/// A row of another table is looked for where one would say `EXISTS`, which engines like to answer by reading the whole
/// table first.
pub(super) fn conditions(engine: Engine, query: &ImageQuery, but_for: Option<&Filter>) -> Condition {
    let listed = NEVER_LISTED.map(|status| constant(status.as_str()));
    let mut all = Cond::all().add(live("images"));
    // Not an equation, lest SQLite prefers upstream's index on it to one that is in list order.
    let hidden = if query.hidden { image("os_hidden").not().not() } else { image("os_hidden").not() };
    all = all.add(hidden).add(image("status").is_not_in(listed));
    let open = query.filters.iter().filter(|filter| Some(*filter) != but_for);
    open.fold(all, |all, filter| all.add(condition(engine, filter)))
}

fn condition(engine: Engine, filter: &Filter) -> Expr {
    match filter {
        Filter::Text(field, values) => one_of(image(text_column(*field)), values),
        Filter::Equal(field, value) => equal(*field, value),
        Filter::Time(field, op, time) => compare(image(time_column(*field)), *op, engine.time(*time)),
        Filter::AtLeast(field, least) => image(number_column(*field)).gte(*least),
        Filter::AtMost(field, most) => image(number_column(*field)).lte(*most),
        Filter::Protected(flag) => image("protected").eq(constant(*flag)),
        Filter::Tag(tag) => any_of_image(tagged(tag), "image_tags"),
        Filter::Property(name, value) => any_of_image(having(engine, name, value), "image_properties"),
    }
}

/// The live rows of another table that make images pass the filter, when it is about another table.
pub(super) fn rows(engine: Engine, filter: &Filter) -> Option<SelectStatement> {
    match filter {
        Filter::Tag(tag) => Some(tagged(tag)),
        Filter::Property(name, value) => Some(having(engine, name, value)),
        _ => None,
    }
}

fn tagged(tag: &str) -> SelectStatement {
    let mut rows = Query::select();
    rows.from("image_tags").and_where(live("image_tags")).and_where(Expr::col("value").eq(tag)).take()
}

fn having(engine: Engine, name: &str, value: &str) -> SelectStatement {
    let mut rows = Query::select();
    rows.from("image_properties").and_where(live("image_properties"));
    rows.and_where(Expr::col("name").eq(name)).and_where(Expr::col("value").eq(value));
    if engine == Engine::Postgres && value.len() <= LONGEST_INDEXED {
        // Only then does it know that its index holds the value.
        let bytes = Expr::from(Func::cust("octet_length").arg(Expr::col("value")));
        rows.and_where(bytes.lte(constant(i32::try_from(LONGEST_INDEXED).ok())));
    }
    rows.take()
}

fn any_of_image(mut rows: SelectStatement, table: &'static str) -> Expr {
    rows.expr(constant(1)).and_where(Expr::col((table, "image_id")).equals(("images", "id"))).limit(1);
    Expr::from(SubQueryStatement::from(rows)).is_not_null()
}

fn one_of(column: Expr, values: &[String]) -> Expr {
    match values {
        [value] => column.eq(value.as_str()),
        _ => column.is_in(values.iter().map(String::as_str)),
    }
}

fn equal(field: EqualField, value: &str) -> Expr {
    let column = image(equal_column(field));
    if !field.is_number() {
        return column.eq(value);
    }
    match value.trim().parse::<i64>() {
        Ok(number) => column.eq(number),
        Err(_) => Expr::cust("1 = 0"),
    }
}

fn compare(column: Expr, op: TimeOp, time: sea_query::Value) -> Expr {
    match op {
        TimeOp::Gt => column.gt(time),
        TimeOp::Gte => column.gte(time),
        TimeOp::Lt => column.lt(time),
        TimeOp::Lte => column.lte(time),
        TimeOp::Eq => column.eq(time),
        TimeOp::Neq => column.ne(time),
    }
}

fn text_column(field: TextField) -> &'static str {
    match field {
        TextField::Name => "name",
        TextField::Id => "id",
        TextField::Status => "status",
        TextField::ContainerFormat => "container_format",
        TextField::DiskFormat => "disk_format",
    }
}

fn equal_column(field: EqualField) -> &'static str {
    match field {
        EqualField::Checksum => "checksum",
        EqualField::OsHashAlgo => "os_hash_algo",
        EqualField::OsHashValue => "os_hash_value",
        EqualField::Owner => "owner",
        EqualField::MinDisk => "min_disk",
        EqualField::MinRam => "min_ram",
        EqualField::Size => "size",
        EqualField::VirtualSize => "virtual_size",
    }
}

fn number_column(field: NumberField) -> &'static str {
    match field {
        NumberField::Size => "size",
        NumberField::VirtualSize => "virtual_size",
        NumberField::MinDisk => "min_disk",
        NumberField::MinRam => "min_ram",
    }
}

fn time_column(field: TimeField) -> &'static str {
    match field {
        TimeField::CreatedAt => "created_at",
        TimeField::UpdatedAt => "updated_at",
    }
}

/// The reasons why an image is in the viewer's list; no image has two of them.
///
/// Kept apart, because the database can walk an index in list order for each of them, and could not
/// for all of them at once.
pub(super) fn reasons(query: &ImageQuery) -> Vec<Condition> {
    let wanted = |visibility: Visibility| match query.visibility {
        VisibilityFilter::Default => visibility == Visibility::Public,
        VisibilityFilter::All => matches!(visibility, Visibility::Public | Visibility::Community),
        VisibilityFilter::Only(only) => visibility == only,
    };
    let me = match &query.viewer {
        Viewer::Admin(me) => return vec![all_for_admin(query.visibility, me.as_ref())],
        viewer => viewer.project(),
    };
    let open: Vec<_> = [Visibility::Public, Visibility::Community].into_iter().filter(|v| wanted(*v)).collect();
    let mut reasons: Vec<_> = open.iter().map(|v| Cond::all().add(visible_as(*v))).collect();
    if let Some(me) = me {
        reasons.extend(own(query.visibility, me, &open));
        if !matches!(query.visibility, VisibilityFilter::Only(only) if only != Visibility::Shared) {
            reasons.push(shared_with(me, query.member_status));
        }
    }
    reasons
}

fn visible_as(visibility: Visibility) -> Expr {
    image("visibility").eq(constant(visibility.as_str()))
}

/// Administrators see every project's images; community images of others only when asked for.
fn all_for_admin(visibility: VisibilityFilter, me: Option<&ProjectId>) -> Condition {
    match visibility {
        VisibilityFilter::All => Cond::all(),
        VisibilityFilter::Only(only) => Cond::all().add(visible_as(only)),
        VisibilityFilter::Default => {
            let mine = me.map(|me| image("owner").eq(me.as_str()));
            Cond::any().add(image("visibility").ne(constant(Visibility::Community.as_str()))).add_option(mine)
        }
    }
}

/// The project's own images but those that it sees like everybody else.
fn own(visibility: VisibilityFilter, me: &ProjectId, open: &[Visibility]) -> Option<Condition> {
    let mine = Cond::all().add(image("owner").eq(me.as_str()));
    match visibility {
        VisibilityFilter::Only(only) if open.contains(&only) => None,
        VisibilityFilter::Only(only) => Some(mine.add(visible_as(only))),
        _ => Some(mine.add(image("visibility").is_not_in(open.iter().map(|v| constant(v.as_str()))))),
    }
}

/// Other projects' images that are shared with this one.
fn shared_with(me: &ProjectId, status: MemberStatusFilter) -> Condition {
    let mut shared = Query::select();
    shared.column("image_id").from("image_members");
    shared.and_where(Expr::col("member").eq(me.as_str())).and_where(live("image_members"));
    if let MemberStatusFilter::Only(status) = status {
        shared.and_where(Expr::col("status").eq(constant(status.as_str())));
    }
    let of_others = Cond::any().add(image("owner").ne(me.as_str())).add(image("owner").is_null());
    Cond::all().add(image("id").in_subquery(shared.take())).add(visible_as(Visibility::Shared)).add(of_others)
}
