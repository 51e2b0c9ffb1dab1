//! The table of URLs a merchant may try, judged as text; what names resolve to is judged in `merchant`.

use crate::outbound::guard::{Policy, address_allowed, check_url};

const CLOSED: Policy = Policy { allow_private_addresses: false, allow_http: false };
const HTTP: Policy = Policy { allow_private_addresses: false, allow_http: true };
const OPEN: Policy = Policy { allow_private_addresses: true, allow_http: false };

/// Refused under every policy.
const NEVER: &[&str] = &[
    // no web URL
    "",
    "example.com",
    "//example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "https:example.com",
    "https:/example.com",
    "https://",
    "https:///example.com/",
    "https://?a",
    "data:,x",
    "unix:/run/x",
    "wss://example.com/",
    // text a parser reads otherwise than a person
    "https://example.com\\@127.0.0.1/",
    "https:\\\\127.0.0.1\\",
    " https://example.com/",
    "https://exa\tmple.com/",
    "https://example.com/\r\nX: y",
    "https://example.com/a b",
    "https://例え.jp/",
    "https://１２７.0.0.1/",
    "https://example.com/\u{0}",
    // user, fragment, port, host
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://example.com@127.0.0.1/",
    "https://@example.com/",
    "https://example.com/#x",
    "https://example.com:0/",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:53/",
    "https://example.com:65536/",
    "https://example.com:-1/",
    "https://example.com:x/",
    "https://[::1/",
    "https://1.2.3.4.5/",
    "https://256.1.1.1/",
    "https://0x100000000/",
    "https://exa<mple.com/",
    "https://example.com./",
    "https://localhost./",
    "https://%00/",
    // link-local and metadata, in every notation
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254./",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[fe80::1]/",
    "http://[febf::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fd20:ce::254]/",
    "http://168.63.129.16/",
    "http://100.100.100.200/",
    "http://metadata.google.internal/",
    "http://metadata/",
    "http://METADATA.google.internal/",
    "http://%6detadata/",
    // 0/8, CGNAT, reserved, benchmarking, documentation, multicast, broadcast
    "http://0/",
    "http://0.0.0.0/",
    "http://0.1.2.3/",
    "http://[::]/",
    "http://[::ffff:0.0.0.0]/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://192.0.0.1/",
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://198.19.255.255/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://192.88.99.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://4294967295/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://[fec0::1]/",
    // tunnels and translators to IPv4
    "http://[::127.0.0.1]/",
    "http://[::7f00:1]/",
    "http://[::2]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::8.8.8.8]/",
    "http://[64:ff9b:1::10.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a00:1::1]/",
    "http://[2001:0:7f00:1::1]/",
    "http://[2001:10::1]/",
    "http://[::ffff:0:127.0.0.1]/",
];

/// Loopback, private and local: opened by `allow_private_addresses` and by nothing else.
const PRIVATE: &[&str] = &[
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/hook",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.255.255.254/",
    "http://%31%32%37.0.0.1/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://[::ffff:10.0.0.1]/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://3232235777/",
    "http://[fc00::1]/",
    "http://[fdff::1]/",
    "http://localhost/",
    "http://LOCALHOST:9000/",
    "http://a.localhost/",
    "http://%6cocalhost/",
    "http://printer.local/",
    "http://db.internal/",
    "http://router.lan/",
    "http://merchant/",
    "http://x.home.arpa/",
    "https://127.0.0.1/",
    "https://localhost/",
];

/// Ordinary merchants.
const PUBLIC: &[&str] = &[
    "https://example.com/",
    "https://example.com",
    "HTTPS://Example.COM/Hook?a=b&c=%20",
    "https://example.com:8443/",
    "https://example.com:80/",
    "https://1.1.1.1/",
    "https://172.15.255.255/",
    "https://172.32.0.1/",
    "https://100.63.255.255/",
    "https://100.128.0.1/",
    "https://192.0.1.1/",
    "https://198.17.255.255/",
    "https://198.20.0.1/",
    "https://223.255.255.255/",
    "https://[2606:4700::1111]/",
    "https://[2400:3200::1]/",
    "https://[2001:200::1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://xn--fiqs8s.cn/",
    "https://local.example.com/",
    "https://localhost.example.com/",
    "https://10.0.0.1.nip.example/",
    "https://example.com/a@b",
    "https://example.com/?next=http://127.0.0.1/",
];

#[test]
fn what_is_never_allowed_is_refused_under_every_policy() {
    let everything = Policy { allow_private_addresses: true, allow_http: true };
    for url in NEVER {
        for policy in [CLOSED, HTTP, OPEN, everything] {
            let refused = check_url(url, policy).err();
            assert!(refused.is_some_and(|why| why.0.starts_with("must ")), "{url:?} under {policy:?}: {refused:?}");
        }
    }
    assert!(check_url(&format!("https://example.com/{}", "a".repeat(2048)), everything).is_err());
}

#[test]
fn private_addresses_open_only_by_their_own_setting() {
    for url in PRIVATE {
        assert!(check_url(url, CLOSED).is_err(), "{url}");
        assert!(check_url(url, HTTP).is_err(), "{url}");
        assert!(check_url(url, OPEN).is_ok(), "{url}: {:?}", check_url(url, OPEN));
    }
}

#[test]
fn ordinary_merchants_are_let_through_and_http_needs_a_setting() {
    for url in PUBLIC {
        assert!(check_url(url, CLOSED).is_ok(), "{url}: {:?}", check_url(url, CLOSED));
        let plain = format!("http{}", &url["https".len()..]);
        assert!(check_url(&plain, CLOSED).is_err(), "{plain}");
        assert!(check_url(&plain, HTTP).is_ok(), "{plain}: {:?}", check_url(&plain, HTTP));
    }
    assert!(NEVER.len() + PRIVATE.len() + PUBLIC.len() >= 150);
}

#[test]
fn a_target_is_the_canonical_form_of_what_was_judged() {
    let target = check_url("HTTPS://Example.COM/Hook?a=b", CLOSED).unwrap();
    assert_eq!((target.url.as_str(), target.port), ("https://example.com/Hook?a=b", 443));
    let target = check_url("http://0x7f.1:8080", OPEN).unwrap();
    assert_eq!((target.url.as_str(), target.port), ("http://127.0.0.1:8080/", 8080));
}

#[test]
fn the_edges_of_the_ranges_are_exact() {
    let allowed = |ip: &str| address_allowed(ip.parse().unwrap(), CLOSED).is_ok();
    for (inside, outside) in [
        ("0.255.255.255", "1.0.0.0"),
        ("10.0.0.0", "9.255.255.255"),
        ("127.255.255.255", "128.0.0.0"),
        ("169.254.0.0", "169.253.255.255"),
        ("192.168.255.255", "192.169.0.0"),
        ("224.0.0.0", "223.255.255.255"),
        ("2001:1ff:ffff::", "2001:200::"),
        ("2002::", "2003::"),
        ("3fff:fff::1", "3fff:1000::"),
        ("1fff::", "2000::1"),
        ("4000::", "3ffe::1"),
    ] {
        assert!(!allowed(inside), "{inside}");
        assert!(allowed(outside), "{outside}");
    }
}
