//! From which URLs the service fetches on behalf of clients (`[import_filtering_opts]`).
//!
//! Whatever clients may make the service ask could be asked of its own machine or of a cloud's metadata service. So
//! loopback and link-local addresses are refused unless their host is allowed by name.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Context as _;
use url::{Host, Url};

/// The options of `[import_filtering_opts]`. A list of what is allowed makes the one of what is not meaningless.
#[derive(Clone, Debug)]
pub struct UrlFilter {
    /// Schemes that may be used (`allowed_schemes`).
    pub allowed_schemes: Vec<String>,
    /// Schemes that may not be used (`disallowed_schemes`).
    pub disallowed_schemes: Vec<String>,
    /// Hosts that may be asked, whatever their address (`allowed_hosts`).
    pub allowed_hosts: Vec<String>,
    /// Hosts that may not be asked (`disallowed_hosts`).
    pub disallowed_hosts: Vec<String>,
    /// Ports that may be named (`allowed_ports`).
    pub allowed_ports: Vec<u16>,
    /// Ports that may not be named (`disallowed_ports`).
    pub disallowed_ports: Vec<u16>,
}

/// What is left to find out about a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlVerdict {
    /// It may be fetched.
    Allowed,
    /// It may not.
    Refused,
    /// It may be if this host has addresses that [`UrlFilter::allows_address`].
    Resolve {
        /// The host's name.
        host: String,
        /// The port.
        port: u16,
    },
}

impl UrlFilter {
    /// Judges a URL by what is written in it.
    #[must_use]
    pub fn judge(&self, text: &str) -> UrlVerdict {
        if text.contains(is_rewritten) {
            return UrlVerdict::Refused;
        }
        let Ok(url) = Url::parse(text) else { return UrlVerdict::Refused };
        let Some(host) = url.host().filter(|host| !is_disguised(text, host)) else { return UrlVerdict::Refused };
        let name = match &host {
            Host::Ipv6(address) => address.to_string(),
            other => other.to_string(),
        };
        let named_port = port_in(text, &url);
        let fits = passes(&self.allowed_schemes, &self.disallowed_schemes, url.scheme())
            && passes(&self.allowed_hosts, &self.disallowed_hosts, name.as_str())
            && named_port.is_none_or(|port| passes(&self.allowed_ports, &self.disallowed_ports, &port));
        if !fits {
            return UrlVerdict::Refused;
        }
        if self.allowed_hosts.contains(&name) {
            return UrlVerdict::Allowed;
        }
        let address = match host {
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
            Host::Domain(_) => {
                return UrlVerdict::Resolve { host: name, port: url.port_or_known_default().unwrap_or(80) };
            }
        };
        if self.allows_address(address) { UrlVerdict::Allowed } else { UrlVerdict::Refused }
    }

    /// Whether a host may be asked at this address.
    #[must_use]
    pub fn allows_host_at(&self, host: &str, address: IpAddr) -> bool {
        self.allowed_hosts.iter().any(|allowed| allowed == host) || self.allows_address(address)
    }

    /// Whether a host that is not allowed by name may have this address.
    #[must_use]
    pub fn allows_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let near = match address {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified(),
        };
        let named = self.allowed_hosts.is_empty()
            && self.disallowed_hosts.iter().any(|host| host.parse::<IpAddr>().is_ok_and(|bad| bad == address));
        !near && !named
    }
}

/// The filter as the options say.
///
/// # Errors
/// For a port that is none.
pub fn url_filter(options: &oslo::config::Config) -> anyhow::Result<UrlFilter> {
    let group = "import_filtering_opts";
    let ports = |name: &str| -> anyhow::Result<Vec<u16>> {
        let texts: Vec<String> = options.get(group, name)?;
        let numbers =
            texts.iter().map(|text| text.trim().parse().with_context(|| format!("{name}: {text} is no port")));
        numbers.collect()
    };
    Ok(UrlFilter {
        allowed_schemes: options.get(group, "allowed_schemes")?,
        disallowed_schemes: options.get(group, "disallowed_schemes")?,
        allowed_hosts: options.get(group, "allowed_hosts")?,
        disallowed_hosts: options.get(group, "disallowed_hosts")?,
        allowed_ports: ports("allowed_ports")?,
        disallowed_ports: ports("disallowed_ports")?,
    })
}

fn passes<T, U: ?Sized>(allowed: &[T], disallowed: &[T], value: &U) -> bool
where
    T: PartialEq<U>,
{
    if allowed.is_empty() {
        disallowed.iter().all(|bad| bad != value)
    } else {
        allowed.iter().any(|good| good == value)
    }
}

/// Characters that [`Url`] takes for others or drops: the host and port that it finds would not be the written ones.
fn is_rewritten(c: char) -> bool {
    c == '\\' || c == ' ' || c.is_control()
}

/// Numbers that only resolvers take for addresses, such as `2130706433`, `127.1` and `0x7f000001`.
fn is_disguised(text: &str, host: &Host<&str>) -> bool {
    let authority =
        text.split_once("://").map_or("", |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let written = host_and_port.split_once(':').map_or(host_and_port, |(host, _)| host);
    matches!(host, Host::Ipv4(_)) && written.parse::<Ipv4Addr>().is_err()
}

/// The port that is written in the URL, be it the standard one, which [`Url`] forgets.
fn port_in(text: &str, url: &Url) -> Option<u16> {
    let authority = text.split_once("://")?.1.split(['/', '?', '#']).next()?;
    let digits = authority.rsplit_once(':')?.1;
    digits.parse().ok().or(url.port()).filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter() -> UrlFilter {
        UrlFilter {
            allowed_schemes: vec!["http".into(), "https".into()],
            disallowed_schemes: Vec::new(),
            allowed_hosts: Vec::new(),
            disallowed_hosts: vec!["192.0.2.1".into(), "bad.example".into()],
            allowed_ports: vec![80, 443],
            disallowed_ports: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_decides_where_it_can() {
        let name = |host: &str, port| UrlVerdict::Resolve { host: host.into(), port };
        let cases = [
            ("http://192.0.2.9/x", UrlVerdict::Allowed),
            ("http://10.0.0.1:80/x", UrlVerdict::Allowed),
            ("https://good.example/x", name("good.example", 443)),
            ("http://good.example:443/x", name("good.example", 443)),
            ("http://bad.example/x", UrlVerdict::Refused),
            ("http://192.0.2.1/x", UrlVerdict::Refused),
            ("http://10.0.0.1:8080/x", UrlVerdict::Refused),
            ("ftp://10.0.0.1/x", UrlVerdict::Refused),
            ("http://127.0.0.1/x", UrlVerdict::Refused),
            ("http://169.254.169.254/latest", UrlVerdict::Refused),
            ("http://[::1]/x", UrlVerdict::Refused),
            ("http://[::ffff:127.0.0.1]/x", UrlVerdict::Refused),
            ("http://0.0.0.0/x", UrlVerdict::Refused),
            ("http://2130706433/x", UrlVerdict::Refused),
            ("http://0x7f000001/x", UrlVerdict::Refused),
            ("http://10.1/x", UrlVerdict::Refused),
            ("http://10.0.0.1:8080\\@x:80/", UrlVerdict::Refused),
            ("http://10.0.0.1:8080\t/x", UrlVerdict::Refused),
            ("http://10.0.0.1/a b", UrlVerdict::Refused),
            ("http://", UrlVerdict::Refused),
            ("nonsense", UrlVerdict::Refused),
        ];
        for (url, expected) in cases {
            assert_eq!(filter().judge(url), expected, "{url}");
        }
    }

    #[test]
    fn a_host_that_is_allowed_by_name_may_be_anywhere() {
        let mut filter = filter();
        filter.allowed_hosts = vec!["127.0.0.1".into()];
        filter.allowed_ports = Vec::new();
        assert_eq!(filter.judge("http://127.0.0.1:1234/x"), UrlVerdict::Allowed);
        assert_eq!(filter.judge("http://10.0.0.1/x"), UrlVerdict::Refused);
    }
}
