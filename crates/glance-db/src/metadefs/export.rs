//! From the catalogue into files.

use sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement};
use serde_json::Value;

use super::definition::{Association, Definition, Named, ObjectDefinition};
use crate::database::Database;
use crate::error::{Error, Kind, Result};
use crate::sql::{Columns, Row, Transaction};

impl Database {
    /// Every namespace with all that is in it, in the order in which they came; without their owners, as upstream
    /// exports them.
    ///
    /// # Errors
    /// [`Kind::Corrupt`] when a schema is not JSON.
    pub async fn export_metadefs(&self) -> Result<Vec<Definition>> {
        let mut transaction = self.pools.begin_reading().await?;
        let mut query = Query::select();
        query.columns(["id", "namespace", "display_name", "description", "visibility", "protected"]);
        query.from("metadef_namespaces").order_by("id", Order::Asc);
        let mut definitions = Vec::new();
        for (id, definition) in transaction.fetch(&query, read_namespace).await? {
            definitions.push(fill(&mut transaction, id, definition).await?);
        }
        transaction.commit().await?;
        Ok(definitions)
    }
}

fn read_namespace(row: &dyn Row) -> Result<(i64, Definition)> {
    let mut columns = Columns::of(row);
    let id = columns.integer()?;
    let definition = Definition {
        namespace: columns.text()?,
        display_name: columns.optional_text()?,
        description: columns.optional_text()?,
        visibility: columns.optional_text()?,
        protected: row.flag(5)?,
        owner: None,
        resource_type_associations: Vec::new(),
        properties: serde_json::Map::new(),
        objects: Vec::new(),
        tags: Vec::new(),
    };
    Ok((id, definition))
}

async fn fill(transaction: &mut Transaction, id: i64, mut definition: Definition) -> Result<Definition> {
    definition.resource_type_associations = transaction.fetch(&associations(id), read_association).await?;
    let query = select("metadef_properties", &["name", "json_schema"], id);
    let properties = transaction.fetch(&query, |row| {
        let mut columns = Columns::of(row);
        Ok((columns.text()?, json(&columns.text()?)?))
    });
    definition.properties = properties.await?.into_iter().collect();
    let query = select("metadef_objects", &["name", "description", "json_schema"], id);
    definition.objects = transaction.fetch(&query, read_object).await?;
    let query = select("metadef_tags", &["name"], id);
    definition.tags = transaction.fetch(&query, |row| Ok(Named { name: Columns::of(row).text()? })).await?;
    Ok(definition)
}

fn select(table: &'static str, columns: &[&'static str], namespace: i64) -> SelectStatement {
    let mut query = Query::select();
    query.columns(columns.iter().copied()).from(table).and_where(Expr::col("namespace_id").eq(namespace));
    query.order_by("id", Order::Asc).take()
}

fn associations(namespace: i64) -> SelectStatement {
    const BETWEEN: &str = "metadef_namespace_resource_types";
    const TYPES: &str = "metadef_resource_types";
    let mut query = Query::select();
    query.column((TYPES, "name")).columns([(BETWEEN, "prefix"), (BETWEEN, "properties_target")]).from(BETWEEN);
    query.inner_join(TYPES, Expr::col((TYPES, "id")).equals((BETWEEN, "resource_type_id")));
    query.and_where(Expr::col((BETWEEN, "namespace_id")).eq(namespace)).order_by((TYPES, "name"), Order::Asc).take()
}

fn read_association(row: &dyn Row) -> Result<Association> {
    let mut columns = Columns::of(row);
    Ok(Association {
        name: columns.text()?,
        prefix: columns.optional_text()?,
        properties_target: columns.optional_text()?,
    })
}

fn read_object(row: &dyn Row) -> Result<ObjectDefinition> {
    let mut columns = Columns::of(row);
    Ok(ObjectDefinition {
        name: columns.text()?,
        description: columns.optional_text()?,
        properties: json(&columns.text()?)?,
    })
}

fn json(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| Error::new(Kind::Corrupt, "a schema is not JSON").caused_by(error))
}
