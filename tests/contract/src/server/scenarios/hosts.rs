//! Who asked whom: `Host`, `:authority`, `Forwarded` and `X-Forwarded-*`.

use crate::server::{Running, ServerUnderTest, Setup, bodies};
use http::{HeaderName, header};
use tracewire_http::{ProxyHeaders, TrustedProxies};

pub async fn hosts_may_be_ipv6_addresses<S: ServerUnderTest>() {
    for (host, port) in [("[::1]:8080", Some(8080)), ("[::1]", None)] {
        let running = Running::start::<S>().await;
        let mut client = running.connect().await;
        let mut request = client.request("GET", "/redirect").body(bodies::empty()).unwrap();
        if request.headers_mut().remove(header::HOST).is_some() {
            request.headers_mut().insert(header::HOST, host.parse().unwrap());
        } else {
            *request.uri_mut() = format!("http://{host}/redirect").parse().unwrap();
        }
        client.ask(request).await;
        let expected = running.expected(client.address, "/redirect").route("/redirect").status(302);
        let expected = expected.set("server.address", "::1").unset("server.port");
        match port {
            Some(port) => expected.set("server.port", port),
            None => expected,
        }
        .check(&running.only().await);
    }
}

pub async fn authority_stands_in_for_the_host<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let mut request = client.request("GET", "/redirect").body(bodies::empty()).unwrap();
    assert!(!request.headers().contains_key(header::HOST));
    *request.uri_mut() = "http://shop.example:8080/redirect".parse().unwrap();
    client.ask(request).await;
    let expected = running.expected(client.address, "/redirect").route("/redirect").status(302);
    expected
        .set("server.address", "shop.example")
        .set("server.port", 8080)
        .check(&running.only().await);
}

pub async fn request_without_a_host_has_no_server_address<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut raw = running.connect_raw().await;
    raw.write("GET /redirect HTTP/1.0\r\n\r\n").await;
    assert_eq!(raw.read().await.status, 302);
    let expected = running.expected(raw.address, "/redirect").route("/redirect").status(302);
    expected
        .set("network.protocol.version", "1.0")
        .unset("server.address")
        .unset("server.port")
        .unset("user_agent.original")
        .check(&running.only().await);
}

pub async fn absolute_target_goes_before_the_host<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut raw = running.connect_raw().await;
    raw.write("GET https://shop.example/redirect HTTP/1.1\r\nHost: other:1\r\n\r\n").await;
    assert_eq!(raw.read().await.status, 302);
    let expected = running.expected(raw.address, "/redirect").route("/redirect").status(302);
    expected
        .set("server.address", "shop.example")
        .unset("server.port")
        .unset("user_agent.original")
        .check(&running.only().await);
}

pub async fn scheme_of_the_target_is_not_believed<S: ServerUnderTest>() {
    for target in ["https://a/redirect", "gopher://a/redirect", "http://a/redirect"] {
        let running = Running::start::<S>().await;
        let mut raw = running.connect_raw().await;
        raw.write(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!(raw.read().await.status, 302);
        running.only().await.has("url.scheme", "http");
    }
}

pub async fn invalid_hosts_are_no_server_address<S: ServerUnderTest>() {
    for host in ["bad host", "a\"b", "a/b", "user@a", "a:b:c", "[::1", "[a]", ":80", "a<b>", "::::"]
    {
        let running = Running::start::<S>().await;
        let mut raw = running.connect_raw().await;
        raw.write(format!("GET /redirect HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(raw.read().await.status, 302, "{host}");
        let span = running.only().await;
        assert_eq!(span.attribute("server.address"), None, "{host}");
        assert_eq!(span.attribute("server.port"), None, "{host}");
    }
}

const FORWARDED: [(&str, &str); 1] =
    [("forwarded", "for=\"[2001:db8::7]:4711\";proto=https;host=shop.example")];
const X_FORWARDED: [(&str, &str); 3] = [
    // The client wrote the first address, the proxy added the second.
    ("x-forwarded-for", "6.6.6.6, 192.0.2.7"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "shop.example:8443"),
];

/// A server whose layer is configured so, and the answer to one request with these headers.
async fn ask<S: ServerUnderTest>(
    configure: impl FnOnce(&mut Setup),
    headers: &[(&'static str, &'static str)],
) -> (Running, std::net::SocketAddr) {
    let running = Running::with::<S>(configure).await;
    let mut client = running.connect().await;
    let mut request = client.request("GET", "/redirect").body(bodies::empty()).unwrap();
    request.headers_mut().remove("x-forwarded-for");
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    client.ask(request).await;
    (running, client.address)
}

pub async fn forwarded_headers_are_ignored_by_default<S: ServerUnderTest>() {
    for headers in [&FORWARDED[..], &X_FORWARDED] {
        let (running, client) = ask::<S>(|_| (), headers).await;
        let expected = running.expected(client, "/redirect").route("/redirect").status(302);
        expected.check(&running.only().await);
    }
}

pub async fn forwarded_headers_of_other_peers_are_ignored<S: ServerUnderTest>() {
    for headers in [&FORWARDED[..], &X_FORWARDED] {
        let proxies = TrustedProxies::networks(["10.0.0.0/8", "::1"]).unwrap();
        let (running, client) = ask::<S>(|setup| setup.trusted_proxies = proxies, headers).await;
        let expected = running.expected(client, "/redirect").route("/redirect").status(302);
        expected.check(&running.only().await);
    }
}

pub async fn headers_that_no_proxy_writes_are_ignored<S: ServerUnderTest>() {
    let networks = TrustedProxies::networks(["127.0.0.0/8"]).unwrap();
    for proxies in [networks, TrustedProxies::hops(1)] {
        let other = proxies.clone().headers(ProxyHeaders::Forwarded);
        for (proxies, headers) in [(proxies, &FORWARDED[..]), (other, &X_FORWARDED)] {
            let (running, client) =
                ask::<S>(|setup| setup.trusted_proxies = proxies, headers).await;
            let expected = running.expected(client, "/redirect").route("/redirect").status(302);
            expected.check(&running.only().await);
        }
    }
}

pub async fn forwarded_headers_of_trusted_proxies_are_believed<S: ServerUnderTest>() {
    let proxies = TrustedProxies::networks(["127.0.0.0/8"]).unwrap();
    let proxies = proxies.headers(ProxyHeaders::Forwarded);
    let (running, client) = ask::<S>(
        |setup| {
            setup.trusted_proxies = proxies;
            setup.client_port = true;
        },
        &FORWARDED,
    )
    .await;
    let expected = running.expected(client, "/redirect").route("/redirect").status(302);
    expected
        .set("client.address", "2001:db8::7")
        .set("client.port", 4711)
        .set("server.address", "shop.example")
        .unset("server.port")
        .set("url.scheme", "https")
        .check(&running.only().await);
}

pub async fn x_forwarded_headers_of_trusted_proxies_are_believed<S: ServerUnderTest>() {
    let networks = TrustedProxies::networks(["127.0.0.0/8"]).unwrap();
    for proxies in [networks, TrustedProxies::hops(1)] {
        let proxies = proxies.headers(ProxyHeaders::XForwarded { proto: true, host: true });
        // The port of the address that a proxy tells is not known.
        let (running, client) = ask::<S>(
            |setup| {
                setup.trusted_proxies = proxies;
                setup.client_port = true;
            },
            &X_FORWARDED,
        )
        .await;
        let expected = running.expected(client, "/redirect").route("/redirect").status(302);
        expected
            .set("client.address", "192.0.2.7")
            .set("server.address", "shop.example")
            .set("server.port", 8443)
            .set("url.scheme", "https")
            .check(&running.only().await);
    }
}

pub async fn addresses_and_ports_of_trusted_proxies_are_believed_by_option<S: ServerUnderTest>() {
    const SENT: [(&str, &str); 3] = [
        ("x-forwarded-for", "6.6.6.6"),
        ("cf-connecting-ip", "192.0.2.7"),
        ("x-forwarded-port", "8443"),
    ];
    let asked = |proxies: TrustedProxies, trusted: bool| async move {
        let (running, client) = ask::<S>(|setup| setup.trusted_proxies = proxies, &SENT).await;
        let expected = running.expected(client, "/redirect").route("/redirect").status(302);
        let expected = match trusted {
            true => expected.set("client.address", "192.0.2.7").set("server.port", 8443),
            false => expected,
        };
        expected.check(&running.only().await);
    };
    let option = |proxies: TrustedProxies| {
        proxies
            .client_address_header(HeaderName::from_static("cf-connecting-ip"))
            .forwarded_port(true)
    };
    let network = |network: &str| TrustedProxies::networks([network]).unwrap();
    asked(option(network("127.0.0.0/8")), true).await;
    asked(option(TrustedProxies::hops(1)), true).await;
    asked(option(network("10.0.0.0/8")), false).await;
    asked(option(TrustedProxies::none()), false).await;
}

pub async fn every_proxy_can_be_trusted<S: ServerUnderTest>() {
    let proxies = TrustedProxies::all();
    let (running, client) = ask::<S>(|setup| setup.trusted_proxies = proxies, &X_FORWARDED).await;
    let expected = running.expected(client, "/redirect").route("/redirect").status(302);
    expected.set("client.address", "6.6.6.6").check(&running.only().await);
}

pub async fn client_port_is_the_peers_where_no_proxy_is_trusted<S: ServerUnderTest>() {
    let others = TrustedProxies::networks(["172.16.0.0/12"]).unwrap();
    for proxies in [TrustedProxies::default(), others] {
        let (running, client) = ask::<S>(
            |setup| {
                setup.trusted_proxies = proxies;
                setup.client_port = true;
            },
            &X_FORWARDED,
        )
        .await;
        let expected = running.expected(client, "/redirect").route("/redirect").status(302);
        expected.set("client.port", i64::from(client.port())).check(&running.only().await);
    }
}
