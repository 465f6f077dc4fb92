//! A blocking HTTP/1.1 client that can also do what clients should not: stop in the middle, lie about lengths.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::wait;

/// Who the caller is, unless a request says otherwise. A service without authentication ignores these; Python Glance, set
/// up to trust them, does not.
const IDENTITY: [(&str, &str); 4] = [
    ("X-Identity-Status", "Confirmed"),
    ("X-User-Id", "acceptance"),
    ("X-Project-Id", "acceptance"),
    ("X-Roles", "admin,member,reader"),
];

/// Where a service answers.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// Its address.
    pub address: SocketAddr,
}

/// A request without its body.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// How the length of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length` with this number, true or not.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// A request whose body is being sent; dropping it makes the client vanish.
pub struct Sending {
    stream: TcpStream,
    framing: Framing,
}

/// An answer whose body is being read; dropping it makes the client vanish.
pub struct Receiving {
    /// The status code.
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
    left: Left,
}

/// What of a body is still to be read.
#[derive(Debug, Clone, Copy)]
enum Left {
    Bytes(u64),
    Chunk(u64),
    UntilClose,
    Nothing,
}

impl Request {
    /// A request for `path`, which begins with a slash.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a JSON body and its type.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("Content-Type", "application/json")
    }

    /// Sets a body.
    #[must_use]
    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    fn head(&self, endpoint: &Endpoint, framing: Option<Framing>) -> String {
        let mut lines = vec![format!("{} {} HTTP/1.1", self.method, self.path), format!("Host: {}", endpoint.address)];
        lines.push("Connection: close".to_owned());
        let is_said = |name: &str| self.headers.iter().any(|(said, _)| said.eq_ignore_ascii_case(name));
        let identity = IDENTITY.iter().filter(|(name, _)| !is_said(name));
        lines.extend(identity.map(|(name, value)| format!("{name}: {value}")));
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        match framing {
            Some(Framing::Length(length)) => lines.push(format!("Content-Length: {length}")),
            Some(Framing::Chunked) => lines.push("Transfer-Encoding: chunked".to_owned()),
            None => {}
        }
        lines.join("\r\n") + "\r\n\r\n"
    }
}

impl Endpoint {
    /// `http://address:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When the connection breaks or the answer is not HTTP.
    pub fn try_send(&self, request: &Request) -> io::Result<Response> {
        let has_body = !request.body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
        let framing = has_body.then_some(Framing::Length(request.body.len() as u64));
        let mut sending = self.send_head(request, framing)?;
        // A refusal may come, and the connection be closed, before all was sent: then the answer is what counts.
        let sent = sending.stream.write_all(&request.body);
        let answer = sending.receive().and_then(Receiving::finish);
        if answer.is_err() { sent.and(answer) } else { answer }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Panics
    /// When the connection breaks or the answer is not HTTP.
    #[must_use]
    pub fn send(&self, request: &Request) -> Response {
        self.try_send(request).unwrap_or_else(|error| panic!("{} {}: {error}", request.method, request.path))
    }

    /// Sends the head of a request; the body is the caller's to send.
    ///
    /// # Panics
    /// When there is no connection.
    #[must_use]
    pub fn begin(&self, request: &Request, framing: Framing) -> Sending {
        self.send_head(request, Some(framing)).unwrap()
    }

    /// Sends the head of a request whose body will have `length` bytes; the body is the caller's to send.
    ///
    /// # Errors
    /// When there is no connection.
    pub fn try_begin(&self, request: &Request, length: u64) -> io::Result<Sending> {
        self.send_head(request, Some(Framing::Length(length)))
    }

    /// Sends a request and reads the head of the answer; the body is the caller's to read.
    ///
    /// # Panics
    /// When the connection breaks or the answer is not HTTP.
    #[must_use]
    pub fn open(&self, request: &Request) -> Receiving {
        self.send_head(request, None).and_then(Sending::receive).unwrap()
    }

    fn send_head(&self, request: &Request, framing: Option<Framing>) -> io::Result<Sending> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(10 * wait::SOON))?;
        stream.set_write_timeout(Some(10 * wait::SOON))?;
        stream.write_all(request.head(self, framing).as_bytes())?;
        Ok(Sending { stream, framing: framing.unwrap_or(Framing::Length(0)) })
    }
}

impl Sending {
    /// Sends a piece of the body.
    ///
    /// # Errors
    /// When the server has closed the connection.
    pub fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.framing != Framing::Chunked {
            return self.stream.write_all(piece);
        }
        write!(self.stream, "{:x}\r\n", piece.len())?;
        self.stream.write_all(piece)?;
        self.stream.write_all(b"\r\n")
    }

    /// Ends the body and reads the whole answer.
    ///
    /// # Errors
    /// When the connection breaks or the answer is not HTTP.
    pub fn finish(mut self) -> io::Result<Response> {
        if self.framing == Framing::Chunked {
            self.stream.write_all(b"0\r\n\r\n")?;
        }
        self.receive()?.finish()
    }

    fn receive(self) -> io::Result<Receiving> {
        let mut reader = BufReader::with_capacity(1 << 17, self.stream);
        let status_line = read_line(&mut reader)?;
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| broken(&format!("no status in {status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = read_line(&mut reader)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| broken(&format!("no header: {line:?}")))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let left = match (status, find(&headers, "transfer-encoding"), find(&headers, "content-length")) {
            (204 | 304, ..) => Left::Nothing,
            (_, Some("chunked"), _) => Left::Chunk(0),
            (_, _, Some(length)) => Left::Bytes(length.parse().map_err(|_| broken("Content-Length is no number"))?),
            _ => Left::UntilClose,
        };
        Ok(Receiving { status, headers, reader, left })
    }
}

impl Receiving {
    /// Reads the rest of the body.
    ///
    /// # Errors
    /// When the connection breaks before the body's end.
    pub fn finish(mut self) -> io::Result<Response> {
        let mut body = Vec::new();
        self.read_to_end(&mut body)?;
        Ok(Response { status: self.status, headers: self.headers, body })
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let mut line = read_line(&mut self.reader)?;
        if line.is_empty() {
            line = read_line(&mut self.reader)?;
        }
        let size = u64::from_str_radix(line.trim(), 16).map_err(|_| broken("no size of a chunk"))?;
        self.left = if size == 0 { Left::Nothing } else { Left::Chunk(size) };
        Ok(())
    }
}

impl Read for Receiving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if matches!(self.left, Left::Chunk(0)) {
            self.next_chunk()?;
        }
        let limit = match self.left {
            Left::Nothing | Left::Bytes(0) => return Ok(0),
            Left::Bytes(left) | Left::Chunk(left) => usize::try_from(left).unwrap_or(usize::MAX),
            Left::UntilClose => usize::MAX,
        };
        let end = buffer.len().min(limit);
        let count = self.reader.read(&mut buffer[..end])?;
        if count == 0 && end > 0 && !matches!(self.left, Left::UntilClose) {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the body broke off"));
        }
        match &mut self.left {
            Left::Bytes(left) | Left::Chunk(left) => *left -= count as u64,
            Left::UntilClose | Left::Nothing => {}
        }
        Ok(count)
    }
}

impl Response {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// This answer, if it has the status.
    ///
    /// # Panics
    /// When it has another.
    #[must_use]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

fn find<'a>(headers: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
}

fn read_line(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed without an answer"));
    }
    Ok(line.trim_end().to_owned())
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
