//! Claims: who may act on a record, and when it is tried again.

use std::time::Duration;

use sea_query::{Expr, ExprTrait as _};

use super::record::{Record, WorkId};
use super::rows;
use crate::database::retry;
use crate::error::Result;
use crate::nodes::NodeId;
use crate::schema::own;
use crate::{Database, nodes};

/// When a record is tried again, and why it is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postponement {
    /// Time until the next try, on the database's clock.
    pub wait: Duration,
    /// What the last try failed with. It must not hold secrets or locations.
    pub problem: String,
}

/// Longer texts do not help operators.
const LONGEST_PROBLEM: usize = 500;

impl Database {
    /// All records, oldest first.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn list_work(&self) -> Result<Vec<Record>> {
        self.records(None).await
    }

    /// The records that a node may claim, oldest first.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn list_node_work(&self, node: &NodeId) -> Result<Vec<Record>> {
        self.records(Some(Expr::col("node_id").eq(node.as_str()))).await
    }

    async fn records(&self, condition: Option<Expr>) -> Result<Vec<Record>> {
        let mut query = rows::select(&self.pools.clock());
        query.cond_where(sea_query::Cond::all().add_option(condition));
        let records = self.pools.fetch(self.engine().render(&query), rows::read).await?;
        Ok(records.into_iter().filter_map(|record| self.readable(record)).collect())
    }

    /// The record with its location opened. One that was sealed with another key is left alone, and logged.
    fn readable(&self, record: Record) -> Option<Record> {
        let image = record.image.clone();
        let opened = rows::open(&self.seal, record);
        opened.inspect_err(|error| tracing::error!(%image, %error, "the location of a record cannot be read")).ok()
    }

    /// Claims a record for `node`: gives it the new fence, with which the claimant may act. `None` when the record has
    /// ended, was claimed since it was read, is for another node or a later version, or the node is fenced; and when it was
    /// undone and its origin is still there.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn claim_work(&self, id: &WorkId, node: &NodeId, fence: &WorkId) -> Result<Option<Record>> {
        let claimed = retry(|| async {
            let mut transaction = self.pools.begin().await?;
            if nodes::lock(&mut transaction, node).await? != Some(nodes::Standing::Live) {
                return Ok(None);
            }
            let mut claim = rows::update(id);
            claim.value("id", fence.as_str()).and_where(Expr::col("node_id").eq(node.as_str()));
            let lowest = Expr::col("min_version");
            claim.and_where(lowest.clone().is_null().or(lowest.lte(own::VERSION)));
            if transaction.execute(&claim).await? == 0 {
                return Ok(None);
            }
            let record = rows::lock(&mut transaction, fence).await?;
            if record.is_undone() && nodes::is_there(&mut transaction, record.origin.as_ref()).await? {
                return Ok(None);
            }
            transaction.commit().await?;
            Ok(Some(record))
        })
        .await?;
        claimed.map(|record| rows::open(&self.seal, record)).transpose()
    }

    /// Writes that the outcome of a try is not known, or that the store refused it; it is tried again later.
    ///
    /// # Errors
    /// [`Kind::Fenced`](crate::Kind::Fenced) when the work has ended or another node has claimed it.
    pub async fn postpone_work(&self, id: &WorkId, postponement: &Postponement) -> Result<()> {
        let wait = i64::try_from(postponement.wait.as_millis()).unwrap_or(i64::MAX / 4);
        let problem: String = postponement.problem.chars().take(LONGEST_PROBLEM).collect();
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let mut update = rows::update(id);
            let tries = Expr::col("tries").if_null(0).add(1);
            update.value("tries", tries).value("problem", problem.as_str());
            update.value("not_before", transaction.clock().add(wait));
            if transaction.execute(&update).await? == 0 {
                return Err(rows::lost());
            }
            transaction.commit().await
        })
        .await
    }

    /// Deletes a record although its work is not done, for an operator who knows better. `false` when there is none.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn forget_work(&self, id: &WorkId) -> Result<bool> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let there = !rows::lock_all(&mut transaction, Expr::col("id").eq(id.as_str())).await?.is_empty();
            rows::delete(&mut transaction, id).await?;
            transaction.commit().await?;
            Ok(there)
        })
        .await
    }

    pub(crate) async fn end_record(&self, id: &WorkId) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            rows::lock(&mut transaction, id).await?;
            rows::delete(&mut transaction, id).await?;
            transaction.commit().await
        })
        .await
    }
}
