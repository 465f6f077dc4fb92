//! Which URLs and addresses may be asked for users (`[import_filtering_opts]`).

use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Url};

use crate::error::{Error, Kind, Result};

use super::address::{Network, network_of, readings};

/// What the operator lets the service ask for users.
///
/// A list of what is allowed makes the one of what is not meaningless; an empty list says nothing.
#[derive(Clone, Debug, Default)]
pub struct UrlFilter {
    /// Schemes that may be used (`allowed_schemes`).
    pub allowed_schemes: Vec<String>,
    /// Schemes that may not be used (`disallowed_schemes`).
    pub disallowed_schemes: Vec<String>,
    /// Hosts that may be asked, on this machine and in private networks, too (`allowed_hosts`). An address in this
    /// list may be asked, whatever it is.
    pub allowed_hosts: Vec<String>,
    /// Hosts that may not be asked (`disallowed_hosts`).
    pub disallowed_hosts: Vec<String>,
    /// Ports that may be named (`allowed_ports`).
    pub allowed_ports: Vec<u16>,
    /// Ports that may not be named (`disallowed_ports`).
    pub disallowed_ports: Vec<u16>,
    /// Private networks may be asked only where `allowed_hosts` names the host (`disallow_private`).
    pub disallow_private: bool,
}

impl UrlFilter {
    /// Judges a URL by what is written in it. Does no I/O; addresses of names are judged when they are resolved.
    ///
    /// # Errors
    /// `BadLocation` for a URL that may not be asked. The message does not repeat it.
    pub fn judge(&self, text: &str) -> Result<Url> {
        let authority = authority(text).ok_or_else(|| refused("is malformed"))?;
        let url = Url::parse(text).map_err(|error| refused("is malformed").with_source(error))?;
        let host = url.host().ok_or_else(|| refused("names no host"))?;
        if is_disguised(authority, &host) {
            return Err(refused("writes an address in a form that only resolvers understand"));
        }
        if !passes(&self.allowed_schemes, &self.disallowed_schemes, |listed| listed == url.scheme()) {
            return Err(refused("has a scheme that is not allowed"));
        }
        let name = host_name(&host);
        if !passes(&self.allowed_hosts, &self.disallowed_hosts, |listed| is_host(listed, &name)) {
            return Err(refused("names a host that is not allowed"));
        }
        let port = port_in(authority, &url);
        if port.is_some_and(|port| !passes(&self.allowed_ports, &self.disallowed_ports, |listed| *listed == port)) {
            return Err(refused("names a port that is not allowed"));
        }
        if address_of(&host).is_some_and(|address| !self.allows_host_at(&name, address)) {
            return Err(refused("names an address that may not be asked"));
        }
        Ok(url)
    }

    /// Whether the host of this name, as a URL names it, may be asked at this address.
    #[must_use]
    pub fn allows_host_at(&self, host: &str, address: IpAddr) -> bool {
        if self.lists(&self.allowed_hosts, address) {
            return true;
        }
        let vouched = || self.allowed_hosts.iter().any(|listed| is_host(listed, host));
        let reachable = match network_of(address) {
            Network::Public => true,
            Network::Private => !self.disallow_private || vouched(),
            Network::Loopback => vouched(),
            Network::LinkLocal | Network::NoHost | Network::Metadata => false,
        };
        let named = || readings(address).into_iter().any(|reading| self.lists(&self.disallowed_hosts, reading));
        reachable && !(self.allowed_hosts.is_empty() && named())
    }

    fn lists(&self, hosts: &[String], address: IpAddr) -> bool {
        hosts.iter().any(|listed| bare(listed).parse() == Ok(address))
    }
}

fn refused(why: &str) -> Error {
    Error::new(Kind::BadLocation, format!("the URL {why}"))
}

fn passes<T>(allowed: &[T], disallowed: &[T], is_it: impl Fn(&T) -> bool) -> bool {
    if allowed.is_empty() { !disallowed.iter().any(is_it) } else { allowed.iter().any(is_it) }
}

/// The part of the URL with host and port. `None` for what URL parsers do not agree on: backslashes, blanks, control
/// characters, and anything but two slashes before the host.
fn authority(text: &str) -> Option<&str> {
    if text.contains(|c: char| c == '\\' || c == ' ' || c.is_control()) {
        return None;
    }
    let authority = text.split_once("://")?.1.split(['/', '?', '#']).next()?;
    Some(authority).filter(|authority| !authority.is_empty())
}

/// The host as lists name it: addresses without brackets, names without the dot at the end.
fn host_name(host: &Host<&str>) -> String {
    match host {
        Host::Domain(name) => name.trim_end_matches('.').to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

fn address_of(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some((*address).into()),
    }
}

/// Whether an entry of a list means this host.
fn is_host(listed: &str, host: &str) -> bool {
    let (listed, host) = (bare(listed), host.trim_end_matches('.'));
    if let Ok(address) = listed.parse::<IpAddr>() {
        return host.parse() == Ok(address);
    }
    match Host::parse(listed) {
        Ok(Host::Domain(name)) => name == host,
        _ => listed.eq_ignore_ascii_case(host),
    }
}

fn bare(listed: &str) -> &str {
    listed.trim().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.')
}

/// Numbers that only resolvers take for addresses, such as `2130706433`, `127.1`, `0x7f000001`, `0177.0.0.1` and
/// `127.0.0.1.`, and digits of other scripts.
fn is_disguised(authority: &str, host: &Host<&str>) -> bool {
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let written = host_and_port.split_once(':').map_or(host_and_port, |(host, _)| host);
    matches!(host, Host::Ipv4(_)) && written.parse::<Ipv4Addr>().is_err()
}

/// The port that is written in the URL, be it the standard one, which [`Url`] forgets.
fn port_in(authority: &str, url: &Url) -> Option<u16> {
    let written = authority.rsplit_once(':').and_then(|(_, digits)| digits.parse().ok());
    written.or(url.port()).filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter() -> UrlFilter {
        UrlFilter {
            allowed_schemes: vec!["http".into(), "https".into()],
            disallowed_hosts: vec!["192.0.2.1".into(), "bad.example".into(), "Upper.Example.".into()],
            allowed_ports: vec![80, 443],
            ..UrlFilter::default()
        }
    }

    #[test]
    fn what_is_written_decides_where_it_can() {
        for url in [
            "http://192.0.2.9/x",
            "http://10.0.0.1:80/x",
            "https://good.example/x",
            "http://good.example:443/x",
            "http://good.example./x",
            "http://user:pass@good.example/x",
            "http://[fd12::1]/x",
            "http://[64:ff9b::8.8.8.8]/x",
        ] {
            assert!(filter().judge(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "nonsense",
            "http://",
            "http:///good.example:8080/x",
            "http:/good.example/x",
            "http:good.example",
            "ftp://10.0.0.1/x",
            "http://bad.example/x",
            "http://bad.example./x",
            "http://BAD.example/x",
            "http://upper.example/x",
            "http://192.0.2.1/x",
            "http://[::ffff:192.0.2.1]/x",
            "http://[64:ff9b::192.0.2.1]/x",
            "http://10.0.0.1:8080/x",
            "http://good.example:8080/x",
            "http://good.example.:8080/x",
            "http://u:80@good.example:8080/x",
            "http://10.0.0.1:8080\\@x:80/",
            "http://10.0.0.1:8080\t/x",
            "http://10.0.0.1/a b",
        ] {
            assert_eq!(filter().judge(url).err().map(|error| error.kind()), Some(Kind::BadLocation), "{url}");
        }
    }

    #[test]
    fn addresses_near_the_service_are_refused_however_they_are_written() {
        for host in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "017700000001",
            "%31%32%37.0.0.1",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "\u{2460}27.0.0.1",
            "10.1",
            "0.0.0.0",
            "169.254.169.254",
            "169.254.169.254.",
            "224.0.0.1",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[fe80::1]",
            "[ff02::1]",
            "[fd00:ec2::254]",
            "[64:ff9b::a9fe:a9fe]",
            "[64:ff9b:1::7f00:1]",
            "[64:ff9b:1:7f00:0:100::]",
            "[2002:7f00:1::]",
        ] {
            for port in ["", ":80"] {
                let url = format!("http://{host}{port}/x");
                assert!(filter().judge(&url).is_err(), "{url}");
            }
        }
    }

    #[test]
    fn a_host_that_is_allowed_may_be_on_this_machine() {
        let allowing = |hosts: &[&str]| UrlFilter {
            allowed_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..UrlFilter::default()
        };
        let by_address = allowing(&["127.0.0.1", "[::1]"]);
        for (url, good) in [
            ("http://127.0.0.1:1234/x", true),
            ("http://[::1]/x", true),
            ("http://[::ffff:127.0.0.1]/x", false),
            ("http://10.0.0.1/x", false),
            ("http://localhost/x", false),
        ] {
            assert_eq!(by_address.judge(url).is_ok(), good, "{url}");
        }
        let by_name = allowing(&["Images.example"]);
        assert!(by_name.judge("http://images.example./x").is_ok());
        for (address, good) in [
            ("127.0.0.1", true),
            ("10.0.0.1", true),
            ("169.254.169.254", false),
            ("169.254.1.1", false),
            ("0.0.0.0", false),
            ("::ffff:169.254.169.254", false),
        ] {
            assert_eq!(by_name.allows_host_at("images.example", address.parse().unwrap()), good, "{address}");
        }
        let metadata = "169.254.169.254".parse().unwrap();
        assert!(allowing(&["images.example", "169.254.169.254"]).allows_host_at("images.example", metadata));
        assert!(!by_name.allows_host_at("other.example", "127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn private_networks_pass_unless_the_operator_says_otherwise() {
        let closed = UrlFilter { disallow_private: true, ..UrlFilter::default() };
        let vouched = UrlFilter { allowed_hosts: vec!["mirror.example".into()], ..closed.clone() };
        for host in ["10.0.0.1", "172.20.1.1", "192.168.0.9", "100.64.0.1", "[fd12::1]", "[::ffff:10.0.0.1]"] {
            let url = format!("http://{host}/x");
            assert!(UrlFilter::default().judge(&url).is_ok(), "{url}");
            assert!(closed.judge(&url).is_err(), "{url}");
            let address = host.trim_matches(['[', ']']).parse().unwrap();
            assert!(vouched.allows_host_at("mirror.example", address), "{url}");
        }
        assert!(closed.judge("http://192.0.2.9/x").is_ok());
    }

    #[test]
    fn refusals_keep_the_url_to_themselves() {
        let error = filter().judge("http://user:secret@bad.example:8080/x").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
        assert!(!format!("{error} {error:?}").contains("bad.example"));
    }
}
