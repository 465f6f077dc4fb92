//! Projects that images are shared with.

use glance_domain::{ImageId, Member, MemberStatus, ProjectId, Timestamp};
use sea_query::{Expr, ExprTrait as _, LockType, Query, SelectStatement, UpdateStatement};

use crate::database::retry;
use crate::error::{Error, Kind, Result};
use crate::images::columns::{constant, live, parse, parse_id};
use crate::images::read::not_found;
use crate::sql::{Columns, Row, Transaction};
use crate::{Database, Engine};

impl Database {
    /// The members of an image, in the order in which they were added. Nothing is said about whether the
    /// image exists.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn list_members(&self, image: &ImageId) -> Result<Vec<Member>> {
        let query = select_live(image);
        self.pools.fetch(self.engine().render(&query), read).await
    }

    /// Shares an image with a project. A project that was a member before gets its old row back, in which the
    /// row's number and its beginning are old. `most` is how many members the image may have then.
    ///
    /// # Errors
    /// [`Kind::Duplicate`] when it is a member, [`Kind::LimitReached`] when there are `most` members already,
    /// [`Kind::NotFound`] when there is no such image.
    pub async fn add_member(&self, member: &Member, most: Option<u64>) -> Result<Member> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            lock_image(&mut transaction, &member.image).await?;
            if let Some(most) = most {
                check_room(&mut transaction, &member.image, most).await?;
            }
            let mut added = member.clone();
            match find_row(&mut transaction, member).await? {
                Some((_, false, _)) => return Err(Error::new(Kind::Duplicate, "the project is a member already")),
                Some((row, true, created_at)) => {
                    added.created_at = created_at;
                    revive(&mut transaction, row, member).await?;
                }
                None => insert(&mut transaction, member).await?,
            }
            transaction.commit().await?;
            Ok(added)
        })
        .await
    }

    /// Sets what a member says about an image.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when the project is not a member.
    pub async fn update_member(
        &self,
        image: &ImageId,
        project: &ProjectId,
        status: MemberStatus,
        now: Timestamp,
    ) -> Result<Member> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let mut update = update_live(image, project);
            update.value("status", status.as_str()).value("updated_at", transaction.engine().time(now));
            if transaction.execute(&update).await? == 0 {
                return Err(no_member());
            }
            let mut query = select_live(image);
            query.and_where(Expr::col("member").eq(project.as_str()));
            let updated = transaction.fetch(&query, read).await?.into_iter().next().ok_or_else(no_member)?;
            transaction.commit().await?;
            Ok(updated)
        })
        .await
    }

    /// Ends the sharing of an image with a project.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when the project is not a member.
    pub async fn delete_member(&self, image: &ImageId, project: &ProjectId, now: Timestamp) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let time = transaction.engine().time(now);
            let mut update = update_live(image, project);
            update.value("deleted", constant(true)).value("deleted_at", time.clone()).value("updated_at", time);
            if transaction.execute(&update).await? == 0 {
                return Err(no_member());
            }
            transaction.commit().await
        })
        .await
    }
}

fn no_member() -> Error {
    Error::new(Kind::NotFound, "the project is not a member of the image")
}

fn select_live(image: &ImageId) -> SelectStatement {
    let mut query = Query::select();
    query.columns(["image_id", "member", "status", "created_at", "updated_at"]).from("image_members");
    query.and_where(Expr::col("image_id").eq(image.as_str())).and_where(live("image_members"));
    query.order_by("id", sea_query::Order::Asc).take()
}

fn update_live(image: &ImageId, project: &ProjectId) -> UpdateStatement {
    let mut update = Query::update();
    update.table("image_members").and_where(Expr::col("image_id").eq(image.as_str()));
    update.and_where(Expr::col("member").eq(project.as_str())).and_where(live("image_members")).take()
}

fn read(row: &dyn Row) -> Result<Member> {
    let mut columns = Columns::of(row);
    let image = parse_id(&columns.text()?)?;
    let project = ProjectId::new(columns.text()?);
    let status = parse(&columns.text()?)?;
    let created_at = columns.time()?;
    let updated_at = columns.optional_time()?.unwrap_or(created_at);
    Ok(Member { image, project, status, created_at, updated_at })
}

/// Two that share the image at the same time come one after the other.
async fn lock_image(transaction: &mut Transaction, image: &ImageId) -> Result<()> {
    let mut query = Query::select();
    query.column("id").from("images").and_where(Expr::col("id").eq(image.as_str())).and_where(live("images"));
    if transaction.engine() != Engine::Sqlite {
        query.lock(LockType::Update);
    }
    let rows = transaction.fetch(&query, |_| Ok(())).await?;
    if rows.is_empty() { Err(not_found()) } else { Ok(()) }
}

/// Counts under the lock of the image, so that two that share it at the same time cannot both take the last place.
async fn check_room(transaction: &mut Transaction, image: &ImageId, most: u64) -> Result<()> {
    let mut query = Query::select();
    query.expr(Expr::cust("COUNT(*)")).from("image_members");
    query.and_where(Expr::col("image_id").eq(image.as_str())).and_where(live("image_members"));
    let counts = transaction.fetch(&query, |row| Columns::of(row).integer()).await?;
    let count = counts.first().copied().unwrap_or_default();
    if u64::try_from(count).is_ok_and(|count| count < most) {
        return Ok(());
    }
    Err(Error::new(Kind::LimitReached, format!("the image has {count} members")))
}

/// The row of the pair, whether it is deleted and when it was made; a live row before deleted ones.
async fn find_row(transaction: &mut Transaction, member: &Member) -> Result<Option<(i64, bool, Timestamp)>> {
    let mut query = Query::select();
    query.columns(["id", "deleted", "created_at"]).from("image_members");
    query.and_where(Expr::col("image_id").eq(member.image.as_str()));
    query.and_where(Expr::col("member").eq(member.project.as_str()));
    query.order_by("deleted", sea_query::Order::Asc).order_by("id", sea_query::Order::Asc).limit(1);
    let rows = transaction.fetch(&query, |row| {
        let mut columns = Columns::of(row);
        Ok((columns.integer()?, columns.flag()?, columns.time()?))
    });
    Ok(rows.await?.into_iter().next())
}

async fn revive(transaction: &mut Transaction, row: i64, member: &Member) -> Result<()> {
    let engine = transaction.engine();
    let mut update = Query::update();
    update.table("image_members").value("status", member.status.as_str()).value("can_share", constant(false));
    update.value("updated_at", engine.time(member.updated_at));
    update.value("deleted", constant(false)).value("deleted_at", engine.optional_time(None));
    update.and_where(Expr::col("id").eq(row));
    transaction.execute(&update).await?;
    Ok(())
}

async fn insert(transaction: &mut Transaction, member: &Member) -> Result<()> {
    let engine = transaction.engine();
    let mut insert = Query::insert();
    insert.into_table("image_members");
    insert.columns(["image_id", "member", "status", "can_share", "created_at", "updated_at", "deleted"]);
    insert.values([
        Expr::val(member.image.as_str()),
        Expr::val(member.project.as_str()),
        Expr::val(member.status.as_str()),
        constant(false),
        Expr::val(engine.time(member.created_at)),
        Expr::val(engine.time(member.updated_at)),
        constant(false),
    ])?;
    transaction.execute(&insert).await?;
    Ok(())
}
