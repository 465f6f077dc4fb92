//! What the catalogue knows of stores themselves: the identities of their places.

use glance_domain::StoreId;
use sea_query::{Expr, ExprTrait as _, Order, Query};

use crate::Database;
use crate::database::retry;
use crate::error::{Error, Kind, Result};
use crate::schema::catalog::has_table;
use crate::sql::{Columns, Row, Transaction};

const TABLE: &str = "rs_stores";

/// The longest name of a place that fits the column, in characters.
const LONGEST_PLACE: usize = 255;

/// The identity that a place of a store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreIdentity {
    /// The store.
    pub store: StoreId,
    /// The place, such as a folder. At most 255 characters.
    pub place: String,
    /// What the place must hold. At most 64 characters.
    pub identity: String,
}

impl Database {
    /// The identities of all places of all stores.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn store_identities(&self) -> Result<Vec<StoreIdentity>> {
        let mut query = Query::select();
        query.columns(["store", "place", "identity"]).from(TABLE);
        query.order_by("store", Order::Asc).order_by("place", Order::Asc);
        self.pools.fetch(self.engine().render(&query), read).await
    }

    /// Writes the identity of a place unless it has one; returns the one that it has then.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when the name of the place is too long.
    pub async fn settle_store_identity(&self, new: &StoreIdentity) -> Result<String> {
        check(new)?;
        let settled = retry(|| async {
            let mut transaction = self.pools.begin().await?;
            if let Some(there) = find(&mut transaction, new).await? {
                return Ok(there);
            }
            insert(&mut transaction, new).await?;
            transaction.commit().await?;
            Ok(new.identity.clone())
        });
        match settled.await {
            // Another process has just written one.
            Err(error) if error.kind() == Kind::Duplicate => {
                let mut transaction = self.pools.begin_reading().await?;
                let there = find(&mut transaction, new).await?;
                transaction.commit().await?;
                there.ok_or(error)
            }
            settled => settled,
        }
    }

    /// Writes the identity of a place whatever it had.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when the name of the place is too long.
    pub async fn replace_store_identity(&self, new: &StoreIdentity) -> Result<()> {
        check(new)?;
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let mut delete = Query::delete();
            delete.from_table(TABLE).and_where(is(new));
            transaction.execute(&delete).await?;
            insert(&mut transaction, new).await?;
            transaction.commit().await
        })
        .await
    }

    /// Whether the service's own tables are there.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn has_own_tables(&self) -> Result<bool> {
        let mut transaction = self.pools.begin_reading().await?;
        let there = has_table(&mut transaction, TABLE).await?;
        transaction.commit().await?;
        Ok(there)
    }
}

fn check(new: &StoreIdentity) -> Result<()> {
    if new.place.chars().count() <= LONGEST_PLACE {
        return Ok(());
    }
    Err(Error::new(Kind::Invalid, format!("the name {} is longer than {LONGEST_PLACE} characters", new.place)))
}

fn is(new: &StoreIdentity) -> Expr {
    Expr::col("store").eq(new.store.as_str()).and(Expr::col("place").eq(new.place.as_str()))
}

async fn find(transaction: &mut Transaction, new: &StoreIdentity) -> Result<Option<String>> {
    let query = Query::select().column("identity").from(TABLE).and_where(is(new)).take();
    Ok(transaction.fetch(&query, |row| Columns::of(row).text()).await?.pop())
}

async fn insert(transaction: &mut Transaction, new: &StoreIdentity) -> Result<()> {
    let mut insert = Query::insert();
    insert.into_table(TABLE).columns(["store", "place", "identity"]);
    insert.values([new.store.as_str(), &new.place, &new.identity].map(Expr::val))?;
    transaction.execute(&insert).await?;
    Ok(())
}

fn read(row: &dyn Row) -> Result<StoreIdentity> {
    let mut columns = Columns::of(row);
    let (store, place) = (StoreId::new(columns.text()?), columns.text()?);
    Ok(StoreIdentity { store, place, identity: columns.text()? })
}
