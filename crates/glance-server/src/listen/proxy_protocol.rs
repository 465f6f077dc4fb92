//! The PROXY protocol, versions 1 and 2: what a proxy says of the client before the client's own bytes.
//!
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>. No byte behind the header is read.

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The first bytes of version 2; version 1 is longer, too.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// The longest line of version 1, with its end.
const LONGEST_LINE: usize = 107;

/// The most that version 2 may say after its fixed part, in bytes. The addresses have 216 at most.
const LONGEST_REST: usize = 4096;

/// Reads the header. Gives the client's address; `None` where the proxy speaks for itself or does not know.
///
/// # Errors
/// When what comes is no such header, or ends in the middle of it.
pub async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<Option<SocketAddr>> {
    let mut start = [0; SIGNATURE.len()];
    stream.read_exact(&mut start).await?;
    if start == SIGNATURE {
        return read_binary(stream).await;
    }
    if !start.starts_with(b"PROXY ") {
        return Err(wrong("the connection does not begin with a header of the PROXY protocol"));
    }
    let mut line = start.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() == LONGEST_LINE {
            return Err(wrong("the line of the PROXY protocol does not end"));
        }
        line.push(stream.read_u8().await?);
    }
    parse_line(&line).ok_or_else(|| wrong("the line of the PROXY protocol makes no sense"))
}

/// The outer `None` is for what makes no sense.
fn parse_line(line: &[u8]) -> Option<Option<SocketAddr>> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix("\r\n")?;
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["PROXY", "UNKNOWN", ..] => Some(None),
        ["PROXY", family @ ("TCP4" | "TCP6"), source, destination, port, other] => {
            let [source, destination]: [IpAddr; 2] = [source.parse().ok()?, destination.parse().ok()?];
            let fits = |address: IpAddr| address.is_ipv4() == (*family == "TCP4");
            let (port, _): (u16, u16) = (port.parse().ok()?, other.parse().ok()?);
            (fits(source) && fits(destination)).then_some(Some(SocketAddr::new(source, port)))
        }
        _ => None,
    }
}

async fn read_binary<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<Option<SocketAddr>> {
    let [version_and_command, family, high, low] = stream.read_u32().await?.to_be_bytes();
    let length = usize::from(u16::from_be_bytes([high, low]));
    if version_and_command >> 4 != 2 || length > LONGEST_REST {
        return Err(wrong("the header of the PROXY protocol is none of version 2"));
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    match version_and_command & 0xF {
        // A health check of the proxy itself.
        0 => Ok(None),
        1 => parse_addresses(family, &rest).ok_or_else(|| wrong("the addresses of the PROXY protocol are cut off")),
        _ => Err(wrong("the command of the PROXY protocol is unknown")),
    }
}

/// Only addresses of TCP are of interest; the outer `None` is for those that are cut off.
fn parse_addresses(family: u8, rest: &[u8]) -> Option<Option<SocketAddr>> {
    const TCP_OVER_IPV4: u8 = 0x11;
    const TCP_OVER_IPV6: u8 = 0x21;
    let port = |at: usize| Some(u16::from_be_bytes(rest.get(at..at + 2)?.try_into().ok()?));
    match family {
        TCP_OVER_IPV4 => {
            let source: [u8; 4] = rest.get(..4)?.try_into().ok()?;
            port(10)?;
            Some(Some(SocketAddr::new(Ipv4Addr::from(source).into(), port(8)?)))
        }
        TCP_OVER_IPV6 => {
            let source: [u8; 16] = rest.get(..16)?.try_into().ok()?;
            port(34)?;
            Some(Some(SocketAddr::new(Ipv6Addr::from(source).into(), port(32)?)))
        }
        _ => Some(None),
    }
}

fn wrong(text: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is made of some bytes, and how many are left.
    async fn read_all(mut bytes: &[u8]) -> (std::io::Result<Option<SocketAddr>>, usize) {
        let result = read(&mut bytes).await;
        (result, bytes.len())
    }

    fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[tokio::test]
    async fn headers_of_both_versions_name_the_client_and_nothing_more_is_read() {
        let four: SocketAddr = "192.0.2.1:56324".parse().unwrap();
        let six: SocketAddr = "[2001:db8::1]:443".parse().unwrap();
        let v4 = [&[192, 0, 2, 1, 10, 0, 0, 1][..], &56324_u16.to_be_bytes(), &[1, 187], b"more"].concat();
        let v6 = [&"2001:db8::1".parse::<Ipv6Addr>().unwrap().octets()[..], &[0; 16], &[1, 187, 0, 80]].concat();
        for (header, expected) in [
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n".to_vec(), Some(four)),
            (b"PROXY TCP6 2001:db8::1 ::1 443 80\r\n".to_vec(), Some(six)),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n".to_vec(), None),
            (binary(0x21, 0x11, &v4), Some(four)),
            (binary(0x21, 0x21, &v6), Some(six)),
            (binary(0x21, 0x31, &[0; 216]), None),
            (binary(0x20, 0x00, b""), None),
        ] {
            let (found, left) = read_all(&[&header[..], b"GET / "].concat()).await;
            assert_eq!((found.unwrap(), left), (expected, 6), "{header:?}");
        }
    }

    #[tokio::test]
    async fn everything_else_is_refused() {
        let endless = [b"PROXY TCP4 ", &[b'1'; 200][..]].concat();
        for bad in [
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 10.0.0.1 1\r\n".to_vec(),
            b"PROXY TCP4 ::1 ::1 1 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 10.0.0.1 70000 1\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1".to_vec(),
            endless,
            binary(0x11, 0x11, &[0; 12]),
            binary(0x22, 0x11, &[0; 12]),
            binary(0x21, 0x11, &[0; 11]),
            binary(0x21, 0x11, &[0; 5000]),
            binary(0x21, 0x11, &[0; 12])[..20].to_vec(),
            Vec::new(),
        ] {
            assert!(read_all(&bad).await.0.is_err(), "{bad:?}");
        }
    }
}
