//! The database dies under load and comes back: no acknowledged change is lost, nothing succeeds twice, and the service
//! goes on by itself. With SQLite, which has no server, it is the service that dies.

mod load;

use std::thread;
use std::time::{Duration, Instant};

use acceptance::database::Database;
use acceptance::environment;
use acceptance::shared::{Engine, Service, Shared};

use load::{Answers, Load};

/// How often the victim dies.
const DEATHS: u32 = 3;

#[test]
fn of_sqlite() {
    outages(Engine::Sqlite);
}

#[test]
fn of_postgres() {
    outages(Engine::Postgres);
}

#[test]
fn of_mysql() {
    outages(Engine::MySql);
}

/// A service and its database, of which one can die.
struct Deployment {
    shared: Shared,
    service: Service,
    database: Option<Database>,
}

impl Deployment {
    fn start(engine: Engine) -> Self {
        let database = (engine != Engine::Sqlite).then(|| Database::start(engine));
        let shared = Shared::on_server(engine, database.as_ref().map_or("", |database| &database.url));
        shared.manage(&["db", "sync"]);
        Self { service: shared.start_ours(), shared, database }
    }

    fn kill(&mut self) {
        match &mut self.database {
            Some(database) => database.kill(),
            None => self.service.kill(),
        }
    }

    fn start_again(&mut self, load: &Load) {
        match &mut self.database {
            Some(database) => database.start_again(),
            None => {
                self.service = self.shared.start_ours();
                load.turn_to(self.service.endpoint);
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "tells what it has counted")]
fn outages(engine: Engine) {
    let (clients, between) = if environment::is_full() { (64, Duration::from_secs(15)) } else { (8, Duration::ZERO) };
    let mut deployment = Deployment::start(engine);
    let answers = if deployment.database.is_some() { Answers::Always } else { Answers::WhileItLives };
    let load = Load::new(deployment.service.endpoint, answers);
    let known: usize = thread::scope(|scope| {
        let (_stop, load) = (load.stop_at_end(), &load);
        let clients: Vec<_> = (0..clients).map(|number| scope.spawn(move || load::client(load, number))).collect();
        for _ in 0..DEATHS {
            work(load, between);
            deployment.kill();
            load.wait_for_a_refusal();
            deployment.start_again(load);
        }
        work(load, between);
        load.stop();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    println!("{engine:?}, {clients} clients, {DEATHS} deaths: {load}; {known} images looked at again in the end");
}

/// Lets the clients go on for a while, and until they have done something.
fn work(load: &Load, time: Duration) {
    let since = Instant::now();
    load.go_on(100);
    while since.elapsed() < time {
        load.go_on(1);
    }
}
