//! What is not HTTP, or not quite; and headers of tracing that are not.

use super::{Version, caller::Caller, expect, raw};

/// What must come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// An error of the caller's, or a connection that is closed without a word.
    Refused,
    /// The answer of the handler.
    Answered,
}

pub(super) async fn perform(caller: &mut Caller, number: usize) -> Result<(), String> {
    match caller.version {
        Version::Http1 => http1(caller, number).await,
        Version::Http2 => http2(caller, number).await,
    }
}

async fn http1(caller: &Caller, number: usize) -> Result<(), String> {
    let (bytes, fate) = match number % 16 {
        0 => (b"\x00\x01\x02\xff garbage\r\n\r\n".to_vec(), Fate::Refused),
        1 => (get("bad header: x"), Fate::Refused),
        2 => (get("no-colon"), Fate::Refused),
        3 => (b"GET /users/ada HTTP/9.9\r\nhost: soak\r\n\r\n".to_vec(), Fate::Refused),
        4 => (post("content-length: 5\r\ncontent-length: 6", "hello"), Fate::Refused),
        5 => (post("content-length: -1", ""), Fate::Refused),
        6 => (post("transfer-encoding: chunked", "zz\r\nhello\r\n0\r\n\r\n"), Fate::Refused),
        7 => (post("transfer-encoding: chunked", "5\r\nhel"), Fate::Refused),
        8 => (get(&"x-many: y\r\n".repeat(200)), Fate::Refused),
        9 => (get(&format!("x-long: {}", "y".repeat(600_000))), Fate::Refused),
        10 => (get("traceparent: 00-nonsense"), Fate::Answered),
        11 => (get(&format!("traceparent: {0}\r\ntraceparent: {0}", "00-0-0-0")), Fate::Answered),
        12 => (get(&format!("tracestate: {}", "a=b,".repeat(5_000))), Fate::Answered),
        13 => (get(&format!("baggage: {}", "key=%zz;,=,".repeat(3_000))), Fate::Answered),
        14 => (non_ascii(), Fate::Answered),
        _ => (get("forwarded: for=\"[::1\r\nx-forwarded-for: ,,,%"), Fate::Answered),
    };
    let mut stream = raw::connect(caller.service).await?;
    raw::write(&mut stream, &bytes).await;
    if number % 16 == 7 {
        // It would wait for the rest.
        return Ok(());
    }
    let status = raw::status(&mut stream).await;
    let as_expected = match fate {
        Fate::Refused => status.is_none_or(|status| (400..500).contains(&status) || status == 505),
        Fate::Answered => status == Some(200),
    };
    expect(as_expected, || format!("number {} over HTTP/1.1 was answered {status:?}", number % 16))
}

fn get(headers: &str) -> Vec<u8> {
    let head = "GET /users/ada HTTP/1.1\r\nhost: soak\r\nconnection: close";
    format!("{head}\r\n{}\r\n\r\n", headers.trim_end()).into_bytes()
}

fn post(headers: &str, body: &str) -> Vec<u8> {
    let head = "POST /echo HTTP/1.1\r\nhost: soak\r\nconnection: close";
    format!("{head}\r\n{headers}\r\n\r\n{body}").into_bytes()
}

fn non_ascii() -> Vec<u8> {
    let mut head = b"GET /users/ada HTTP/1.1\r\nhost: soak\r\nconnection: close\r\n".to_vec();
    for name in ["traceparent", "baggage", "tracestate", "user-agent", "x-forwarded-for"] {
        head.extend(name.as_bytes());
        head.extend(b": \x80\xff\xc3\x28\r\n");
    }
    head.extend(b"\r\n");
    head
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// Breaks the protocol of the whole connection, which the service must close.
async fn http2(caller: &Caller, number: usize) -> Result<(), String> {
    let frame: &[u8] = match number % 6 {
        // Data on no stream.
        0 => &[0, 0, 1, 0, 0, 0, 0, 0, 0, b'x'],
        // A head that cannot be decompressed.
        1 => &[0, 0, 4, 1, 5, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff],
        // A frame of 16 MB.
        2 => &[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1],
        // A stream of the server's.
        3 => &[0, 0, 1, 1, 5, 0, 0, 0, 2, 0x82],
        // Settings of an odd length.
        4 => &[0, 0, 5, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        // A window that is no wider.
        _ => &[0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    };
    let mut stream = raw::connect(caller.service).await?;
    raw::write(&mut stream, &[PREFACE, SETTINGS, frame].concat()).await;
    let closed = raw::until_closed(&mut stream).await.is_some();
    expect(closed, || format!("number {} over HTTP/2 was not closed", number % 6))
}
