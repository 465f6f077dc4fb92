//! From files into the catalogue.

use glance_domain::Timestamp;
use sea_query::{Condition, Expr, ExprTrait as _, Query, Value as Cell};

use super::definition::{Association, Definition, ascii_json};
use crate::database::{Database, retry};
use crate::error::{Error, Kind, Result};
use crate::sql::{Columns, Transaction};

/// What happens to a namespace that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// It stays as it is.
    Skip,
    /// What it lacks is added; what it has stays.
    PreferExisting,
    /// What it lacks is added; what it has takes the new form.
    PreferNew,
    /// It goes with all that is in it, and comes anew.
    Overwrite,
}

/// What was done with a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// It is in the catalogue.
    Stored,
    /// There was a namespace of that name, which stays.
    Skipped,
}

impl Database {
    /// Puts a namespace into the catalogue, as one transaction.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn load_metadefs(&self, definition: &Definition, merge: Merge, now: Timestamp) -> Result<Loaded> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let loaded = load(&mut transaction, definition, merge, now).await?;
            transaction.commit().await?;
            Ok(loaded)
        })
        .await
    }

    /// Removes all namespaces and resource types.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn unload_metadefs(&self) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            for table in CHILDREN.into_iter().chain(["metadef_namespaces", "metadef_resource_types"]) {
                transaction.execute(Query::delete().from_table(table)).await?;
            }
            transaction.commit().await
        })
        .await
    }
}

/// Tables whose rows belong to a namespace.
const CHILDREN: [&str; 4] =
    ["metadef_properties", "metadef_objects", "metadef_tags", "metadef_namespace_resource_types"];

type Cells = Vec<(&'static str, Cell)>;

async fn load(transaction: &mut Transaction, definition: &Definition, merge: Merge, now: Timestamp) -> Result<Loaded> {
    let mut existing = find(transaction, "metadef_namespaces", &[("namespace", text(&definition.namespace))]).await?;
    if let Some(id) = existing.filter(|_| merge == Merge::Overwrite) {
        remove_namespace(transaction, id).await?;
        existing = None;
    }
    if existing.is_some() && merge == Merge::Skip {
        return Ok(Loaded::Skipped);
    }
    let mut writer = Writer { transaction, prefer_new: merge == Merge::PreferNew, now };
    let namespace =
        writer.put("metadef_namespaces", vec![("namespace", text(&definition.namespace))], cells_of(definition));
    let namespace = namespace.await?;
    for association in &definition.resource_type_associations {
        writer.associate(namespace, association).await?;
    }
    let key = |name: &str| vec![("namespace_id", Cell::from(namespace)), ("name", text(name))];
    for (name, schema) in &definition.properties {
        let cells = vec![("json_schema", text(&ascii_json(schema)))];
        writer.put("metadef_properties", key(name), cells).await?;
    }
    for object in &definition.objects {
        let schema = text(&ascii_json(&object.properties));
        let cells = vec![("description", optional(object.description.as_ref())), ("json_schema", schema)];
        writer.put("metadef_objects", key(&object.name), cells).await?;
    }
    for tag in &definition.tags {
        writer.put("metadef_tags", key(&tag.name), vec![]).await?;
    }
    Ok(Loaded::Stored)
}

fn cells_of(definition: &Definition) -> Cells {
    vec![
        ("display_name", optional(definition.display_name.as_ref())),
        ("description", optional(definition.description.as_ref())),
        ("visibility", optional(definition.visibility.as_ref())),
        ("protected", Cell::Bool(definition.protected)),
        ("owner", text(definition.owner.as_deref().unwrap_or("admin"))),
    ]
}

fn text(text: &str) -> Cell {
    Cell::String(Some(text.to_owned()))
}

fn optional(text: Option<&String>) -> Cell {
    Cell::String(text.cloned())
}

struct Writer<'t> {
    transaction: &'t mut Transaction,
    /// Whether rows that are there take the new form.
    prefer_new: bool,
    now: Timestamp,
}

impl Writer<'_> {
    /// Makes sure that there is a row with that key, and tells its number.
    async fn put(&mut self, table: &'static str, key: Cells, cells: Cells) -> Result<i64> {
        match find(self.transaction, table, &key).await? {
            Some(id) if self.prefer_new => {
                self.update(table, &[("id", Cell::from(id))], cells).await?;
                Ok(id)
            }
            Some(id) => Ok(id),
            None => {
                self.insert(table, key.iter().cloned().chain(cells)).await?;
                let lost = || Error::new(Kind::Internal, "a row that was written cannot be found");
                find(self.transaction, table, &key).await?.ok_or_else(lost)
            }
        }
    }

    async fn associate(&mut self, namespace: i64, association: &Association) -> Result<()> {
        const TABLE: &str = "metadef_namespace_resource_types";
        let protected = vec![("protected", Cell::Bool(Some(true)))];
        let kind = self.put("metadef_resource_types", vec![("name", text(&association.name))], protected).await?;
        let key = vec![("namespace_id", Cell::from(namespace)), ("resource_type_id", Cell::from(kind))];
        let cells = vec![
            ("properties_target", optional(association.properties_target.as_ref())),
            ("prefix", optional(association.prefix.as_ref())),
        ];
        let mut query = Query::select();
        query.column("namespace_id").from(TABLE).cond_where(all(&key));
        let is_there = !self.transaction.fetch(&query, |_| Ok(())).await?.is_empty();
        match (is_there, self.prefer_new) {
            (true, true) => self.update(TABLE, &key, cells).await,
            (true, false) => Ok(()),
            (false, _) => self.insert(TABLE, key.into_iter().chain(cells)).await,
        }
    }

    async fn insert(&mut self, table: &'static str, cells: impl Iterator<Item = (&'static str, Cell)>) -> Result<()> {
        let created = ("created_at", self.transaction.engine().time(self.now));
        let (columns, values): (Vec<_>, Vec<_>) =
            cells.chain([created]).map(|(column, value)| (column, Expr::val(value))).unzip();
        let mut insert = Query::insert();
        insert.into_table(table).columns(columns).values(values)?;
        self.transaction.execute(&insert).await.map(drop)
    }

    async fn update(&mut self, table: &'static str, key: &[(&'static str, Cell)], cells: Cells) -> Result<()> {
        let mut update = Query::update();
        update.table(table).value("updated_at", self.transaction.engine().time(self.now));
        for (column, value) in cells {
            // A resource type that somebody opened up stays open.
            if column != "protected" || table != "metadef_resource_types" {
                update.value(column, value);
            }
        }
        self.transaction.execute(update.cond_where(all(key))).await.map(drop)
    }
}

fn all(key: &[(&'static str, Cell)]) -> Condition {
    key.iter().fold(Condition::all(), |all, (column, value)| all.add(Expr::col(*column).eq(value.clone())))
}

async fn find(transaction: &mut Transaction, table: &'static str, key: &[(&'static str, Cell)]) -> Result<Option<i64>> {
    let mut query = Query::select();
    query.column("id").from(table).cond_where(all(key));
    Ok(transaction.fetch(&query, |row| Columns::of(row).integer()).await?.into_iter().next())
}

async fn remove_namespace(transaction: &mut Transaction, id: i64) -> Result<()> {
    for table in CHILDREN {
        let mut delete = Query::delete();
        delete.from_table(table).and_where(Expr::col("namespace_id").eq(id));
        transaction.execute(&delete).await?;
    }
    let mut delete = Query::delete();
    delete.from_table("metadef_namespaces").and_where(Expr::col("id").eq(id));
    transaction.execute(&delete).await.map(drop)
}
