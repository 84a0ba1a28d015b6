use super::*;
use http::{HeaderName, HeaderValue};
use proptest::{collection::vec, prelude::*, sample::select};

const BOTH: ProxyHeaders = ProxyHeaders::XForwarded { proto: true, host: true };

type Line<'a> = (&'static str, &'a str);

fn headers(lines: &[Line<'_>]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

/// What comes out of these lines, sent by 10.0.0.1: address, host and scheme.
fn read(proxies: &TrustedProxies, lines: &[Line<'_>]) -> [Option<String>; 3] {
    let headers = headers(lines);
    let Forwarded { client, host, scheme, .. } =
        proxies.forwarded("10.0.0.1:1".parse().ok(), &headers);
    [
        client.map(|client| client.ip.to_string()),
        host.map(Cow::into_owned),
        scheme.map(|scheme| scheme.as_str().to_owned()),
    ]
}

fn client(proxies: &TrustedProxies, lines: &[Line<'_>]) -> Option<String> {
    read(proxies, lines)[0].clone()
}

fn networks() -> TrustedProxies {
    TrustedProxies::networks(["10.0.0.0/8"]).unwrap()
}

#[test]
fn for_is_read_by_the_grammar() {
    let proxies = TrustedProxies::all().headers(ProxyHeaders::Forwarded);
    let nobody = [
        "",
        "for=",
        "for=;",
        "for=\"",
        "for=\"\"",
        "for=\"1.2.3.4",
        "for=\"[::1]",
        "for=[::1",
        "for=\"[::1\"",
        "for=\"[::1\"]",
        "by=1.2.3.4, test=abc",
        "for=unknown",
        "for=_hidden",
        "for = 1.2.3.4",
        "for=1.2.3.4;for=1.2.3.4",
        "for=1.2.3.4;proto=http;proto=https",
        "for=1.2.3.4 proto=https",
        "for=1.2.3.4;proto",
        "for=1.2.3.4;=x",
        "for=\"1.2.3.4\"5",
        "for=1\\.2.3.4",
        "1.2.3.4",
    ];
    for value in nobody {
        assert_eq!(client(&proxies, &[("forwarded", value)]), None, "{value:?}");
    }
    let somebody = [
        ("for=[::1]", "::1"),
        ("For=[::1]", "::1"),
        ("for=::1", "::1"),
        ("for=\"[::1]:42\"", "::1"),
        ("for=[::1], for=1.2.3.4", "::1"),
        ("for=1.2.3.4:42", "1.2.3.4"),
        ("for=1.2.3.4, :42", "1.2.3.4"),
        ("for=\"1\\.2.3\\.4\"", "1.2.3.4"),
        ("for=1.2.3.4;proto=https;by=4.3.2.1", "1.2.3.4"),
        ("proto=https; for=\"1.2.3.4\"", "1.2.3.4"),
        (";;for=1.2.3.4;", "1.2.3.4"),
        (" , ,for=1.2.3.4", "1.2.3.4"),
        ("x=\"a, \\\"b\";for=1.2.3.4", "1.2.3.4"),
    ];
    for (value, expected) in somebody {
        let client = client(&proxies, &[("forwarded", value)]);
        assert_eq!(client.as_deref(), Some(expected), "{value:?}");
    }
}

#[test]
fn no_header_is_read_by_default() {
    let lines = [("x-forwarded-for", "1.2.3.4"), ("forwarded", "for=1.2.3.4")];
    assert_eq!(client(&TrustedProxies::default(), &lines), None);
}

#[test]
fn only_the_configured_family_is_read() {
    let forwarded = ("forwarded", "for=6.6.6.6;host=evil.example;proto=https");
    let x_forwarded = [
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
    ];
    for proxies in [networks(), TrustedProxies::hops(1), TrustedProxies::all()] {
        let none = [None, None, None];
        assert_eq!(read(&proxies.clone().headers(BOTH), &[forwarded]), none);
        assert_eq!(read(&proxies.clone().headers(ProxyHeaders::Forwarded), &x_forwarded), none);
        let address_alone = [Some("6.6.6.6".to_owned()), None, None];
        assert_eq!(read(&proxies, &x_forwarded), address_alone);
    }
}

#[test]
fn networks_are_walked_from_the_nearest_proxy_outwards() {
    for (chain, expected) in [
        ("1.2.3.4", Some("1.2.3.4")),
        ("6.6.6.6, 1.2.3.4, 10.0.0.2", Some("1.2.3.4")),
        ("10.9.9.9, 1.2.3.4", Some("1.2.3.4")),
        ("10.0.0.3, 10.0.0.2", Some("10.0.0.3")),
        ("6.6.6.6, 1.2.3.4:80, [::ffff:10.0.0.2]:80", Some("1.2.3.4")),
        ("6.6.6.6,, ,1.2.3.4 , ", Some("1.2.3.4")),
        ("6.6.6.6, junk", None),
        ("6.6.6.6, unknown, 10.0.0.2", None),
        ("6.6.6.6, _hidden, 10.0.0.2", None),
        ("6.6.6.6, caf\u{e9}, 10.0.0.2", None),
        ("caf\u{e9}, 1.2.3.4", Some("1.2.3.4")),
        (", ,", None),
    ] {
        let lines = [("x-forwarded-for", chain)];
        assert_eq!(client(&networks(), &lines).as_deref(), expected, "{chain:?}");
    }
}

#[test]
fn lines_are_walked_as_one_list() {
    let lines = [("x-forwarded-for", "6.6.6.6, 1.2.3.4"), ("x-forwarded-for", "10.0.0.3,10.0.0.2")];
    assert_eq!(client(&networks(), &lines).as_deref(), Some("1.2.3.4"));
    let lines = [
        ("forwarded", "for=6.6.6.6"),
        ("forwarded", "for=1.2.3.4, for=10.0.0.3"),
        ("forwarded", "for=10.0.0.2"),
    ];
    let proxies = networks().headers(ProxyHeaders::Forwarded);
    assert_eq!(client(&proxies, &lines).as_deref(), Some("1.2.3.4"));
}

#[test]
fn headers_of_other_peers_are_not_believed() {
    let headers = headers(&[("x-forwarded-for", "1.2.3.4")]);
    for peer in ["192.0.2.1:1".parse().ok(), None] {
        assert_eq!(networks().forwarded(peer, &headers), Forwarded::default());
    }
}

#[test]
fn hops_count_from_the_nearest_proxy() {
    let chain = [("x-forwarded-for", "6.6.6.6, 1.2.3.4"), ("x-forwarded-for", "5.6.7.8")];
    for (hops, expected) in [
        (0, None),
        (1, Some("5.6.7.8")),
        (2, Some("1.2.3.4")),
        (3, Some("6.6.6.6")),
        // Fewer entries than proxies: not all of them have written.
        (4, None),
        (usize::MAX, None),
    ] {
        assert_eq!(client(&TrustedProxies::hops(hops), &chain).as_deref(), expected, "{hops}");
    }
}

#[test]
fn an_element_decides_address_host_and_scheme_together() {
    let line = "for=6.6.6.6;host=evil.example;proto=http, \
                for=1.2.3.4;host=\"shop.example:8443\";proto=https";
    for proxies in [networks(), TrustedProxies::hops(1)] {
        let proxies = proxies.headers(ProxyHeaders::Forwarded);
        let expected = ["1.2.3.4", "shop.example:8443", "https"].map(|part| Some(part.to_owned()));
        assert_eq!(read(&proxies, &[("forwarded", line)]), expected);
        // What the element does not say is not taken from another one.
        let bare = "for=6.6.6.6;host=evil.example;proto=https, for=1.2.3.4";
        let expected = [Some("1.2.3.4".to_owned()), None, None];
        assert_eq!(read(&proxies, &[("forwarded", bare)]), expected);
    }
}

#[test]
fn a_hidden_client_may_have_a_host() {
    let line = "for=6.6.6.6;host=evil.example, for=_hidden;host=shop.example;proto=https";
    let proxies = networks().headers(ProxyHeaders::Forwarded);
    let expected = [None, Some("shop.example".to_owned()), Some("https".to_owned())];
    assert_eq!(read(&proxies, &[("forwarded", line)]), expected);
}

#[test]
fn hosts_are_checked() {
    for (host, valid) in [
        ("shop.example:80", true),
        ("\"bad host\"", false),
        ("\"a@b\"", false),
        ("\"[::1]\"", true),
    ] {
        let line = format!("for=1.2.3.4;host={host}");
        let proxies = networks().headers(ProxyHeaders::Forwarded);
        assert_eq!(read(&proxies, &[("forwarded", &line)])[1].is_some(), valid, "{host}");
    }
}

#[test]
fn the_nearest_writer_of_host_and_scheme_decides() {
    let proxies = networks().headers(BOTH);
    let beside = |lines: &[Line<'_>]| {
        let [_, host, scheme] = read(&proxies, lines);
        (host, scheme)
    };
    let honest = (Some("shop.example".to_owned()), Some("https".to_owned()));
    let on_lines = [
        ("x-forwarded-for", "6.6.6.6, 1.2.3.4"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-proto", "https"),
    ];
    let in_lists = [
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-host", "evil.example, shop.example,"),
        ("x-forwarded-proto", "http,https"),
    ];
    assert_eq!(beside(&on_lines), honest);
    assert_eq!(beside(&in_lists), honest);
    for (host, proto) in [("evil.example, bad host", "https, gopher"), ("a, caf\u{e9}", "b, c")] {
        let lines = [("x-forwarded-host", host), ("x-forwarded-proto", proto)];
        assert_eq!(beside(&lines), (None, None), "{host}");
    }
}

#[test]
fn what_a_client_wrote_before_the_proxys_part_does_not_change_it() {
    let proxies = networks().headers(ProxyHeaders::Forwarded);
    let honest = "for=203.0.113.9;host=shop.example;proto=https";
    for evil in [
        "x=\"",
        "for=\"",
        "for=6.6.6.6;x=\"",
        "for=6.6.6.6;host=evil.example;x=\"\\",
        "for=6.6.6.6;x=\"a, b",
        "\"",
        "\\",
        ";;;",
        ",,,",
        "for=6.6.6.6;=",
        "caf\u{e9}=\"",
    ] {
        for separator in [", ", ","] {
            let line = format!("{evil}{separator}{honest}");
            let expected =
                ["203.0.113.9", "shop.example", "https"].map(|part| Some(part.to_owned()));
            assert_eq!(read(&proxies, &[("forwarded", &line)]), expected, "{line}");
        }
        // A quote that the client opens cannot be closed by the proxy's host.
        let line = format!("{evil}, for=203.0.113.9;host=\"shop.example:80\"");
        let expected = [Some("203.0.113.9".to_owned()), Some("shop.example:80".to_owned()), None];
        assert_eq!(read(&proxies, &[("forwarded", &line)]), expected, "{line}");
    }
}

#[test]
fn a_malformed_part_ends_the_walk() {
    let proxies = networks().headers(ProxyHeaders::Forwarded);
    for line in ["for=6.6.6.6, junk", "for=6.6.6.6, for=10.0.0.2;x=\"", "for=6.6.6.6, for=\"1"] {
        assert_eq!(read(&proxies, &[("forwarded", line)]), [None, None, None], "{line}");
        let lines = [("forwarded", line), ("forwarded", "for=10.0.0.2")];
        assert_eq!(read(&proxies, &lines), [None, None, None], "{line}");
    }
}

#[test]
fn only_the_nearest_part_of_a_long_list_is_read() {
    let many = "6.6.6.6,".repeat(50_000);
    let near = format!("{many}1.2.3.4, 10.0.0.2");
    assert_eq!(client(&networks(), &[("x-forwarded-for", &near)]).as_deref(), Some("1.2.3.4"));
    for far in [
        format!("6.6.6.6{}", ",10.0.0.2".repeat(64)),
        format!("6.6.6.6{}", ",".repeat(50_000)),
        format!("6.6.6.6,{}", "1".repeat(50_000)),
        format!("6.6.6.6,{}10.0.0.2", " ".repeat(50_000)),
    ] {
        assert_eq!(client(&networks(), &[("x-forwarded-for", &far)]), None);
        let hops = TrustedProxies::hops(65);
        assert_eq!(client(&hops, &[("x-forwarded-for", &far)]), None);
    }
    let quotes = format!("for=6.6.6.6;x=\"{}", ",".repeat(50_000));
    let proxies = networks().headers(ProxyHeaders::Forwarded);
    assert_eq!(client(&proxies, &[("forwarded", &quotes)]), None);
}

#[test]
fn networks_may_be_written_as_mapped_addresses() {
    for network in ["::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "::ffff:0:0/96"] {
        let proxies = TrustedProxies::networks([network]).unwrap();
        let found = client(&proxies, &[("x-forwarded-for", "192.0.2.7")]);
        assert!(found.is_some(), "{network}");
    }
}

#[test]
fn the_scheme_of_a_websocket_is_that_of_its_connection() {
    for (proto, expected) in [("ws", "http"), ("wss", "https"), ("WSS", "https")] {
        let proxies = networks().headers(BOTH);
        let lines = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", proto)];
        assert_eq!(read(&proxies, &lines)[2].as_deref(), Some(expected), "{proto}");
        let line = format!("for=192.0.2.7;proto={proto}");
        let proxies = networks().headers(ProxyHeaders::Forwarded);
        assert_eq!(
            read(&proxies, &[("forwarded", &line)])[2].as_deref(),
            Some(expected),
            "{proto}"
        );
    }
}

#[test]
fn an_entry_that_is_no_address_ends_the_count_of_hops() {
    for nearest in ["unknown", "_hidden", "unix:", "\"", "x"] {
        let chain = format!("6.6.6.6, {nearest}");
        let found = client(&TrustedProxies::hops(2), &[("x-forwarded-for", &chain)]);
        assert_eq!(found, None, "{nearest}");
    }
    let proxies = TrustedProxies::hops(2).headers(ProxyHeaders::Forwarded);
    assert_eq!(client(&proxies, &[("forwarded", "for=6.6.6.6, for=_hidden")]), None);
}

#[test]
fn networks_that_are_none_are_named() {
    let error = TrustedProxies::networks(["10.0.0.0/99"]).unwrap_err();
    assert!(error.to_string().contains("10.0.0.0/99"));
}

const ADDRESS_HEADERS: [&str; 3] = ["x-real-ip", "cf-connecting-ip", "true-client-ip"];

fn by_header(proxies: TrustedProxies, name: &'static str) -> TrustedProxies {
    proxies.client_address_header(HeaderName::from_static(name))
}

#[test]
fn a_header_with_the_address_alone_goes_before_the_chain() {
    let beside = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-proto", "https")];
    for name in ADDRESS_HEADERS {
        for (value, expected) in [
            ("203.0.113.9", Some("203.0.113.9")),
            (" 203.0.113.9\t", Some("203.0.113.9")),
            ("203.0.113.9:443", Some("203.0.113.9")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]:80", Some("2001:db8::1")),
            ("::ffff:203.0.113.9", Some("203.0.113.9")),
            // The chain does not stand in for it: a client may have written that.
            ("", None),
            ("unknown", None),
            ("203.0.113.9, 203.0.113.10", None),
            ("203.0.113.9;x", None),
            ("shop.example", None),
            ("caf\u{e9}", None),
        ] {
            let lines = [(name, value), beside[0], beside[1]];
            for proxies in [networks(), TrustedProxies::hops(2), TrustedProxies::all()] {
                let [client, _, scheme] = read(&by_header(proxies.headers(BOTH), name), &lines);
                assert_eq!(client.as_deref(), expected, "{name}: {value:?}");
                assert_eq!(scheme.as_deref(), Some("https"));
            }
        }
        assert_eq!(client(&by_header(networks(), name), &beside), None, "{name} is absent");
    }
}

#[test]
fn a_header_with_the_address_alone_is_read_by_option_and_from_trusted_peers_only() {
    for name in ADDRESS_HEADERS {
        let lines = [(name, "6.6.6.6")];
        for proxies in [networks(), TrustedProxies::hops(1), TrustedProxies::all()] {
            assert_eq!(client(&proxies.headers(BOTH), &lines), None, "{name}");
            for other in ADDRESS_HEADERS.into_iter().filter(|other| *other != name) {
                assert_eq!(client(&by_header(networks(), other), &lines), None, "{name}, {other}");
            }
        }
        assert_eq!(client(&by_header(TrustedProxies::none(), name), &lines), None);
        let sent = headers(&lines);
        for peer in ["192.0.2.1:1".parse().ok(), None] {
            let found = by_header(networks(), name).forwarded_port(true).forwarded(peer, &sent);
            assert_eq!(found, Forwarded::default(), "{name} from {peer:?}");
        }
    }
}

#[test]
fn a_second_line_of_the_address_is_a_forgery() {
    for name in ADDRESS_HEADERS {
        for other in ["6.6.6.6", "203.0.113.9", "", "junk"] {
            for lines in
                [[(name, other), (name, "203.0.113.9")], [(name, "203.0.113.9"), (name, other)]]
            {
                assert_eq!(client(&by_header(networks(), name), &lines), None, "{lines:?}");
            }
        }
    }
}

fn server_port(proxies: &TrustedProxies, lines: &[Line<'_>]) -> Option<u16> {
    proxies.forwarded("10.0.0.1:1".parse().ok(), &headers(lines)).port
}

#[test]
fn the_nearest_writer_of_the_port_decides() {
    let with_port = || networks().forwarded_port(true);
    for (value, expected) in [
        ("443", Some(443)),
        (" 8443 ", Some(8443)),
        ("6666, 443", Some(443)),
        ("443,", Some(443)),
        ("65535", Some(65535)),
        ("65536", None),
        ("0", None),
        ("+443", None),
        ("-1", None),
        ("443x", None),
        ("443, https", None),
        ("", None),
    ] {
        let lines = [("x-forwarded-port", value)];
        assert_eq!(server_port(&with_port(), &lines), expected, "{value:?}");
        let forwarded = with_port().headers(ProxyHeaders::Forwarded);
        assert_eq!(server_port(&forwarded, &lines), expected, "{value:?}");
        assert_eq!(server_port(&networks(), &lines), None, "it is read by option only");
    }
    let lines = [("x-forwarded-port", "6666"), ("x-forwarded-port", "443")];
    assert_eq!(server_port(&with_port(), &lines), Some(443));
    assert_eq!(server_port(&TrustedProxies::hops(2).forwarded_port(true), &lines), Some(443));
    assert_eq!(server_port(&TrustedProxies::all().forwarded_port(true), &lines), Some(6666));
    assert_eq!(server_port(&TrustedProxies::none().forwarded_port(true), &lines), None);
}

/// How a proxy writes down whom it forwards for.
#[derive(Clone, Copy, Debug)]
enum Style {
    /// On the client's line, behind a comma.
    Append,
    /// On a line of its own, behind the client's.
    Add,
    /// In place of all that came.
    Overwrite,
}

fn write(style: Style, lines: &mut Vec<(&'static str, String)>, name: &'static str, own: String) {
    match style {
        Style::Overwrite => lines.retain(|(known, _)| *known != name),
        Style::Add => {}
        Style::Append => {
            // As nginx does: all lines become one.
            let came: Vec<_> =
                lines.extract_if(.., |(known, _)| *known == name).map(|(_, value)| value).collect();
            if !came.is_empty() {
                return lines.push((name, format!("{}, {own}", came.join(", "))));
            }
        }
    }
    lines.push((name, own));
}

/// A piece of what an attacker writes. Its marks are 6.6.6.6, `evil` and `gopher`.
fn evil() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "6.6.6.6",
        "for=6.6.6.6",
        "for=\"6.6.6.6\"",
        "host=evil",
        "host=\"evil\"",
        "proto=https",
        "evil",
        "https",
        "\"",
        "\\",
        ",",
        ";",
        "=",
        " ",
        "x",
        "for=",
        "for=\"",
        "host=\"",
        "10.0.0.2",
        "for=10.0.0.2",
        "unknown",
        "_evil",
        "\u{e9}",
        "[::6]",
        ":",
        "x=\"",
    ]);
    vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
}

fn style() -> impl Strategy<Value = Style> {
    select(vec![Style::Append, Style::Add, Style::Overwrite])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_attacker_behind_x_forwarded_proxies_is_never_believed(
        lines in vec((select(vec!["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
            "x-forwarded-port", "x-real-ip", "forwarded"]), evil()), 0..5),
        styles in vec(style(), 1..4),
        beside in style(),
        port in proptest::option::of(1u16..),
    ) {
        let mut lines = lines;
        let count = styles.len();
        for (n, style) in styles.into_iter().enumerate() {
            let own = match (n, port) {
                (0, Some(port)) => format!("203.0.113.9:{port}"),
                (0, None) => "203.0.113.9".to_owned(),
                _ => format!("10.0.0.{n}"),
            };
            // Only the outermost one may overwrite, or it would hide the client itself.
            let style = if n > 0 && matches!(style, Style::Overwrite) { Style::Add } else { style };
            write(style, &mut lines, "x-forwarded-for", own);
        }
        write(beside, &mut lines, "x-forwarded-host", "shop.example".to_owned());
        write(beside, &mut lines, "x-forwarded-proto", "http".to_owned());
        write(beside, &mut lines, "x-forwarded-port", "443".to_owned());
        write(Style::Overwrite, &mut lines, "x-real-ip", "203.0.113.9".to_owned());
        let lines: Vec<_> = lines.iter().map(|(name, value)| (*name, &**value)).collect();
        let honest = ["203.0.113.9", "shop.example", "http"].map(|part| Some(part.to_owned()));
        for proxies in [networks(), TrustedProxies::hops(count)] {
            prop_assert_eq!(&read(&proxies.clone().headers(BOTH), &lines), &honest);
            prop_assert_eq!(&read(&proxies, &lines), &[honest[0].clone(), None, None]);
            prop_assert_eq!(server_port(&proxies.clone().forwarded_port(true), &lines), Some(443));
            let by_header = by_header(proxies, "x-real-ip").headers(BOTH);
            prop_assert_eq!(&read(&by_header, &lines), &honest);
        }
    }

    #[test]
    fn an_attacker_behind_forwarded_proxies_is_never_believed(
        lines in vec((select(vec!["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
            "forwarded"]), evil()), 0..5),
        styles in vec(style(), 1..4),
        quoted: bool,
    ) {
        let mut lines = lines;
        let count = styles.len();
        for (n, style) in styles.into_iter().enumerate() {
            let address = if n == 0 { "203.0.113.9".to_owned() } else { format!("10.0.0.{n}") };
            let own = if quoted {
                format!("for=\"{address}:80\";host=\"shop.example:80\";proto=\"http\"")
            } else {
                format!("for={address};host=shop.example;proto=http")
            };
            let style = if n > 0 && matches!(style, Style::Overwrite) { Style::Add } else { style };
            write(style, &mut lines, "forwarded", own);
        }
        let lines: Vec<_> = lines.iter().map(|(name, value)| (*name, &**value)).collect();
        let host = if quoted { "shop.example:80" } else { "shop.example" };
        let honest = ["203.0.113.9", host, "http"].map(|part| Some(part.to_owned()));
        for proxies in [networks(), TrustedProxies::hops(count)] {
            let proxies = proxies.headers(ProxyHeaders::Forwarded);
            prop_assert_eq!(&read(&proxies, &lines), &honest);
        }
    }

    #[test]
    fn every_element_is_read_whatever_its_quotes(
        address: IpAddr,
        notes in vec("[ -~]{0,8}", 0..3),
        host in proptest::option::of("[a-z]{1,8}(:[1-9][0-9]{0,3})?"),
    ) {
        let quoted = |text: &str| {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        };
        let mut element = format!("for={}", quoted(&SocketAddr::new(address, 1).to_string()));
        for (n, note) in notes.iter().enumerate() {
            element += &format!(";note{n}={}", quoted(note));
        }
        if let Some(host) = &host {
            element += &format!(";host={}", quoted(host));
        }
        let proxies = TrustedProxies::hops(1).headers(ProxyHeaders::Forwarded);
        let [client, read_host, _] = read(&proxies, &[("forwarded", &element)]);
        prop_assert_eq!(client, Some(address.to_canonical().to_string()), "{}", element);
        prop_assert_eq!(read_host, host);
    }

    #[test]
    fn any_header_is_answered(forwarded in "[ -~]{0,80}", chain in "[ -~]{0,80}") {
        let headers = headers(&[("forwarded", &forwarded), ("x-forwarded-for", &chain)]);
        for proxies in [TrustedProxies::all(), TrustedProxies::hops(2),
            TrustedProxies::networks(["0.0.0.0/0", "::/0"]).unwrap()]
        {
            for read in [BOTH, ProxyHeaders::Forwarded] {
                let proxies = proxies.clone().headers(read);
                proxies.forwarded("10.0.0.1:1".parse().ok(), &headers);
            }
        }
    }
}
