//! Which addresses a merchant's server may have. IPv4: everything but the special-purpose registry. IPv6: nothing but
//! global unicast (2000::/3), and of that nothing that tunnels to IPv4, so no second notation of an address exists.

use super::{Policy, Refused};
use ipnet::{Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

const PRIVATE: Refused = Refused("must not lead to a loopback or private address");

/// What `allow_private_addresses` opens: loopback and RFC 1918.
const PRIVATE_V4: &[Ipv4Net] = &[v4(10, 0, 0, 0, 8), v4(127, 0, 0, 0, 8), v4(172, 16, 0, 0, 12), v4(192, 168, 0, 0, 16)];

const NEVER_V4: &[(Ipv4Net, Refused)] = &[
    (v4(0, 0, 0, 0, 8), Refused("must not lead to this network (0.0.0.0/8)")),
    (v4(100, 64, 0, 0, 10), Refused("must not lead to carrier-grade NAT (100.64.0.0/10)")),
    // Azure's wire server: a public address that answers every virtual machine with its secrets.
    (v4(168, 63, 129, 16, 32), Refused("must not lead to a metadata service")),
    (v4(169, 254, 0, 0, 16), Refused("must not lead to a link-local address or metadata service")),
    (v4(192, 0, 0, 0, 24), Refused("must not lead to a reserved address (192.0.0.0/24)")),
    (v4(192, 0, 2, 0, 24), Refused("must not lead to a documentation address")),
    (v4(192, 88, 99, 0, 24), Refused("must not lead to a 6to4 relay")),
    (v4(198, 18, 0, 0, 15), Refused("must not lead to a benchmarking address (198.18.0.0/15)")),
    (v4(198, 51, 100, 0, 24), Refused("must not lead to a documentation address")),
    (v4(203, 0, 113, 0, 24), Refused("must not lead to a documentation address")),
    (v4(224, 0, 0, 0, 4), Refused("must not lead to a multicast address")),
    (v4(240, 0, 0, 0, 4), Refused("must not lead to a reserved or broadcast address (240.0.0.0/4)")),
];

const ULA: Ipv6Net = v6(0xfc00, 0, 0, 7);
const GLOBAL: Ipv6Net = v6(0x2000, 0, 0, 3);

const NEVER_V6: &[(Ipv6Net, Refused)] = &[
    // EC2's and Google's metadata services live in ULA, which a policy may open.
    (v6(0xfd00, 0x0ec2, 0, 32), Refused("must not lead to a metadata service")),
    (v6(0xfd20, 0x00ce, 0, 32), Refused("must not lead to a metadata service")),
    // Teredo, ORCHID, benchmarking and the other protocol assignments.
    (v6(0x2001, 0, 0, 23), Refused("must not lead to a tunnel or reserved address (2001::/23)")),
    (v6(0x2001, 0x0db8, 0, 32), Refused("must not lead to a documentation address")),
    (v6(0x2002, 0, 0, 16), Refused("must not lead to a 6to4 address")),
    (v6(0x3fff, 0, 0, 20), Refused("must not lead to a documentation address")),
    (v6(0x0064, 0xff9b, 0, 32), Refused("must not lead to a NAT64 address")),
    (v6(0xfe80, 0, 0, 10), Refused("must not lead to a link-local address or metadata service")),
    (v6(0xff00, 0, 0, 8), Refused("must not lead to a multicast address")),
];

/// Whether a connection to the address may be made.
pub fn address_allowed(ip: IpAddr, policy: Policy) -> Result<(), Refused> {
    match ip {
        IpAddr::V4(ip) => v4_allowed(ip, policy),
        // The kernel connects `::ffff:a.b.c.d` to a.b.c.d.
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(mapped) => v4_allowed(mapped, policy),
            None => v6_allowed(ip, policy),
        },
    }
}

fn v4_allowed(ip: Ipv4Addr, policy: Policy) -> Result<(), Refused> {
    if let Some((_, why)) = NEVER_V4.iter().find(|(net, _)| net.contains(&ip)) {
        return Err(*why);
    }
    let is_private = PRIVATE_V4.iter().any(|net| net.contains(&ip));
    if is_private && !policy.allow_private_addresses { Err(PRIVATE) } else { Ok(()) }
}

fn v6_allowed(ip: Ipv6Addr, policy: Policy) -> Result<(), Refused> {
    if let Some((_, why)) = NEVER_V6.iter().find(|(net, _)| net.contains(&ip)) {
        return Err(*why);
    }
    let is_private = ip.is_loopback() || ULA.contains(&ip);
    match (is_private, policy.allow_private_addresses) {
        (true, true) => Ok(()),
        (true, false) => Err(PRIVATE),
        (false, _) if GLOBAL.contains(&ip) => Ok(()),
        // Among them ::, IPv4-compatible ::/96, site-local fec0::/10, discard 100::/64, segment routing 5f00::/16.
        (false, _) => Err(Refused("must lead to a global unicast address")),
    }
}
