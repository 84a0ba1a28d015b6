//! Who may read the page, and what every response says to browsers.

#![allow(clippy::unwrap_used)] // helpers of tests may

mod support;

use http::header::{LOCATION, SET_COOKIE};
use http::{Method, Request};
use support::{get, id, offer, request, send, source, span};
use tracewire_live::{ConfigError, Live, LivePage, PeerAddress};

const TOKEN: &str = "0123456789abcdef";

/// What stands against the usual request: a local one for `/api/status`.
#[derive(Debug, Default)]
struct Case {
    target: Option<&'static str>,
    method: Option<Method>,
    hosts: Option<&'static [&'static str]>,
    peer: Option<Option<&'static str>>,
    headers: &'static [(&'static str, &'static str)],
}

impl Case {
    fn request(&self) -> Request<()> {
        let mut request = Request::builder()
            .uri(self.target.unwrap_or("/api/status"))
            .method(self.method.clone().unwrap_or(Method::GET));
        for host in self.hosts.unwrap_or(&["127.0.0.1:4319"]) {
            request = request.header("host", *host);
        }
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        if let Some(peer) = self.peer.unwrap_or(Some("127.0.0.1:5000")) {
            request.extensions_mut().insert(PeerAddress(peer.parse().unwrap()));
        }
        request
    }
}

fn pages() -> [LivePage; 4] {
    let recorder = Live::new().build();
    [
        recorder.page(),
        recorder.page().token(TOKEN).unwrap(),
        recorder.own_page(),
        recorder.own_page().token(TOKEN).unwrap().allow_host("Shop.example"),
    ]
}

/// Statuses of: mounted, mounted with a token, own port, own port with a token and a name.
fn cases() -> Vec<(Case, [u16; 4])> {
    let usual = Case::default;
    let hosts = |hosts| Case { hosts: Some(hosts), ..usual() };
    let peer = |peer| Case { peer: Some(peer), ..usual() };
    let headers = |headers| Case { headers, ..usual() };
    let local = [200, 200, 200, 401];
    let foreign_host = [404, 404, 421, 421];
    let proxied = [404, 404, 403, 401];
    let authorized = [200; 4];
    vec![
        (usual(), local),
        // Host
        (hosts(&["localhost"]), local),
        (hosts(&["LOCALHOST:80"]), local),
        (hosts(&["shop.localhost:1"]), local),
        (hosts(&["127.9.9.9"]), local),
        (hosts(&["[::1]:4319"]), local),
        (hosts(&["[::ffff:127.0.0.1]:4319"]), local),
        (hosts(&["::1"]), foreign_host),
        (hosts(&["[::1%lo]"]), foreign_host),
        (hosts(&["localhost:x"]), foreign_host),
        (hosts(&["128.0.0.1"]), foreign_host),
        (hosts(&["evil.example"]), foreign_host),
        (hosts(&["localhost.evil.example"]), foreign_host),
        (hosts(&["evil-localhost"]), foreign_host),
        (hosts(&["127.0.0.1.evil.example:80"]), foreign_host),
        (hosts(&["[127.0.0.1]"]), foreign_host),
        (hosts(&["0.0.0.0:4319"]), foreign_host),
        (hosts(&["[::]:4319"]), foreign_host),
        (hosts(&["[::ffff:192.0.2.1]"]), foreign_host),
        (hosts(&["127.0.0.1:99999"]), foreign_host),
        (hosts(&["localhost/"]), foreign_host),
        (hosts(&["localhost,localhost"]), foreign_host),
        (hosts(&[""]), foreign_host),
        (hosts(&["localhost@evil.example"]), foreign_host),
        (hosts(&["shop.example"]), [404, 404, 421, 401]),
        // A token says more than a name: the page of a name that was rebound does not know it.
        (
            Case {
                hosts: Some(&["192.0.2.7:4319"]),
                headers: &[("authorization", "Bearer 0123456789abcdef")],
                ..usual()
            },
            [404, 200, 421, 200],
        ),
        (
            Case {
                target: Some("/?token=%30123456789abcdef"),
                hosts: Some(&["build.example"]),
                ..usual()
            },
            [404, 303, 421, 303],
        ),
        (
            Case {
                hosts: Some(&["build.example"]),
                headers: &[("cookie", "tracewire_live_80=0123456789abcdeX")],
                ..usual()
            },
            foreign_host,
        ),
        (hosts(&[]), [404, 404, 400, 400]),
        (hosts(&["localhost", "localhost"]), [404, 404, 400, 400]),
        (Case { target: Some("http://localhost/api/status"), hosts: Some(&[]), ..usual() }, local),
        (
            Case {
                target: Some("http://localhost/api/status"),
                hosts: Some(&["evil.example"]),
                ..usual()
            },
            [404, 404, 400, 400],
        ),
        // Peer
        (peer(Some("[::1]:5000")), local),
        (peer(Some("[::ffff:127.0.0.1]:5000")), local),
        (peer(Some("192.0.2.1:5000")), proxied),
        (peer(None), proxied),
        // Proxies
        (headers(&[("forwarded", "for=192.0.2.1")]), proxied),
        (headers(&[("X-Forwarded-For", "127.0.0.1")]), proxied),
        (headers(&[("x-forwarded-anything", "")]), proxied),
        (headers(&[("via", "1.1 proxy")]), proxied),
        (headers(&[("x-real-ip", "127.0.0.1")]), proxied),
        // Token
        (headers(&[("authorization", "Bearer 0123456789abcdef")]), authorized),
        (
            Case {
                peer: Some(Some("192.0.2.1:5000")),
                headers: &[("authorization", "bearer 0123456789abcdef"), ("via", "1.1 proxy")],
                ..usual()
            },
            [404, 200, 403, 200],
        ),
        (headers(&[("authorization", "Bearer 0123456789abcdeF")]), local),
        (headers(&[("authorization", "Bearer 0123456789abcdef0")]), local),
        (headers(&[("authorization", "Bearer ")]), local),
        (headers(&[("authorization", "Basic 0123456789abcdef")]), local),
        (headers(&[("cookie", "a=b; tracewire_live_4319=0123456789abcdef")]), authorized),
        (headers(&[("cookie", "tracewire_live_4320=0123456789abcdef")]), local),
        (Case { target: Some("/api/status?token=0123456789abcdef"), ..usual() }, local),
        (Case { target: Some("/?token=0123456789abcdef"), ..usual() }, [200, 303, 200, 303]),
        (Case { target: Some("/?token=wrong"), ..usual() }, local),
        // Origin
        (headers(&[("sec-fetch-site", "same-origin")]), local),
        (headers(&[("sec-fetch-site", "none")]), local),
        (headers(&[("sec-fetch-site", "cross-site")]), [404, 404, 403, 401]),
        (headers(&[("sec-fetch-site", "same-site")]), [404, 404, 403, 401]),
        (
            Case { target: Some("/"), headers: &[("sec-fetch-site", "cross-site")], ..usual() },
            local, // a link to the page
        ),
        (headers(&[("origin", "http://127.0.0.1:4319")]), local),
        (headers(&[("origin", "http://127.0.0.1:4320")]), [404, 404, 403, 401]),
        (headers(&[("origin", "http://evil.example")]), [404, 404, 403, 401]),
        (headers(&[("origin", "null")]), [404, 404, 403, 401]),
        (
            headers(&[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")]),
            [404, 404, 403, 401],
        ),
        (
            headers(&[
                ("origin", "http://evil.example"),
                ("authorization", "Bearer 0123456789abcdef"),
            ]),
            [404, 404, 403, 403],
        ),
        // Method and path
        (Case { method: Some(Method::HEAD), ..usual() }, local),
        (Case { method: Some(Method::POST), ..usual() }, [405, 405, 405, 401]),
        (Case { method: Some(Method::OPTIONS), ..usual() }, [405, 405, 405, 401]),
        (Case { target: Some("/other"), ..usual() }, [404, 404, 404, 401]),
        (Case { target: Some("/trace/00000000"), ..usual() }, [404, 404, 404, 401]),
        (Case { target: Some("/api/trace/00000000"), ..usual() }, [404, 404, 404, 401]),
        (Case { target: Some("/api/changes"), ..usual() }, local),
    ]
}

#[tokio::test]
async fn only_local_callers_and_those_with_the_token_are_answered() {
    let pages = pages();
    for (case, expected) in cases() {
        let mut found = [0; 4];
        for (page, status) in pages.iter().zip(&mut found) {
            *status = send(page, case.request()).await.status().as_u16();
        }
        assert_eq!(found, expected, "{case:?}");
    }
}

#[tokio::test]
async fn every_response_tells_browsers_to_trust_nothing() {
    for page in pages() {
        for (case, _) in cases() {
            let response = send(&page, case.request()).await;
            let header = |name: &str| {
                let mut values = response.headers().get_all(name).iter();
                let value = values.next().map(|value| value.to_str().unwrap());
                assert!(values.next().is_none(), "{name}");
                value
            };
            let policy = header("content-security-policy").unwrap();
            for part in [
                "default-src 'none'; ",
                "connect-src 'self'; ",
                "base-uri 'none'; ",
                "form-action 'none'; ",
                "frame-ancestors 'none'; ",
                "require-trusted-types-for 'script'; ",
                "trusted-types 'none'",
            ] {
                assert!(policy.contains(part), "{policy}");
            }
            assert!(!policy.contains("unsafe"));
            assert_eq!(header("x-content-type-options"), Some("nosniff"));
            assert_eq!(header("referrer-policy"), Some("no-referrer"));
            assert_eq!(header("cache-control"), Some("no-store"));
            assert_eq!(header("cross-origin-opener-policy"), Some("same-origin"));
            assert_eq!(header("cross-origin-resource-policy"), Some("same-origin"));
            assert_eq!(header("access-control-allow-origin"), None);
            assert!(header("content-type").is_some());
        }
    }
}

#[tokio::test]
async fn a_token_moves_from_the_address_to_a_cookie() {
    let recorder = Live::new().build();
    let page = recorder.own_page().token(TOKEN).unwrap();
    let response = send(&page, request("/?q=a&token=0123456789abcdef&find=b")).await;
    assert_eq!(response.headers()[LOCATION], "?q=a&find=b");
    let cookie = "tracewire_live_4319=0123456789abcdef; HttpOnly; SameSite=Strict";
    assert_eq!(response.headers()[SET_COOKIE], format!("{cookie}; Path=/"));
    // Opened deeper down it holds for the data, too.
    let response = send(&page, request("/trace/00000000?token=0123456789abcdef")).await;
    assert_eq!(response.headers()[SET_COOKIE], format!("{cookie}; Path=/"));

    let mounted = recorder.page().token(TOKEN).unwrap();
    let response = send(&mounted, request("/?token=0123456789abcdef")).await;
    assert_eq!(response.headers()[SET_COOKIE], cookie);
    let mounted = mounted.mounted_at("/live");
    let response = send(&mounted, request("/routes?token=0123456789abcdef")).await;
    assert_eq!(response.headers()[SET_COOKIE], format!("{cookie}; Path=/live"));
    assert_eq!(response.headers()[LOCATION], "?");
}

#[test]
fn a_token_that_is_short_or_cannot_stand_in_a_cookie_is_refused() {
    let page = Live::new().build().own_page();
    for token in ["", "0123456789abcde", "0123456789abcde;", "0123456789abcde f", &"x".repeat(257)]
    {
        assert_eq!(page.clone().token(token).unwrap_err(), ConfigError::Token, "{token}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_say_who_calls_is_told_so() {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let page = Live::new().build().page().on_unknown_peer(|| {
        CALLS.fetch_add(1, Relaxed);
    });
    let unknown = || Request::get("/").header("host", "localhost").body(()).unwrap();
    assert_eq!(send(&page, request("/")).await.status(), 200);
    assert_eq!(CALLS.load(Relaxed), 0);
    assert_eq!(send(&page, unknown()).await.status(), 404);
    assert_eq!(CALLS.load(Relaxed), 1);
    assert_eq!(send(&page.token(TOKEN).unwrap(), unknown()).await.status(), 404);
    assert_eq!(CALLS.load(Relaxed), 1);
}

#[tokio::test]
async fn a_head_request_gets_no_body() {
    let recorder = Live::new().build();
    for target in ["/", "/api/traces", "/api/changes"] {
        let mut head = request(target);
        *head.method_mut() = Method::HEAD;
        let response = send(&recorder.page(), head).await;
        assert_eq!(response.status(), 200);
        assert!(http_body::Body::is_end_stream(response.body()), "{target}");
    }
}

#[tokio::test]
async fn the_download_is_named_after_the_id_alone() {
    let recorder = Live::new().build();
    let source = source(&recorder, "shop\"; filename=x");
    offer(&recorder, &source, &span(1, 1, "GET \"/../x\r\n", 5));
    let response = send(&recorder.page(), request(&format!("/api/trace/{}/otlp", id(1)))).await;
    let expected = format!("attachment; filename=\"trace-{}.json\"", id(1));
    assert_eq!(response.headers()["content-disposition"], expected.as_str());
    let (status, _) = get(&recorder.page(), "/api/trace/abababababababab").await;
    assert_eq!(status, 200);
}
