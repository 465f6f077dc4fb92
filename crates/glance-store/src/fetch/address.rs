//! To which network an address leads, whatever it is wrapped in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads; what comes later is more dangerous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Network {
    /// A host of the Internet.
    Public,
    /// A host of a private network: RFC 1918, unique-local, shared by a carrier, or set apart for tests.
    Private,
    /// This machine.
    Loopback,
    /// The neighbours on the wire.
    LinkLocal,
    /// No single host: unspecified, multicast, broadcast and reserved addresses.
    NoHost,
    /// The metadata service of a cloud.
    Metadata,
}

/// Addresses under which clouds tell their machines secrets, beside link-local ones.
const METADATA: [IpAddr; 6] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    // Alibaba, Oracle, Azure.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    // Amazon, Google.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// The network to which packets for `address` may go: the most dangerous one, where it carries other addresses.
#[must_use]
pub fn network_of(address: IpAddr) -> Network {
    readings(address).into_iter().map(own_network).max().unwrap_or(Network::NoHost)
}

/// `address` and every IPv4 address that translators and tunnels find in it.
pub(super) fn readings(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = address else { return vec![address] };
    carried(v6).into_iter().map(IpAddr::V4).chain([address]).collect()
}

fn own_network(address: IpAddr) -> Network {
    if METADATA.contains(&address) {
        return Network::Metadata;
    }
    match address {
        IpAddr::V4(v4) => network_of_v4(v4),
        IpAddr::V6(v6) => network_of_v6(v6),
    }
}

fn network_of_v4(address: Ipv4Addr) -> Network {
    match address.octets() {
        [127, ..] => Network::Loopback,
        [169, 254, ..] => Network::LinkLocal,
        [0 | 224..=255, ..] => Network::NoHost,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Network::Private,
        [100, 64..=127, ..] | [198, 18 | 19, ..] | [192, 0, 0, _] => Network::Private,
        _ => Network::Public,
    }
}

fn network_of_v6(address: Ipv6Addr) -> Network {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Network::NoHost,
        [0, 0, 0, 0, 0, 0, 0, 1] => Network::Loopback,
        [0xfe80..=0xfebf, ..] => Network::LinkLocal,
        [0xff00..=0xffff, ..] => Network::NoHost,
        // Site-local addresses are what unique-local ones were called before.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Network::Private,
        _ => Network::Public,
    }
}

/// The IPv4 addresses in `address`.
fn carried(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let bytes = address.octets();
    let at = |places: [usize; 4]| Ipv4Addr::from(places.map(|place| bytes[place]));
    let last = at([12, 13, 14, 15]);
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Vec::new(),
        // Compatible and mapped addresses, translated ones, NAT64 with the well-known prefix.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => vec![last],
        // NAT64 with a prefix of the operator's, which may end in four places (RFC 6052, 2.2).
        [0x64, 0xff9b, 1, ..] => of_local_nat64([at([6, 7, 9, 10]), at([7, 9, 10, 11]), at([9, 10, 11, 12]), last]),
        // 6to4.
        [0x2002, ..] => vec![at([2, 3, 4, 5])],
        // Teredo: the server, and the client turned over.
        [0x2001, 0, ..] => vec![at([4, 5, 6, 7]), Ipv4Addr::from(!u32::from(last))],
        _ => Vec::new(),
    }
}

/// Which prefix the operator uses is not known, so all readings count; the wrong ones mostly begin with a zero.
fn of_local_nat64(readings: [Ipv4Addr; 4]) -> Vec<Ipv4Addr> {
    let likely: Vec<_> = readings.into_iter().filter(|reading| reading.octets()[0] != 0).collect();
    if likely.is_empty() { readings.to_vec() } else { likely }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_networks() {
        let cases: [(Network, &[&str]); 6] = [
            (Network::Public, &["192.0.2.9", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111"]),
            (
                Network::Private,
                &["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd12::1", "fec0::1"],
            ),
            (Network::Loopback, &["127.0.0.1", "127.255.255.254", "::1"]),
            (Network::LinkLocal, &["169.254.0.1", "169.254.170.2", "fe80::1", "febf::1"]),
            (
                Network::NoHost,
                &["0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "ff02::1"],
            ),
            (
                Network::Metadata,
                &["169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16"],
            ),
        ];
        for (network, addresses) in cases {
            for text in addresses {
                assert_eq!(network_of(text.parse().unwrap()), network, "{text}");
            }
        }
    }

    /// The address in everything that is known to carry IPv4 addresses.
    fn wrapped(address: Ipv4Addr) -> Vec<Ipv6Addr> {
        let [a, b, c, d] = address.octets();
        let high = u16::from_be_bytes([a, b]);
        let low = u16::from_be_bytes([c, d]);
        let two = |one, other| u16::from_be_bytes([one, other]);
        vec![
            Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 1, 0x1234, 0x56, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 1, high, two(0, c), two(d, 0), 0, 0),
            Ipv6Addr::new(0x64, 0xff9b, 1, two(0xab, a), two(0, b), low, 0, 0),
            Ipv6Addr::new(0x64, 0xff9b, 1, 0xabcd, two(0, a), two(b, c), two(d, 0), 0),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, 0x4136, 0xe378, 0x8000, 0x63bf, !high, !low),
            Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !0x808, !0x808),
        ]
    }

    #[test]
    fn wrapping_changes_nothing() {
        for (text, network) in [
            ("127.0.0.1", Network::Loopback),
            ("127.9.8.7", Network::Loopback),
            ("169.254.169.254", Network::Metadata),
            ("169.254.1.1", Network::LinkLocal),
            ("224.0.0.251", Network::NoHost),
            ("255.255.255.255", Network::NoHost),
            ("10.1.2.3", Network::Private),
            ("192.168.7.8", Network::Private),
            ("8.8.8.8", Network::Public),
        ] {
            for address in wrapped(text.parse().unwrap()) {
                let found = network_of(address.into());
                // A wrong reading of a prefix may look worse than what is meant.
                assert!(found == network || network > Network::Private && found > network, "{text} in {address}");
            }
        }
        for address in ["::ffff:0.0.0.0", "64:ff9b::", "64:ff9b:1::", "2002::", "::0.0.0.2"] {
            assert_eq!(network_of(address.parse().unwrap()), Network::NoHost, "{address}");
        }
    }
}
