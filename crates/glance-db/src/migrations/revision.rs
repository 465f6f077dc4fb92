//! What a revision is.

use super::location_metadata::Rename;
use super::step::Step;
use crate::error::Result;
use crate::schema::catalog::{has_column, has_table};
use crate::sql::{Columns, Transaction};

/// A revision of upstream's schema.
pub(crate) struct Revision {
    /// Its name in `alembic_version`.
    pub(crate) id: &'static str,
    /// What it changes, in a few words.
    pub(crate) about: &'static str,
    /// The revision that it follows; `None` for the first.
    pub(crate) follows: Option<&'static str>,
    /// A revision of the other branch that has to be applied before.
    pub(crate) needs: Option<&'static str>,
    pub(crate) upgrade: &'static [Step],
    pub(crate) downgrade: &'static [Step],
    /// What the downgrade cannot keep.
    pub(crate) loses: &'static [Loses],
}

/// Something that a downgrade cannot keep.
pub(crate) struct Loses {
    /// In words for the operator.
    pub(crate) what: &'static str,
    pub(crate) table: &'static str,
    /// A column without which there is nothing to lose, where an interrupted downgrade has dropped it already.
    pub(crate) column: &'static str,
    pub(crate) rows: Rows,
}

/// The rows that lose something.
pub(crate) enum Rows {
    /// Those that meet a condition, the same on every engine.
    Where(&'static str),
    /// Those that have the old key without the new one already, which the next upgrade would rename.
    Renamed(Rename),
}

/// A revision, and whether the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionStatus {
    /// Its name in `alembic_version`.
    pub id: &'static str,
    /// What it changes, in a few words.
    pub about: &'static str,
    /// Whether the database has it.
    pub is_applied: bool,
}

/// What a downgrade would destroy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The revision whose downgrade does it.
    pub revision: &'static str,
    /// In words for the operator.
    pub what: &'static str,
    /// In how many rows.
    pub rows: u64,
}

impl Revision {
    /// A revision that changes nothing: upstream has one of each branch in every release.
    pub(crate) const fn empty(id: &'static str, follows: &'static str, needs: Option<&'static str>) -> Self {
        Self { id, about: "nothing", follows: Some(follows), needs, upgrade: &[], downgrade: &[], loses: &[] }
    }

    /// The revisions that have to be applied before this one.
    pub(crate) fn parents(&self) -> impl Iterator<Item = &'static str> {
        self.follows.into_iter().chain(self.needs)
    }

    /// What the downgrade would destroy.
    pub(crate) async fn losses(&self, transaction: &mut Transaction) -> Result<Vec<Loss>> {
        let mut losses = Vec::new();
        for loses in self.loses {
            let rows = loses.count(transaction).await?;
            if rows > 0 {
                losses.push(Loss { revision: self.id, what: loses.what, rows });
            }
        }
        Ok(losses)
    }
}

impl Loses {
    async fn count(&self, transaction: &mut Transaction) -> Result<u64> {
        if !has_table(transaction, self.table).await? || !has_column(transaction, self.table, self.column).await? {
            return Ok(0);
        }
        match self.rows {
            Rows::Where(condition) => self.count_where(condition, transaction).await,
            Rows::Renamed(rename) => rename.count(transaction).await,
        }
    }

    async fn count_where(&self, condition: &'static str, transaction: &mut Transaction) -> Result<u64> {
        let mut query = sea_query::Query::select();
        query.expr(sea_query::Expr::cust("COUNT(*)")).from(self.table);
        query.and_where(sea_query::Expr::cust(condition));
        let counts = transaction.fetch(&query, |row| Columns::of(row).integer()).await?;
        Ok(counts.first().and_then(|count| u64::try_from(*count).ok()).unwrap_or(0))
    }
}
