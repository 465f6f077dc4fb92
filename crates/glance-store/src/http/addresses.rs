//! To which addresses connections are made.
//!
//! A client can name a host whose name leads to the service's own machine or network, and can change where it leads to
//! after the URL was checked. So the addresses of a name are judged when it is resolved for a connection, which then
//! goes to one of those that were judged.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Name, Resolve, Resolving};
use url::{Host, Url};

/// Whether a host of this name may be reached at this address.
type Rule = dyn Fn(&str, IpAddr) -> bool + Send + Sync;

/// Decides to which addresses connections may be made.
#[derive(Clone)]
pub struct AddressFilter(Arc<Rule>);

impl AddressFilter {
    /// Connections are made to what `rule` allows: it is given the name or address in the URL, and an address that the
    /// host has. A host is refused unless all of its addresses are allowed.
    pub fn new(rule: impl Fn(&str, IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// Whether the URL may be asked as far as it names an address itself; names are judged when they are resolved.
    pub(super) fn allows(&self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(address)) => (self.0)(&address.to_string(), address.into()),
            Some(Host::Ipv6(address)) => (self.0)(&address.to_string(), address.into()),
            Some(Host::Domain(_)) | None => true,
        }
    }

    /// The resolver for connections to hosts other than `exempt`.
    pub(super) fn resolver(&self, exempt: Vec<String>) -> Resolver {
        Resolver { filter: self.clone(), exempt }
    }
}

impl fmt::Debug for AddressFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressFilter")
    }
}

/// Resolves names to addresses that are allowed.
pub(super) struct Resolver {
    filter: AddressFilter,
    /// The names of proxies.
    exempt: Vec<String>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rule = (!self.exempt.iter().any(|exempt| exempt == name.as_str())).then(|| self.filter.clone());
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed = |rule: AddressFilter| found.iter().all(|found| (rule.0)(name.as_str(), found.ip()));
            if !rule.is_none_or(allowed) {
                return Err("the host has an address that may not be asked".into());
            }
            Ok(Box::new(found.into_iter()) as Box<dyn Iterator<Item = SocketAddr> + Send>)
        })
    }
}
