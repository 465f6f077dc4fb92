//! The changes that revisions are made of. Each looks first whether it was done.

use super::Triggers;
use super::location_metadata::Rename;
use super::rebuild::rebuild;
use crate::Engine;
use crate::error::Result;
use crate::schema::catalog::{has_check, has_column, has_index, has_table, has_trigger, has_type};
use crate::schema::head;
use crate::schema::table::{Column, Table, create_index};
use crate::sql::Transaction;

/// One change.
pub(crate) enum Step {
    /// A table with its indexes.
    CreateTable(&'static Table),
    DropTable(&'static Table),
    /// The column goes to the end; it must have a default or be optional.
    AddColumn(&'static str, Column),
    /// Table and column. Its indexes must be gone.
    DropColumn(&'static str, &'static str),
    /// Gives a column this default and this permission to be NULL; the type stays.
    AlterColumn(&'static str, Column),
    /// Name, table and columns.
    CreateIndex(&'static str, &'static str, &'static [&'static str]),
    /// Name and table.
    DropIndex(&'static str, &'static str),
    /// On MySQL these named checks that a column holds 0 or 1; on SQLite unnamed ones on these columns in place of all.
    SetChecks {
        table: &'static str,
        mysql: &'static [(&'static str, &'static str)],
        sqlite: &'static [&'static str],
    },
    /// The enumeration of visibilities, which only PostgreSQL keeps apart from the table.
    CreateVisibilityType,
    DropVisibilityType,
    /// Only MySQL has triggers here, and only for upgrades without downtime.
    CreateTrigger(&'static Trigger),
    DropTrigger(&'static Trigger),
    /// Gives images that have none the visibility that their flag and their members speak for.
    FillVisibility,
    /// Gives images that have none the flag that their visibility speaks for.
    FillIsPublic,
    /// Gives a key of all locations' metadata another name.
    Rename(Rename),
    /// A change to rows that can be repeated.
    Run(&'static str),
}

/// A trigger of MySQL.
pub(crate) struct Trigger {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

const FILL_VISIBILITY: [&str; 3] = [
    "UPDATE images SET visibility = 'public' WHERE visibility IS NULL AND is_public",
    "UPDATE images SET visibility = 'shared' WHERE visibility IS NULL \
     AND id IN (SELECT image_id FROM image_members WHERE NOT deleted)",
    "UPDATE images SET visibility = 'private' WHERE visibility IS NULL",
];

const FILL_IS_PUBLIC: &str =
    "UPDATE images SET is_public = visibility IS NOT NULL AND visibility = 'public' WHERE is_public IS NULL";

impl Step {
    pub(crate) async fn run(&self, transaction: &mut Transaction, triggers: Triggers) -> Result<()> {
        let engine = transaction.engine();
        match self {
            Self::CreateTable(table) => create_table(transaction, table).await,
            Self::DropTable(table) if !has_table(transaction, table.name).await? => Ok(()),
            Self::DropTable(table) => transaction.run(&format!("DROP TABLE {}", table.name)).await,
            Self::AddColumn(table, column) if has_column(transaction, table, column.name()).await? => Ok(()),
            Self::AddColumn(table, column) => {
                transaction.run(&format!("ALTER TABLE {table} ADD COLUMN {}", column.render(engine))).await
            }
            Self::DropColumn(table, column) if !has_column(transaction, table, column).await? => Ok(()),
            Self::DropColumn(table, column) => {
                transaction.run(&format!("ALTER TABLE {table} DROP COLUMN {column}")).await
            }
            Self::AlterColumn(table, column) => alter_column(transaction, table, column).await,
            Self::CreateIndex(name, ..) if has_index(transaction, name).await? => Ok(()),
            Self::CreateIndex(name, table, columns) => transaction.run(&create_index(name, table, columns)).await,
            Self::DropIndex(name, _) if !has_index(transaction, name).await? => Ok(()),
            Self::DropIndex(name, table) => drop_index(transaction, name, table).await,
            Self::SetChecks { table, mysql, sqlite } => match engine {
                Engine::Sqlite => rebuild(transaction, table, None, sqlite).await,
                Engine::Postgres => Ok(()),
                Engine::MySql => add_checks(transaction, table, mysql).await,
            },
            Self::CreateVisibilityType | Self::DropVisibilityType => self.run_on_type(transaction).await,
            Self::CreateTrigger(_) if engine != Engine::MySql || triggers == Triggers::Omit => Ok(()),
            Self::CreateTrigger(trigger) if has_trigger(transaction, trigger.name).await? => Ok(()),
            Self::CreateTrigger(trigger) => transaction.run(trigger.sql).await,
            Self::DropTrigger(trigger) if !has_trigger(transaction, trigger.name).await? => Ok(()),
            Self::DropTrigger(trigger) => transaction.run(&format!("DROP TRIGGER {}", trigger.name)).await,
            Self::FillVisibility if !has_column(transaction, "images", "is_public").await? => Ok(()),
            Self::FillVisibility => {
                for sql in FILL_VISIBILITY {
                    transaction.run(sql).await?;
                }
                Ok(())
            }
            Self::FillIsPublic if !has_column(transaction, "images", "visibility").await? => Ok(()),
            Self::FillIsPublic => transaction.run(FILL_IS_PUBLIC).await,
            Self::Rename(rename) => rename.run(transaction).await.map(drop),
            Self::Run(sql) => transaction.run(sql).await,
        }
    }

    async fn run_on_type(&self, transaction: &mut Transaction) -> Result<()> {
        if transaction.engine() != Engine::Postgres {
            return Ok(());
        }
        let is_there = has_type(transaction, "image_visibility").await?;
        match self {
            Self::CreateVisibilityType if !is_there => transaction.run(head::POSTGRES_VISIBILITY).await,
            Self::DropVisibilityType if is_there => transaction.run("DROP TYPE image_visibility").await,
            _ => Ok(()),
        }
    }
}

async fn create_table(transaction: &mut Transaction, table: &Table) -> Result<()> {
    let engine = transaction.engine();
    if !has_table(transaction, table.name).await? {
        transaction.run(&table.create_without_indexes(engine)).await?;
    }
    for (name, columns) in table.indexes {
        if !has_index(transaction, name).await? {
            transaction.run(&create_index(name, table.name, columns)).await?;
        }
    }
    Ok(())
}

async fn alter_column(transaction: &mut Transaction, table: &str, column: &Column) -> Result<()> {
    match transaction.engine() {
        Engine::Sqlite => rebuild(transaction, table, Some(column), &[]).await,
        Engine::Postgres => {
            transaction.run(&format!("ALTER TABLE {table} {}", column.alter_postgres().join(", "))).await
        }
        Engine::MySql => transaction.run(&format!("ALTER TABLE {table} MODIFY {}", column.render(Engine::MySql))).await,
    }
}

async fn add_checks(transaction: &mut Transaction, table: &str, checks: &[(&str, &str)]) -> Result<()> {
    for (name, column) in checks {
        if !has_check(transaction, table, name).await? {
            let check = format!("ADD CONSTRAINT {name} CHECK ({column} IN (0, 1))");
            transaction.run(&format!("ALTER TABLE {table} {check}")).await?;
        }
    }
    Ok(())
}

/// Drops an index that is there.
pub(crate) async fn drop_index(transaction: &mut Transaction, name: &str, table: &str) -> Result<()> {
    match transaction.engine() {
        Engine::MySql => transaction.run(&format!("DROP INDEX {name} ON {table}")).await,
        Engine::Sqlite | Engine::Postgres => transaction.run(&format!("DROP INDEX {name}")).await,
    }
}
