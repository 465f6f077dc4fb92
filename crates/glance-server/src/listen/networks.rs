//! Networks by address and length of their prefix, such as `10.0.0.0/8`.

use std::net::IpAddr;

use anyhow::Context as _;

/// Some networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// How many bits addresses have in common with it.
    prefix: u32,
}

impl Networks {
    /// Reads networks, or addresses as networks of one.
    ///
    /// # Errors
    /// In words for the operator.
    pub fn parse(texts: &[String]) -> anyhow::Result<Self> {
        let networks = texts.iter().map(|text| Network::parse(text).with_context(|| format!("'{text}' is no network")));
        networks.collect::<anyhow::Result<_>>().map(Self)
    }

    /// Whether an address belongs to one of them. IPv4 addresses count as such however they are written.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address.to_canonical()))
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
        let prefix = prefix.map_or(Some(bits(address)), |prefix| prefix.parse().ok())?;
        (prefix <= bits(address)).then_some(Self { address, prefix })
    }

    fn contains(self, address: IpAddr) -> bool {
        let differing = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            _ => return false,
        };
        differing >= self.prefix
    }
}

fn bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_belong_to_networks() {
        let texts = ["10.1.0.0/16", "192.0.2.7", "fd00::/8", "[2001:db8::1]"].map(str::to_owned);
        let networks = Networks::parse(&texts).unwrap();
        for inside in ["10.1.255.1", "192.0.2.7", "fd12::3", "2001:db8::1", "::ffff:10.1.2.3"] {
            assert!(networks.contain(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["10.2.0.1", "192.0.2.8", "fe00::", "2001:db8::2", "::1"] {
            assert!(!networks.contain(outside.parse().unwrap()), "{outside}");
        }
        assert!(Networks::parse(&["0.0.0.0/0".to_owned()]).unwrap().contain("8.8.8.8".parse().unwrap()));
        for bad in ["", "host", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "::/129"] {
            assert!(Networks::parse(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
