//! Server processes and their leases, on the database's clock.

use std::time::Duration;

use sea_query::{Expr, ExprTrait as _, LockType, Query};

use crate::database::retry;
use crate::error::{Error, Kind, Result};
use crate::sql::{Columns, Row, Transaction};
use crate::transfer::{Node, NodeId, Transfer, TransferId};
use crate::{Database, Engine, transfers};

impl Engine {
    /// The database's clock, in milliseconds since 1970.
    fn clock(self) -> Expr {
        Expr::cust(match self {
            Self::Sqlite => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
            Self::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
            Self::MySql => "CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)",
        })
    }
}

impl Database {
    /// Announces a server process; its lease starts now.
    ///
    /// # Errors
    /// [`Kind::Duplicate`] when the id is taken.
    pub async fn register_node(&self, node: &Node) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let mut insert = Query::insert();
            insert.into_table("rs_nodes");
            insert.columns(["id", "name", "boot_id", "pid_namespace", "pid", "pid_started", "heartbeat"]);
            insert.values([
                Expr::val(node.id.as_str()),
                Expr::val(node.name.as_str()),
                Expr::val(node.boot_id.as_str()),
                Expr::val(node.pid_namespace.as_str()),
                Expr::val(node.pid),
                Expr::val(node.pid_started),
                transaction.engine().clock(),
            ])?;
            transaction.execute(&insert).await?;
            transaction.commit().await
        })
        .await
    }

    /// Renews the lease. `false` means that somebody has declared the node dead and taken over its
    /// transfers: it must end all of them and register anew.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn heartbeat(&self, node: &NodeId) -> Result<bool> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let mut update = Query::update();
            update.table("rs_nodes").value("heartbeat", transaction.engine().clock());
            update.and_where(Expr::col("id").eq(node.as_str()));
            let alive = transaction.execute(&update).await? > 0;
            transaction.commit().await?;
            Ok(alive)
        })
        .await
    }

    /// Removes a node that stops in good order. Forgetting one that is not there is no error.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when it has transfers left.
    pub async fn forget_node(&self, node: &NodeId) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            if !lock(&mut transaction, node).await? {
                return Ok(());
            }
            if !transfers::of_node(&mut transaction, node).await?.is_empty() {
                return Err(Error::new(Kind::Conflict, "the node has transfers left"));
            }
            delete(&mut transaction, node).await?;
            transaction.commit().await
        })
        .await
    }

    /// Every node with the time since its last heartbeat, both on the database's clock.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn list_nodes(&self) -> Result<Vec<(Node, Duration)>> {
        let mut query = Query::select();
        query.columns(["id", "name", "boot_id", "pid_namespace", "pid", "pid_started"]);
        query.expr(self.engine().clock().sub(Expr::col("heartbeat"))).from("rs_nodes");
        query.order_by("name", sea_query::Order::Asc).order_by("id", sea_query::Order::Asc);
        self.pools.fetch(self.engine().render(&query), read).await
    }

    /// Moves the transfers of a dead node to another one and removes the dead node. Of several that try,
    /// one gets the transfers, the others an empty list.
    ///
    /// Each transfer gets a new id, so that a node which was only thought to be dead can neither complete
    /// nor undo it any more.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when the heir is not a registered node.
    pub async fn take_over_node(&self, dead: &NodeId, heir: &NodeId) -> Result<Vec<Transfer>> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            if dead == heir || !lock(&mut transaction, dead).await? {
                return Ok(Vec::new());
            }
            require(&mut transaction, heir).await?;
            let mut taken = Vec::new();
            for transfer in transfers::of_node(&mut transaction, dead).await? {
                let new = Transfer { id: TransferId::random(), node: heir.clone(), ..transfer.clone() };
                transfers::rename(&mut transaction, &transfer.id, &new).await?;
                taken.push(new);
            }
            delete(&mut transaction, dead).await?;
            transaction.commit().await?;
            Ok(taken)
        })
        .await
    }
}

fn read(row: &dyn Row) -> Result<(Node, Duration)> {
    let mut columns = Columns::of(row);
    let node = Node {
        id: NodeId::new(columns.text()?),
        name: columns.text()?,
        boot_id: columns.text()?,
        pid_namespace: columns.text()?,
        pid: columns.integer()?,
        pid_started: columns.integer()?,
    };
    // A clock that was set back makes the age negative; such a node has just been alive.
    let age = u64::try_from(columns.integer()?).unwrap_or(0);
    Ok((node, Duration::from_millis(age)))
}

/// Locks the node's row until the end of the transaction. `false` when there is none.
pub(crate) async fn lock(transaction: &mut Transaction, node: &NodeId) -> Result<bool> {
    let mut query = Query::select();
    query.column("id").from("rs_nodes").and_where(Expr::col("id").eq(node.as_str()));
    if transaction.engine() != Engine::Sqlite {
        query.lock(LockType::Update);
    }
    Ok(!transaction.fetch(&query, |_| Ok(())).await?.is_empty())
}

/// As [`lock`], for a node that must be there.
///
/// # Errors
/// [`Kind::Conflict`] when it is not.
pub(crate) async fn require(transaction: &mut Transaction, node: &NodeId) -> Result<()> {
    if lock(transaction, node).await? {
        return Ok(());
    }
    Err(Error::new(Kind::Conflict, "the node is not registered, or has been declared dead"))
}

async fn delete(transaction: &mut Transaction, node: &NodeId) -> Result<()> {
    let mut delete = Query::delete();
    delete.from_table("rs_nodes").and_where(Expr::col("id").eq(node.as_str()));
    transaction.execute(&delete).await?;
    Ok(())
}
