//! A transaction that the server gives up, because it and another are in each other's way, runs again.

use std::time::Duration;

use glance_db::{Database, Engine, Settings};
use glance_domain::query::Viewer;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};
use tokio::task::JoinSet;

use crate::support::{Fixture, at, full_image};

/// On a machine too busy to get into each other's way in time, the server gives up the other transaction.
const ROUNDS: u32 = 20;

const WAITING_POSTGRES: &str =
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
const WAITING_MYSQL: &str = "SELECT 1 FROM information_schema.innodb_trx JOIN information_schema.processlist \
    ON id = trx_mysql_thread_id WHERE trx_state = 'LOCK WAIT' AND db = DATABASE()";

/// Between two looks; InnoDB shows an old state to those who look more often than every 100 ms.
const GLANCE: Duration = Duration::from_millis(120);

#[tokio::test]
async fn postgres() {
    provoke::<PgConnection>(Engine::Postgres, WAITING_POSTGRES).await;
}

#[tokio::test]
async fn mysql() {
    provoke::<MySqlConnection>(Engine::MySql, WAITING_MYSQL).await;
}

/// Where transactions keep to the state in which they began, one that would change what has changed since has to begin anew.
#[tokio::test]
async fn serialization_on_postgres() {
    let Some(fixture) = Fixture::create(Engine::Postgres).await else { return };
    fixture.prepared().await.close().await;
    let isolation = "options=-cdefault_transaction_isolation%3Drepeatable%5C%20read";
    let settings = Settings { url: format!("{}?{isolation}", fixture.url), ..fixture.settings() };
    let database = Database::connect(&settings).await.unwrap();
    let before = full_image();
    database.create_image(&before).await.unwrap();
    let mut other = PgConnection::connect(&fixture.url).await.unwrap();
    let mut watcher = PgConnection::connect(&fixture.url).await.unwrap();
    run(&mut other, "BEGIN").await.unwrap();
    run(&mut other, "UPDATE images SET min_ram = 1").await.unwrap();
    let mut after = before.clone();
    after.name = Some("saved".into());
    let saving = database.save_image(&before, &after, at(2));
    let committing = async {
        while !is_met(&mut watcher, WAITING_POSTGRES).await {
            tokio::time::sleep(GLANCE).await;
        }
        run(&mut other, "COMMIT").await.unwrap();
    };
    let (saved, ()) = tokio::join!(saving, committing);
    let saved = saved.unwrap();
    assert_eq!((saved.name.as_deref(), saved.min_ram), (Some("saved"), 1));
    other.close().await.unwrap();
    watcher.close().await.unwrap();
    database.close().await;
    fixture.remove().await;
}

/// Saving changes the image and then its properties; the other transaction does so the other way around.
async fn provoke<C>(engine: Engine, waiting: &str)
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
{
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.prepared().await;
    let mut before = full_image();
    // InnoDB gives up the transaction that has changed less.
    before.properties.extend((0..50).map(|number| (format!("p{number}"), Some(String::new()))));
    database.create_image(&before).await.unwrap();
    let mut other = C::connect(&fixture.url).await.unwrap();
    let mut watcher = C::connect(&fixture.url).await.unwrap();
    let mut given_up = false;
    for round in 0..ROUNDS {
        run(&mut other, "BEGIN").await.unwrap();
        run(&mut other, "UPDATE image_properties SET value = 'other'").await.unwrap();
        let mut after = before.clone();
        after.properties.insert("p7".into(), Some(format!("saved {round}")));
        let mut tasks = JoinSet::new();
        let saving = tasks.spawn({
            let (database, before, after) = (database.clone(), before.clone(), after.clone());
            async move { database.save_image(&before, &after, at(2)).await }
        });
        while !saving.is_finished() && !is_met(&mut watcher, waiting).await {
            tokio::time::sleep(GLANCE).await;
        }
        // Saving has the image: the other gets it only if saving is given up.
        given_up = run(&mut other, "UPDATE images SET name = 'other'").await.is_ok();
        run(&mut other, if given_up { "COMMIT" } else { "ROLLBACK" }).await.unwrap();
        let saved = tasks.join_next().await.unwrap().unwrap().unwrap();
        assert_eq!(saved.properties["p7"], after.properties["p7"]);
        let stored = database.get_image(&before.id, &Viewer::Admin(None)).await.unwrap();
        assert_eq!(stored.properties["p7"], after.properties["p7"]);
        if given_up {
            assert_eq!(stored.name.as_deref(), Some("other"));
            break;
        }
    }
    assert!(given_up, "the other transaction lost all {ROUNDS} times");
    other.close().await.unwrap();
    watcher.close().await.unwrap();
    database.close().await;
    fixture.remove().await;
}

async fn run<C>(connection: &mut C, sql: &'static str) -> sqlx::Result<()>
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
{
    connection.execute(sqlx::raw_sql(sql)).await.map(drop)
}

async fn is_met<C>(connection: &mut C, sql: &str) -> bool
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
{
    connection.fetch_optional(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await.unwrap().is_some()
}
