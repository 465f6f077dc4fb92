//! What keeps the service from its database is told at once, in the words of who knows.

use std::error::Error as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use glance_db::{Database, Engine, Error, Kind, Settings};

use crate::support::Fixture;

/// No failure here takes as long as this, which only ends a test that waits.
const FOR_EVER: Duration = Duration::from_secs(3600);

async fn failure(settings: Settings) -> Error {
    Database::connect(&Settings { acquire_timeout: FOR_EVER, ..settings }).await.unwrap_err()
}

/// With the causes.
fn whole(error: &Error) -> String {
    format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default())
}

/// Nobody serves port 1.
#[tokio::test]
async fn a_refused_connection() {
    for dialect in ["mysql+pymysql", "postgresql"] {
        let error = failure(Settings::new(format!("{dialect}://u:secret@127.0.0.1:1/d"))).await;
        let told = whole(&error);
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(told.contains("127.0.0.1:1:") && told.contains("refused"), "{told}");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ask = |dialect| failure(Settings::new(format!("{dialect}://127.0.0.1:{port}/d?connect_timeout=1")));
    let (mysql, postgres) = tokio::join!(ask("mysql"), ask("postgresql"));
    for error in [mysql, postgres] {
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(whole(&error).contains("timed out"), "{}", whole(&error));
    }
}

#[tokio::test]
async fn a_file_that_is_not_there() {
    for parameter in ["mysql://h/d?ssl_ca=/nowhere/ca.pem", "postgresql://h/d?sslrootcert=/nowhere/ca.pem"] {
        let error = failure(Settings { connect_retries: None, ..Settings::new(parameter) }).await;
        assert_eq!(error.kind(), Kind::Invalid, "trying again does not help");
        assert!(whole(&error).contains("/nowhere/ca.pem"), "{}", whole(&error));
    }
}

#[tokio::test]
async fn a_session_that_cannot_begin() {
    let Some(fixture) = Fixture::create(Engine::MySql).await else { return };
    let settings = Settings { mysql_sql_mode: "NONSENSE".into(), ..fixture.settings() };
    let error = failure(settings).await;
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(whole(&error).contains("sql_mode = 'NONSENSE'"), "{}", whole(&error));
    let settings = Settings { url: format!("{}?init_command=SET%20nonsense", fixture.url), ..fixture.settings() };
    let error = failure(settings).await;
    assert!(whole(&error).contains("SET nonsense"), "{}", whole(&error));
    fixture.remove().await;
}

#[tokio::test]
async fn a_user_who_is_not_let_in() {
    for (engine, words) in [(Engine::MySql, "Access denied"), (Engine::Postgres, "does not exist")] {
        let Some(fixture) = Fixture::create(engine).await else { continue };
        let url = format!("{}?user=nobody_knows&password=secret", fixture.url);
        let error = failure(Settings { connect_retries: None, ..Settings::new(url) }).await;
        assert!(whole(&error).contains(words) && !whole(&error).contains("secret"), "{}", whole(&error));
        fixture.remove().await;
    }
}

#[tokio::test]
async fn a_server_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
    let server = std::thread::spawn(move || let_in(&mut listener.accept().unwrap().0));
    let url = format!("postgresql://u@/d?host={}&port=5432&sslmode=disable", folder.path().display());
    let settings = Settings { acquire_timeout: Duration::from_millis(500), ..Settings::new(url) };
    let database = Database::connect(&settings).await.unwrap();
    server.join().unwrap();
    let error = database.ping().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(whole(&error).contains("refused"), "{}", whole(&error));
}

/// Who says hello to this PostgreSQL is let in, and then asked to leave.
fn let_in(client: &mut UnixStream) {
    let mut length = [0; 4];
    client.read_exact(&mut length).unwrap();
    let mut hello = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap() - length.len()];
    client.read_exact(&mut hello).unwrap();
    client.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").unwrap();
    client.read_to_end(&mut hello).unwrap();
}
