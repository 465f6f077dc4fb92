//! A client for memcached servers, as far as a cache needs one: `get` and `set` of the text protocol
//! (<https://github.com/memcached/memcached/blob/master/doc/protocol.txt>).
//!
//! Nothing here is worth waiting for: a server that is slow, gone or talks nonsense is left alone for a while, and what
//! it should have known is unknown.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The largest value that is read or written, in bytes: more than that, memcached does not take by default.
const LARGEST: usize = 1 << 20;

/// The longest line that a server may send, in bytes.
const LONGEST_LINE: u64 = 1024;

/// How often another server is looked for in place of one that is gone.
const ATTEMPTS: usize = 10;

/// Where the servers are, and how long they are waited for. The names in brackets are those of `[keystone_authtoken]`.
#[derive(Debug, Clone)]
pub struct MemcachedOptions {
    /// `host:port`, `inet:host:port`, `inet6:[address]:port` or `unix:path` (`memcached_servers`).
    pub servers: Vec<String>,
    /// How long a server that failed is left alone (`memcache_pool_dead_retry`).
    pub dead_retry: Duration,
    /// How many connections there are to each server (`memcache_pool_maxsize`).
    pub connections: usize,
    /// How long a server may take to answer (`memcache_pool_socket_timeout`).
    pub timeout: Duration,
    /// How long an idle connection is kept (`memcache_pool_unused_timeout`).
    pub unused_timeout: Duration,
    /// How long to wait for a connection when all are in use (`memcache_pool_conn_get_timeout`).
    pub wait: Duration,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for S {}

type Connection = BufReader<Box<dyn Stream>>;

/// The servers that share the keys.
pub(crate) struct Memcached {
    options: MemcachedOptions,
    servers: Vec<Server>,
}

struct Server {
    place: Place,
    permits: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// With the times at which they were last used, the latest at the end.
    idle: VecDeque<(Connection, Instant)>,
    dead_until: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Tcp(String, u16),
    Unix(String),
}

/// What is asked of a server.
enum Command<'a> {
    Get,
    Set(&'a [u8], Duration),
}

impl Memcached {
    /// A client; `None` for a server's name that makes no sense. Nothing is connected yet.
    pub(crate) fn new(options: MemcachedOptions) -> Result<Self, String> {
        let connections = options.connections.clamp(1, Semaphore::MAX_PERMITS);
        let server = |name: &String| {
            let place = place(name).ok_or_else(|| name.clone())?;
            Ok(Server { place, permits: Semaphore::new(connections), state: Mutex::default() })
        };
        let servers = options.servers.iter().map(server).collect::<Result<_, String>>()?;
        Ok(Self { options, servers })
    }

    /// The value of `key`, if a server has it and says so in time. The key has no spaces and at most 250 bytes.
    pub(crate) async fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.ask(key, &Command::Get).await
    }

    /// Leaves a value with a server for a while, if there is one.
    pub(crate) async fn set(&self, key: &str, value: &[u8], keep: Duration) {
        if value.len() <= LARGEST {
            self.ask(key, &Command::Set(value, keep)).await;
        }
    }

    /// Asks the server that has the key or, where that is gone, the one that has it then.
    async fn ask(&self, key: &str, command: &Command<'_>) -> Option<Vec<u8>> {
        for index in candidates(key, self.servers.len()) {
            let server = &self.servers[index];
            if server.is_dead() {
                continue;
            }
            let Ok(Ok(_permit)) = timeout(self.options.wait, server.permits.acquire()).await else { return None };
            match timeout(self.options.timeout, server.exchange(key, command, self.options.unused_timeout)).await {
                Ok(Ok(found)) => return found,
                Ok(Err(error)) => server.bury(&error, self.options.dead_retry),
                Err(_) => server.bury(&std::io::ErrorKind::TimedOut.into(), self.options.dead_retry),
            }
        }
        None
    }
}

impl Server {
    fn is_dead(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.dead_until.is_some_and(|until| until > Instant::now())
    }

    /// Leaves the server alone for a while.
    fn bury(&self, error: &std::io::Error, retry: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.idle.clear();
        state.dead_until = Some(Instant::now() + retry);
        drop(state);
        tracing::warn!(server = ?self.place, %error, seconds = retry.as_secs(), "memcached is left alone for a while");
    }

    /// One question and its answer. A connection on which something is left over is closed.
    async fn exchange(
        &self,
        key: &str,
        command: &Command<'_>,
        unused_timeout: Duration,
    ) -> std::io::Result<Option<Vec<u8>>> {
        if let Some(mut connection) = self.idle(unused_timeout) {
            match talk(&mut connection, key, command).await {
                // The server may have closed it meanwhile.
                Err(_) => {}
                Ok(found) => return Ok(self.done(connection, found)),
            }
        }
        let stream: Box<dyn Stream> = match &self.place {
            Place::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Place::Unix(path) => Box::new(UnixStream::connect(path).await?),
        };
        let mut connection = BufReader::new(stream);
        let found = talk(&mut connection, key, command).await?;
        Ok(self.done(connection, found))
    }

    fn idle(&self, unused_timeout: Duration) -> Option<Connection> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.idle.front().is_some_and(|(_, since)| since.elapsed() > unused_timeout) {
            state.idle.pop_front();
        }
        state.idle.pop_back().map(|(connection, _)| connection)
    }

    fn done(&self, connection: Connection, found: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.dead_until = None;
        state.idle.push_back((connection, Instant::now()));
        found
    }
}

async fn talk(connection: &mut Connection, key: &str, command: &Command<'_>) -> std::io::Result<Option<Vec<u8>>> {
    match command {
        Command::Get => {
            connection.write_all(format!("get {key}\r\n").as_bytes()).await?;
            connection.flush().await?;
            value(connection, key).await
        }
        Command::Set(value, keep) => {
            let mut request = format!("set {key} 0 {} {}\r\n", keep.as_secs(), value.len()).into_bytes();
            request.extend_from_slice(value);
            request.extend_from_slice(b"\r\n");
            connection.write_all(&request).await?;
            connection.flush().await?;
            match line(connection).await?.as_str() {
                "STORED" => Ok(None),
                other => Err(nonsense(other)),
            }
        }
    }
}

/// Reads `VALUE key flags length`, the bytes and `END`, or `END` alone.
async fn value(connection: &mut Connection, key: &str) -> std::io::Result<Option<Vec<u8>>> {
    let head = line(connection).await?;
    if head == "END" {
        return Ok(None);
    }
    let words: Vec<&str> = head.split(' ').collect();
    let ["VALUE", sent, flags, length] = words[..] else { return Err(nonsense(&head)) };
    let length = length.parse().ok().filter(|length| *length <= LARGEST && sent == key);
    let mut bytes = vec![0; length.ok_or_else(|| nonsense(&head))?];
    connection.read_exact(&mut bytes).await?;
    if !line(connection).await?.is_empty() || line(connection).await? != "END" {
        return Err(nonsense("no end"));
    }
    // Other flags stand for what Python has pickled or compressed, which nobody does with tokens.
    Ok((flags == "0").then_some(bytes))
}

async fn line(connection: &mut Connection) -> std::io::Result<String> {
    let mut line = Vec::new();
    connection.take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
    let text = line.strip_suffix(b"\r\n").and_then(|line| std::str::from_utf8(line).ok());
    text.map(str::to_owned).ok_or_else(|| nonsense("no line"))
}

fn nonsense(said: &str) -> std::io::Error {
    let said: String = said.chars().take(40).collect();
    std::io::Error::new(std::io::ErrorKind::InvalidData, format!("unexpected answer {said:?}"))
}

/// The servers that may have a key, the first one first, chosen as python-memcached does, so that all services choose
/// the same: by the upper half of the key's CRC-32, and by that of the number before with the count of the attempt.
fn candidates(key: &str, servers: usize) -> impl Iterator<Item = usize> {
    let hash = |text: &[u8]| (crc32(text) >> 16) & 0x7fff;
    let mut current = hash(key.as_bytes());
    (0..if servers == 0 { 0 } else { ATTEMPTS }).map(move |attempt| {
        let index = current as usize % servers;
        current = hash(format!("{current}{attempt}").as_bytes());
        index
    })
}

/// The checksum of zlib and Ethernet (RFC 1952, section 8), bit by bit: keys are short.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

fn place(name: &str) -> Option<Place> {
    if let Some(path) = name.strip_prefix("unix:") {
        return Some(Place::Unix(path.to_owned()));
    }
    let (host, port) = match name.strip_prefix("inet6:[").or_else(|| name.strip_prefix('[')) {
        Some(rest) => rest.split_once(']')?,
        None => {
            let rest = name.strip_prefix("inet:").unwrap_or(name);
            rest.split_at(rest.find(':').unwrap_or(rest.len()))
        }
    };
    let port = if port.is_empty() { 11_211 } else { port.strip_prefix(':')?.parse().ok()? };
    (!host.is_empty()).then(|| Place::Tcp(host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_have_the_names_of_python_memcached() {
        let tcp = |host: &str, port| Some(Place::Tcp(host.to_owned(), port));
        assert_eq!(place("localhost"), tcp("localhost", 11_211));
        assert_eq!(place("inet:cache:1"), tcp("cache", 1));
        assert_eq!(place("inet6:[::1]:2"), tcp("::1", 2));
        assert_eq!(place("inet6:[::1]"), tcp("::1", 11_211));
        assert_eq!(place("[::1]:2"), tcp("::1", 2));
        assert_eq!(place("unix:/run/m"), Some(Place::Unix("/run/m".to_owned())));
        for name in ["", ":1", "host:", "host:x", "host:70000", "inet6:[::1"] {
            assert_eq!(place(name), None, "{name}");
        }
    }

    #[test]
    fn the_server_of_a_key_is_the_one_that_python_memcached_chooses() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        // From `memcache.Client(["a", "b", "c"])._get_server`, each choice being dead.
        let chosen: Vec<usize> = candidates("tokens/abc", 3).collect();
        assert_eq!(chosen, [0, 0, 0, 0, 2, 1, 1, 0, 1, 0]);
        assert_eq!(candidates("tokens/abc", 0).count(), 0);
    }
}
