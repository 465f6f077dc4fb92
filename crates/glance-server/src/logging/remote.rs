//! The system's log (RFC 3164) and the journal of systemd (its native protocol).

use std::io::Write as _;
use std::net::{TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use oslo::logging::{Level, SyslogAddress};

use super::writer::Line;

/// How long a log on another machine may take.
const TIMEOUT: Duration = Duration::from_secs(5);
const JOURNAL: &str = "/run/systemd/journal/socket";
/// The longest text that is sent to the journal in a datagram, in bytes.
const JOURNAL_TEXT: usize = 64 << 10;

/// A connection to syslog, made when it is first needed.
pub(super) struct Syslog {
    address: SyslogAddress,
    facility: u8,
    /// The name of the program, where lines begin with time and name as syslog(3) writes them.
    program: Option<&'static str>,
    connection: Option<Connection>,
}

enum Connection {
    Datagram(UnixDatagram),
    Stream(UnixStream),
    Udp(UdpSocket),
    Tcp(TcpStream),
}

impl Syslog {
    pub(super) fn new(address: SyslogAddress, facility: u8, program: Option<&'static str>) -> Self {
        Self { address, facility, program, connection: None }
    }

    /// Sends a line; a broken connection is made once more.
    pub(super) fn write(&mut self, level: Level, text: &str) -> std::io::Result<()> {
        let message = self.message(level, text);
        if let Some(connection) = &mut self.connection
            && connection.send(&message).is_ok()
        {
            return Ok(());
        }
        self.connection = None;
        let mut connection = Connection::open(&self.address)?;
        connection.send(&message)?;
        self.connection = Some(connection);
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "the log has the time of the machine")]
    fn message(&self, level: Level, text: &str) -> Vec<u8> {
        let priority = u32::from(self.facility) * 8 + u32::from(level.syslog_priority());
        match self.program {
            Some(program) => {
                let time = chrono::Utc::now().with_timezone(&chrono::Local).format("%b %e %H:%M:%S");
                format!("<{priority}>{time} {program}: {text}").into_bytes()
            }
            // Python's handler ends its messages with a zero byte.
            None => format!("<{priority}>{text}\0").into_bytes(),
        }
    }
}

impl Connection {
    fn open(address: &SyslogAddress) -> std::io::Result<Self> {
        match address {
            SyslogAddress::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.set_write_timeout(Some(TIMEOUT))?;
                match socket.connect(path) {
                    Ok(()) => Ok(Self::Datagram(socket)),
                    Err(_) => {
                        let stream = UnixStream::connect(path)?;
                        stream.set_write_timeout(Some(TIMEOUT))?;
                        Ok(Self::Stream(stream))
                    }
                }
            }
            SyslogAddress::Udp(host, port) => {
                let address = resolve(host, *port)?;
                let any = if address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
                let socket = UdpSocket::bind(any)?;
                socket.connect(address)?;
                Ok(Self::Udp(socket))
            }
            SyslogAddress::Tcp(host, port) => {
                let stream = TcpStream::connect_timeout(&resolve(host, *port)?, TIMEOUT)?;
                stream.set_write_timeout(Some(TIMEOUT))?;
                Ok(Self::Tcp(stream))
            }
        }
    }

    fn send(&mut self, message: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Datagram(socket) => socket.send(message).map(drop),
            Self::Udp(socket) => socket.send(message).map(drop),
            Self::Stream(stream) => stream.write_all(message),
            Self::Tcp(stream) => stream.write_all(message),
        }
    }
}

fn resolve(host: &str, port: u16) -> std::io::Result<std::net::SocketAddr> {
    let mut found = (host, port).to_socket_addrs()?;
    found.next().ok_or_else(|| std::io::Error::other(format!("{host} has no address")))
}

/// The journal.
pub(super) struct Journal {
    program: &'static str,
    facility: u8,
    socket: Option<UnixDatagram>,
}

impl Journal {
    pub(super) fn new(program: &'static str, facility: u8) -> Self {
        Self { program, facility, socket: None }
    }

    pub(super) fn write(&mut self, line: &Line) -> std::io::Result<()> {
        let message = self.message(line);
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => none.insert(UnixDatagram::unbound()?),
        };
        socket.send_to(&message, JOURNAL).map(drop)
    }

    fn message(&self, line: &Line) -> Vec<u8> {
        let end = line.text.floor_char_boundary(JOURNAL_TEXT);
        let mut message = Vec::new();
        push_field(&mut message, "MESSAGE", &line.text[..end]);
        push_field(&mut message, "PRIORITY", &line.level.syslog_priority().to_string());
        push_field(&mut message, "SYSLOG_IDENTIFIER", self.program);
        push_field(&mut message, "SYSLOG_FACILITY", &self.facility.to_string());
        line.fields.iter().for_each(|(name, value)| push_field(&mut message, name, value));
        message
    }
}

/// `NAME=value`, or the name, the length as 64 bits in little endian, and the value where it has several lines.
/// <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>
fn push_field(message: &mut Vec<u8>, name: &str, value: &str) {
    message.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        message.push(b'\n');
        message.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        message.push(b'=');
    }
    message.extend_from_slice(value.as_bytes());
    message.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        let fields = vec![("REQUEST_ID", "req-1".to_owned())];
        Line { handler: "h".to_owned(), level: Level::WARNING, text: text.to_owned(), fields }
    }

    #[test]
    fn syslog_lines_arrive_with_their_priority() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let listener = UnixDatagram::bind(&path).unwrap();
        let address = SyslogAddress::Unix(path.display().to_string());
        let mut received = [0; 200];
        Syslog::new(address.clone(), 16, None).write(Level::WARNING, "hello").unwrap();
        let length = listener.recv(&mut received).unwrap();
        assert_eq!(&received[..length], b"<132>hello\0");
        let mut syslog = Syslog::new(address, 1, Some("glance-api"));
        syslog.write(Level::INFO, "hello").unwrap();
        let length = listener.recv(&mut received).unwrap();
        let text = std::str::from_utf8(&received[..length]).unwrap();
        assert!(text.starts_with("<14>") && text.ends_with(" glance-api: hello"), "{text}");
        // A log that was started anew gets the next line.
        drop(listener);
        std::fs::remove_file(&path).unwrap();
        assert!(syslog.write(Level::INFO, "nobody").is_err());
        let listener = UnixDatagram::bind(&path).unwrap();
        syslog.write(Level::INFO, "again").unwrap();
        assert!(listener.recv(&mut received).unwrap() > 0);
    }

    #[test]
    fn the_journal_gets_fields() {
        let message = Journal::new("glance-api", 1).message(&line("a\nb"));
        let expected = b"MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\nPRIORITY=4\nSYSLOG_IDENTIFIER=glance-api\n\
                         SYSLOG_FACILITY=1\nREQUEST_ID=req-1\n";
        assert_eq!(message, expected);
    }
}
