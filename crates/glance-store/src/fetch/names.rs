//! From names to addresses, without a thread for each name.
//!
//! The system's resolver blocks a thread for as long as a name server is silent, and users choose the names. So names
//! are resolved by asynchronous queries, with the name servers of `/etc/resolv.conf` and the names of `/etc/hosts`;
//! other sources of `nsswitch.conf` are not asked.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{ResolverBuilder, TokioResolver};
use reqwest::dns::{Name, Resolve, Resolving};

use super::filter::UrlFilter;

/// Files whose change makes the resolver a new one.
const FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// Answers that are remembered for as long as their servers allow.
const CACHED: u64 = 512;

/// Why a name gives no address to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameError {
    /// It has no address.
    Unknown,
    /// It has an address that may not be asked.
    Refused,
    /// No name server answers in time.
    Late,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the host has no address",
            Self::Refused => "the host has an address that may not be asked",
            Self::Late => "the name servers do not answer in time",
        })
    }
}

impl std::error::Error for NameError {}

/// The names that the system knows.
pub(super) struct Names {
    deadline: Duration,
    /// In place of what the system's files say.
    fixed: Option<TokioResolver>,
    /// What the system's files said, read again when these have changed.
    system: Mutex<Option<(Stamp, TokioResolver)>>,
}

/// When the files were changed.
type Stamp = [Option<SystemTime>; FILES.len()];

impl Names {
    /// As the system's files say. `deadline` is for all queries about one name.
    pub(super) fn system(deadline: Duration) -> Self {
        Self { deadline, fixed: None, system: Mutex::new(None) }
    }

    /// With one name server, for tests.
    #[cfg(test)]
    pub(super) fn asking(server: SocketAddr, deadline: Duration) -> Self {
        let mut config = NameServerConfig::udp(server.ip());
        config.connections[0].port = server.port();
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![config]);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        Self { deadline, fixed: built(builder), system: Mutex::new(None) }
    }

    /// All addresses of a host.
    pub(super) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, NameError> {
        let resolver = self.resolver().ok_or(NameError::Unknown)?;
        let found = tokio::time::timeout(self.deadline, resolver.lookup_ip(host)).await;
        let found = found.map_err(|_| NameError::Late)?.map_err(|error| {
            tracing::debug!(%error, "a name cannot be resolved");
            if matches!(error, hickory_resolver::net::NetError::Timeout) { NameError::Late } else { NameError::Unknown }
        })?;
        let addresses: Vec<IpAddr> = found.iter().collect();
        if addresses.is_empty() { Err(NameError::Unknown) } else { Ok(addresses) }
    }

    fn resolver(&self) -> Option<TokioResolver> {
        if self.fixed.is_some() {
            return self.fixed.clone();
        }
        let stamp = FILES.map(|file| Path::new(file).metadata().and_then(|facts| facts.modified()).ok());
        let mut remembered = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, resolver)) = remembered.as_ref().filter(|(known, _)| *known == stamp) {
            return Some(resolver.clone());
        }
        let resolver = of_system()?;
        *remembered = Some((stamp, resolver.clone()));
        Some(resolver)
    }
}

/// Without usable name servers the one of this machine is asked, as the C library does.
fn of_system() -> Option<TokioResolver> {
    let local = |error| {
        tracing::warn!(%error, "/etc/resolv.conf cannot be used; names are asked of 127.0.0.1");
        let server = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    built(TokioResolver::builder_tokio().unwrap_or_else(local))
}

fn built(mut builder: ResolverBuilder<TokioRuntimeProvider>) -> Option<TokioResolver> {
    let options = builder.options_mut();
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.cache_size = CACHED;
    builder.build().inspect_err(|error| tracing::error!(%error, "names cannot be resolved")).ok()
}

/// Names for the connections of a client that users' URLs steer: only addresses that may be asked come out.
pub(super) struct JudgedNames {
    pub(super) names: Arc<Names>,
    pub(super) filter: Arc<UrlFilter>,
}

impl Resolve for JudgedNames {
    /// A host is refused unless all of its addresses may be asked: the connection may be made to any of them.
    fn resolve(&self, name: Name) -> Resolving {
        let (names, filter) = (Arc::clone(&self.names), Arc::clone(&self.filter));
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await?;
            if !found.iter().all(|address| filter.allows_host_at(name.as_str(), *address)) {
                return Err(NameError::Refused.into());
            }
            Ok(for_connections(found))
        })
    }
}

/// Names of the operator's proxies, which may be anywhere.
pub(super) struct ProxyNames(pub(super) Arc<Names>);

impl Resolve for ProxyNames {
    fn resolve(&self, name: Name) -> Resolving {
        let names = Arc::clone(&self.0);
        Box::pin(async move { Ok(for_connections(names.addresses(name.as_str()).await?)) })
    }
}

fn for_connections(addresses: Vec<IpAddr>) -> Box<dyn Iterator<Item = SocketAddr> + Send> {
    Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)))
}
