//! Which addresses the servers may call on somebody else's behalf.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the public internet: not private, loopback, link-local, shared, multicast,
/// documentation or reserved, in either family and however IPv4 is wrapped in IPv6.
///
/// A server that relays must refuse everything else, or callers reach its operator's own machines through it
/// (spec/03-network.md §4.4, §7.3).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_unspecified()
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        // "This network" and the carrier-grade shared space (RFC 6598).
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        // IETF protocol assignments, 6to4 relays, benchmarking, reserved.
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(v4) = ip.to_ipv4() {
        // Mapped and compatible forms lead to the IPv4 address; `::` and `::1` are among them and are refused there.
        return is_public_v4(v4);
    }
    let [a, b, c, d, _, _, g, h] = ip.segments();
    if a == 0x64 && b == 0xff9b {
        // NAT64 wraps an IPv4 address in its last 32 bits; the local-use form (RFC 8215) never leaves the site.
        let [g1, g2] = g.to_be_bytes();
        let [h1, h2] = h.to_be_bytes();
        return c == 0 && d == 0 && is_public_v4(Ipv4Addr::new(g1, g2, h1, h2));
    }
    if a == 0x2002 {
        // 6to4 wraps one behind its first 16 bits.
        let [b1, b2] = b.to_be_bytes();
        let [c1, c2] = c.to_be_bytes();
        return is_public_v4(Ipv4Addr::new(b1, b2, c1, c2));
    }
    // Global unicast is 2000::/3; the rest is local, multicast or unassigned. Within it, Teredo and documentation.
    (a & 0xe000) == 0x2000
        && !(a == 0x2001 && b < 0x0200)
        && !(a == 0x2001 && b == 0x0db8)
        && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for ip in [
            "1.1.1.1",
            "167.160.188.203",
            "100.128.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "2a01:4f8::1",
        ] {
            assert!(public(ip), "{ip}");
        }
    }

    #[test]
    fn everything_local_or_reserved_is_not() {
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::808:808",
            "2002:7f00:1::",
            "2002:c0a8:101::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!public(ip), "{ip}");
        }
    }
}
