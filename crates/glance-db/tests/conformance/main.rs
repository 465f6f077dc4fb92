//! Every query and change, the same way on every database.
//!
//! SQLite always takes part. PostgreSQL and MySQL do when `GLANCE_TEST_POSTGRES_URL` and
//! `GLANCE_TEST_MYSQL_URL` name a server and a user that may create databases, such as
//! `postgresql://glance@127.0.0.1:5432/postgres` and `mysql://root@127.0.0.1:3306/mysql`.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
#![expect(clippy::print_stdout, reason = "says which databases are left out")]

mod stores;
mod support;
mod upstream;

mod audit;
mod connecting;
mod deadlocks;
mod encryption;
mod images;
mod lists;
mod members;
mod metadefs;
mod migrations;
mod nodes;
mod purge;
mod quota;
mod races;
mod removals;
mod rows;
mod schema;
mod seals;
mod transfers;
mod visibility;
