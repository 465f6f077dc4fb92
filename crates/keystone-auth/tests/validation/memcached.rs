//! Tokens shared through a real memcached with the real keystonemiddleware, and through one that cannot be trusted.
//!
//! `GLANCE_TEST_PYTHON` is an interpreter that has keystonemiddleware and python-memcached.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use keystone_auth::{Expired, Lookups, MemcachedOptions, Protection, Secret, Validator};
use serde_json::{Value, json};

use crate::identity::{Identity, answering, good, token};

const SECRET: &str = "between services";

/// Writes and reads entries, as told on lines of JSON: strategy, token, and the document to write, if any. Arguments: the
/// address of memcached, the secret.
const PYTHON: &str = "
import json, logging, sys
from keystonemiddleware.auth_token import _cache
server, secret = sys.argv[1:]
options = dict(cache_time=300, memcached_servers=[server], dead_retry=300, maxsize=10, unused_timeout=60,
               conn_get_timeout=10, socket_timeout=3)
log = logging.getLogger()
for line in sys.stdin:
    strategy, token, document = json.loads(line)
    if strategy == 'None':
        cache = _cache.TokenCache(log, **options)
    else:
        cache = _cache.SecureTokenCache(log, strategy, secret, **options)
    cache.initialize({})
    if document is not None:
        cache.set(token, document)
    print(json.dumps(cache.get(token)), flush=True)
";

/// A memcached; it ends with the value.
struct Memcached {
    address: SocketAddr,
    process: Child,
}

impl Memcached {
    /// `None` where there is none on this machine.
    fn start() -> Option<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        Self::at(address)
    }

    fn at(address: SocketAddr) -> Option<Self> {
        let mut command = Command::new("memcached");
        command.args(["-u", "nobody", "-l", "127.0.0.1", "-m", "16", "-p", &address.port().to_string()]);
        let process = command.stdin(Stdio::null()).spawn();
        let Ok(process) = process else {
            eprintln!("SKIPPED: there is no memcached");
            return None;
        };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "memcached does not listen");
            std::thread::yield_now();
        }
        Some(Self { address, process })
    }

    /// Sends a command and reads what comes back within a moment.
    fn say(&self, command: &str, expected: &str) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(command.as_bytes()).unwrap();
        let mut answer = vec![0; expected.len()];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(String::from_utf8(answer).unwrap(), expected);
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn shared(address: SocketAddr) -> MemcachedOptions {
    MemcachedOptions {
        servers: vec![address.to_string()],
        dead_retry: Duration::from_secs(300),
        connections: 10,
        timeout: Duration::from_secs(3),
        unused_timeout: Duration::from_secs(60),
        wait: Duration::from_secs(10),
    }
}

fn validator(identity: &Identity, memcached: MemcachedOptions, protection: Protection) -> Validator {
    let mut options = identity.options(Some(Duration::from_secs(300)));
    options.shared = Some((memcached, protection));
    Validator::new(options).unwrap()
}

fn protections() -> [(&'static str, Protection); 3] {
    let secret = || Secret::new(SECRET);
    [("None", Protection::None), ("MAC", Protection::Signed(secret())), ("ENCRYPT", Protection::Encrypted(secret()))]
}

/// A keystonemiddleware that does as it is told; it ends with the value.
struct Python {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// `None` where there is none.
    fn start(memcached: &Memcached) -> Option<Self> {
        let interpreter = std::env::var_os("GLANCE_TEST_PYTHON").filter(|interpreter| {
            let modules =
                "import importlib.util as u; assert u.find_spec('keystonemiddleware') and u.find_spec('memcache')";
            let mut look = Command::new(interpreter);
            look.args(["-c", modules]).stderr(Stdio::null()).status().unwrap().success()
        });
        let Some(interpreter) = interpreter else {
            eprintln!("SKIPPED: GLANCE_TEST_PYTHON names no interpreter with keystonemiddleware and python-memcached");
            return None;
        };
        let mut command = Command::new(interpreter);
        command.args(["-W", "ignore", "-c", PYTHON, &memcached.address.to_string(), SECRET]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Some(Self { process, answers })
    }

    /// What it reads, having written the document if there is one.
    fn entry(&mut self, strategy: &str, token: &str, document: Option<&str>) -> Value {
        let line = json!([strategy, token, document.map(parsed)]);
        writeln!(self.process.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        parsed(&answer)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn keystonemiddleware_reads_what_is_written_here_and_the_other_way_round() {
    let Some(memcached) = Memcached::start() else { return };
    let Some(mut python) = Python::start(&memcached) else { return };
    for (strategy, protection) in protections() {
        let knowing = answering(200, good());
        let validator = validator(&knowing, shared(memcached.address), protection.clone());
        validator.validate("ours", Expired::Refused).await.unwrap();
        assert_eq!(knowing.questions(), 1);
        assert_eq!(python.entry(strategy, "ours", None), parsed(&good()), "{strategy}");

        python.entry(strategy, "theirs", Some(&token("2098-01-01T00:00:00.000000Z")));
        let ignorant = answering(404, "{}".to_owned());
        let validator = self::validator(&ignorant, shared(memcached.address), protection);
        for sent in ["theirs", "ours", "ours"] {
            assert_eq!(validator.validate(sent, Expired::Refused).await.unwrap().user.id, "u", "{strategy}");
        }
        assert_eq!(ignorant.questions(), 0);
        assert_eq!(validator.lookups(), Lookups { shared: 3, ..Lookups::default() });
        python.entry(strategy, "old", Some(&token("2020-01-01T00:00:00.000000Z")));
        assert!(validator.validate("old", Expired::Refused).await.is_err());
    }
}

#[tokio::test]
async fn an_entry_of_somebody_without_the_secret_is_not_believed() {
    let Some(memcached) = Memcached::start() else { return };
    for (_, protection) in protections().into_iter().skip(1) {
        let knowing = answering(200, good());
        validator(&knowing, shared(memcached.address), protection.clone())
            .validate("sent", Expired::Refused)
            .await
            .unwrap();
        // Whoever can reach memcached can list its entries and write over them.
        memcached.say("flush_all\r\n", "OK\r\n");
        let name = name_of("sent", &protection);
        let forged = format!("{}{}", "A".repeat(64), good());
        memcached.say(&format!("set {name} 0 0 {}\r\n{forged}\r\n", forged.len()), "STORED\r\n");
        let ignorant = answering(404, "{}".to_owned());
        let validator = validator(&ignorant, shared(memcached.address), protection);
        assert!(validator.validate("sent", Expired::Refused).await.is_err());
        assert_eq!(ignorant.questions(), 1);
    }
}

/// The name of an entry, from somebody who listens.
fn name_of(sent: &str, protection: &Protection) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (sent, protection) = (sent.to_owned(), protection.clone());
    let asking = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let validator = validator(&answering(404, "{}".to_owned()), shared(address), protection);
            assert!(validator.validate(&sent, Expired::Refused).await.is_err());
        });
    });
    let (mut stream, _) = listener.accept().unwrap();
    let mut asked = vec![0; 1024];
    let length = stream.read(&mut asked).unwrap();
    stream.write_all(b"END\r\n").unwrap();
    asking.join().unwrap();
    let asked = String::from_utf8(asked[..length].to_vec()).unwrap();
    asked.strip_prefix("get ").unwrap().trim_end().to_owned()
}

/// A memcached that says this to everybody, or nothing at all.
fn saying(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(answer);
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    address
}

#[tokio::test]
async fn without_a_sane_memcached_keystone_is_asked_at_once() {
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    static ENDLESS: [u8; 100_000] = [b'x'; 100_000];
    let hostile = [
        saying(b""),
        saying(&ENDLESS),
        saying(b"VALUE x 0 2\r\n{}\r\nEND\r\n"),
        saying(b"VALUE tokens/41242b9fae56fae4e6e77dfe33cb18d1c3fc583f988cf25ef9f2d9be0d440bbb 0 99999999999\r\n"),
        saying(b"VALUE tokens/41242b9fae56fae4e6e77dfe33cb18d1c3fc583f988cf25ef9f2d9be0d440bbb 0 -1\r\n"),
        saying(b"\xff\xfe\r\n"),
        saying(b"SERVER_ERROR out of memory\r\n"),
        gone,
    ];
    for address in hostile {
        let identity = answering(200, good());
        let validator = validator(&identity, shared(address), Protection::None);
        let start = Instant::now();
        for sent in ["sent", "another", "third"] {
            assert!(validator.validate(sent, Expired::Refused).await.is_ok());
        }
        // It is waited for once, not for each of six commands.
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
        assert_eq!(identity.questions(), 3);
        let bad = answering(404, "{}".to_owned());
        assert!(
            self::validator(&bad, shared(address), Protection::None).validate("sent", Expired::Refused).await.is_err()
        );
    }
}

#[tokio::test]
async fn a_memcached_that_is_back_is_used_again() {
    let Some(memcached) = Memcached::start() else { return };
    let mut options = shared(memcached.address);
    options.dead_retry = Duration::from_millis(1);
    let identity = answering(200, good());
    let writing = validator(&identity, options.clone(), Protection::None);
    writing.validate("first", Expired::Refused).await.unwrap();
    let address = memcached.address;
    drop(memcached);
    writing.validate("second", Expired::Refused).await.unwrap();
    let _memcached = Memcached::at(address).unwrap();
    let start = Instant::now();
    while start.elapsed() <= 2 * options.dead_retry {
        std::thread::yield_now();
    }
    writing.validate("third", Expired::Refused).await.unwrap();
    let ignorant = answering(404, "{}".to_owned());
    let reading = validator(&ignorant, options, Protection::None);
    assert!(reading.validate("second", Expired::Refused).await.is_err());
    assert!(reading.validate("third", Expired::Refused).await.is_ok());
}
