//! Server processes and their leases, on the database's clock.

use std::time::Duration;

use sea_query::{Expr, ExprTrait as _, LockType, Query};

use crate::database::retry;
use crate::error::{Error, Kind, Result};
use crate::ids::random_id;
use crate::schema::own;
use crate::sql::{Columns, Row, Transaction};
use crate::work::{Record, rows};
use crate::{Database, Engine};

random_id! {
    /// One registration of a server process. At most 36 characters.
    NodeId
}

/// A running server process, with what it takes to find out on the same machine that it has died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// This registration of the process.
    pub id: NodeId,
    /// The machine's name. At most 255 characters.
    pub name: String,
    /// The kernel's boot id: another one means that every process of before is dead.
    pub boot_id: String,
    /// The PID namespace in which `pid` counts.
    pub pid_namespace: String,
    /// The process id.
    pub pid: i64,
    /// When the process started, in clock ticks since boot: tells it from a later one with the same id.
    pub pid_started: i64,
    /// A silence that is longer means that the process is dead or cut off.
    pub lease: Duration,
}

/// A node as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedNode {
    /// The process.
    pub node: Node,
    /// Time since its last heartbeat, on the database's clock.
    pub silence: Duration,
    /// Whether it still counts as one of the live nodes.
    pub standing: Standing,
}

/// Whether a node may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Live,
    /// Its lease ran out and another node took its records over. The process may still be there.
    Fenced,
}

/// Why a node is thought to be dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Its process is certainly gone.
    Certain,
    /// It has not renewed its lease. The transaction checks it.
    Silence,
}

/// What earlier versions had, whose nodes do not say it.
pub(crate) const LEASE_OF_EARLIER_VERSIONS: Duration = Duration::from_secs(60);

impl Database {
    /// Announces a server process; its lease starts now.
    ///
    /// # Errors
    /// [`Kind::Duplicate`] when the id is taken.
    pub async fn register_node(&self, node: &Node) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let now = transaction.clock();
            let mut insert = Query::insert();
            insert.into_table("rs_nodes");
            insert.columns(["id", "name", "boot_id", "pid_namespace", "pid", "pid_started", "lease", "heartbeat"]);
            insert.values([
                Expr::val(node.id.as_str()),
                Expr::val(node.name.as_str()),
                Expr::val(node.boot_id.as_str()),
                Expr::val(node.pid_namespace.as_str()),
                Expr::val(node.pid),
                Expr::val(node.pid_started),
                Expr::val(i64::try_from(node.lease.as_millis()).unwrap_or(i64::MAX)),
                now,
            ])?;
            transaction.execute(&insert).await?;
            transaction.commit().await
        })
        .await
    }

    /// Renews the lease. `false` means that another node has taken the records of this one over: it must end all its
    /// work and register anew under another id.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn heartbeat(&self, node: &NodeId) -> Result<bool> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let mut update = Query::update();
            update.table("rs_nodes").value("heartbeat", transaction.clock());
            update.and_where(Expr::col("id").eq(node.as_str())).and_where(Expr::col("fenced").is_null());
            let alive = transaction.execute(&update).await? > 0;
            transaction.commit().await?;
            Ok(alive)
        })
        .await
    }

    /// Removes the row of a node whose process does nothing any more under that id. Removing one that is not there is no
    /// error.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when it has records left.
    pub async fn forget_node(&self, node: &NodeId) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            if lock(&mut transaction, node).await?.is_none() {
                return Ok(());
            }
            if !records_of(&mut transaction, node).await?.is_empty() {
                return Err(Error::new(Kind::Conflict, "the node has records left"));
            }
            delete(&mut transaction, node).await?;
            transaction.commit().await
        })
        .await
    }

    /// Every node, fenced ones included.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn list_nodes(&self) -> Result<Vec<ListedNode>> {
        let mut query = Query::select();
        query.columns(["id", "name", "boot_id", "pid_namespace", "pid", "pid_started", "lease"]);
        query.expr(self.pools.clock().sub(Expr::col("heartbeat"))).column("fenced").from("rs_nodes");
        query.order_by("name", sea_query::Order::Asc).order_by("id", sea_query::Order::Asc);
        self.pools.fetch(self.engine().render(&query), read).await
    }

    /// Moves the records of a dead node to another one. Of several that try, one gets the records, the others an empty
    /// list. The row of a node that is certainly dead is deleted; a silent one is fenced, and is the origin of its
    /// records from then on.
    ///
    /// Nothing is taken over from a node with records that only a later version understands.
    ///
    /// Each record gets a new fence, so that the dead node can neither complete nor undo it any more.
    ///
    /// # Errors
    /// [`Kind::Fenced`] when the heir is not a live node.
    pub async fn take_over_node(&self, dead: &NodeId, death: Death, heir: &NodeId) -> Result<Vec<Record>> {
        let taken = retry(|| async {
            let mut transaction = self.pools.begin().await?;
            if dead == heir || !is_to_be_taken_over(&mut transaction, dead, death).await? {
                return Ok(Vec::new());
            }
            require(&mut transaction, heir).await?;
            if has_later_records(&mut transaction, dead).await? {
                return Ok(Vec::new());
            }
            let mut taken = Vec::new();
            for record in records_of(&mut transaction, dead).await? {
                // The first silent node is the one that began the upload; its heirs create nothing.
                let silent = (death != Death::Certain).then(|| dead.clone());
                let origin = record.origin.clone().or(silent);
                let mut update = rows::update(&record.id);
                let new = Record { id: self.new_work_id(), node: heir.clone(), origin, wait: Duration::ZERO, ..record };
                update.value("id", new.id.as_str()).value("node_id", heir.as_str());
                update.value("origin", new.origin.as_ref().map(|node| node.as_str().to_owned()));
                transaction.execute(update.value("not_before", Option::<i64>::None)).await?;
                taken.push(new);
            }
            match death {
                Death::Certain => delete(&mut transaction, dead).await?,
                Death::Silence => fence(&mut transaction, dead).await?,
            }
            transaction.commit().await?;
            Ok(taken)
        })
        .await?;
        taken.into_iter().map(|record| rows::open(&self.seal, record)).collect()
    }
}

/// Locks the dead node's row, and says whether somebody has to take over from it.
async fn is_to_be_taken_over(transaction: &mut Transaction, dead: &NodeId, death: Death) -> Result<bool> {
    let standing = lock(transaction, dead).await?;
    if death == Death::Certain || standing != Some(Standing::Live) {
        return Ok(death == Death::Certain && standing.is_some());
    }
    let mut query = Query::select();
    query.expr(transaction.clock().sub(Expr::col("heartbeat"))).column("lease").from("rs_nodes");
    query.and_where(Expr::col("id").eq(dead.as_str()));
    let found = transaction.fetch(&query, |row| {
        let mut columns = Columns::of(row);
        Ok((milliseconds(columns.integer()?), lease(columns.optional_integer()?)))
    });
    Ok(found.await?.pop().is_some_and(|(silence, lease)| silence > lease))
}

/// Whether only a later version of the service may take over from the node.
async fn has_later_records(transaction: &mut Transaction, node: &NodeId) -> Result<bool> {
    let mut query = Query::select();
    query.column("id").from("rs_transfers").and_where(Expr::col("node_id").eq(node.as_str()));
    query.and_where(Expr::col("min_version").gt(own::VERSION)).limit(1);
    Ok(!transaction.fetch(&query, |_| Ok(())).await?.is_empty())
}

async fn records_of(transaction: &mut Transaction, node: &NodeId) -> Result<Vec<Record>> {
    rows::lock_all(transaction, Expr::col("node_id").eq(node.as_str())).await
}

fn read(row: &dyn Row) -> Result<ListedNode> {
    let mut columns = Columns::of(row);
    let node = Node {
        id: NodeId::new(columns.text()?),
        name: columns.text()?,
        boot_id: columns.text()?,
        pid_namespace: columns.text()?,
        pid: columns.integer()?,
        pid_started: columns.integer()?,
        lease: lease(columns.optional_integer()?),
    };
    let silence = milliseconds(columns.integer()?);
    Ok(ListedNode { node, silence, standing: standing(columns.optional_integer()?) })
}

/// A clock that was set back makes the silence negative; such a node has just been alive.
fn milliseconds(time: i64) -> Duration {
    Duration::from_millis(u64::try_from(time).unwrap_or(0))
}

fn lease(column: Option<i64>) -> Duration {
    column.map_or(LEASE_OF_EARLIER_VERSIONS, milliseconds)
}

fn standing(fenced: Option<i64>) -> Standing {
    if fenced.is_some() { Standing::Fenced } else { Standing::Live }
}

/// Locks the node's row until the end of the transaction. `None` when there is none.
pub(crate) async fn lock(transaction: &mut Transaction, node: &NodeId) -> Result<Option<Standing>> {
    let mut query = Query::select();
    query.column("fenced").from("rs_nodes").and_where(Expr::col("id").eq(node.as_str()));
    if transaction.engine() != Engine::Sqlite {
        query.lock(LockType::Update);
    }
    Ok(transaction.fetch(&query, |row| Columns::of(row).optional_integer()).await?.pop().map(standing))
}

/// Whether a node has a row, be it fenced. A row that has gone never comes back.
pub(crate) async fn is_there(transaction: &mut Transaction, node: Option<&NodeId>) -> Result<bool> {
    let Some(node) = node else { return Ok(false) };
    let query = Query::select().column("id").from("rs_nodes").and_where(Expr::col("id").eq(node.as_str())).take();
    Ok(!transaction.fetch(&query, |_| Ok(())).await?.is_empty())
}

/// As [`lock`], for a node that must be live.
///
/// # Errors
/// [`Kind::Fenced`] when it is not.
pub(crate) async fn require(transaction: &mut Transaction, node: &NodeId) -> Result<()> {
    match lock(transaction, node).await? {
        Some(Standing::Live) => Ok(()),
        _ => Err(Error::new(Kind::Fenced, "the node is not registered, or another node has taken over from it")),
    }
}

async fn fence(transaction: &mut Transaction, node: &NodeId) -> Result<()> {
    let mut update = Query::update();
    update.table("rs_nodes").value("fenced", transaction.clock()).and_where(Expr::col("id").eq(node.as_str()));
    transaction.execute(&update).await?;
    Ok(())
}

async fn delete(transaction: &mut Transaction, node: &NodeId) -> Result<()> {
    let mut delete = Query::delete();
    delete.from_table("rs_nodes").and_where(Expr::col("id").eq(node.as_str()));
    transaction.execute(&delete).await?;
    Ok(())
}
