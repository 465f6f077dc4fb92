//! Just enough of HTTP/1.1 to ask a server of this machine something: one request, one connection.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::error::{Context as _, Result};

const TIMEOUT: Duration = Duration::from_secs(120);

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Sends one request to 127.0.0.1 and reads the answer until the server closes.
pub(crate) fn call(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
    let what = format!("{method} {path} on port {port}");
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context(&what)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n")?;
    }
    if !body.is_empty() {
        write!(request, "Content-Length: {}\r\n", body.len())?;
    }
    write!(request, "\r\n{body}")?;
    stream.write_all(request.as_bytes()).context(&what)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context(&what)?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| format!("{what}: the answer is not HTTP").into())
}

/// Whether the server on `port` says that it is well.
pub(crate) fn is_healthy(port: u16) -> bool {
    call(port, "GET", "/healthcheck", &[], "").is_ok_and(|answer| answer.status == 200)
}

fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Some(Answer { status, body: if chunked { join_chunks(body)? } else { body.to_owned() } })
}

fn join_chunks(mut rest: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.push_str(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix("\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_plain_and_chunked_answers() {
        let plain = parse("HTTP/1.1 300 Multiple Choices\r\nContent-Length: 2\r\n\r\nhi").unwrap();
        assert_eq!((plain.status, plain.body.as_str()), (300, "hi"));
        let chunked =
            parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n").unwrap();
        assert_eq!(chunked.body, "abcd");
        assert!(parse("nonsense").is_none());
    }
}
