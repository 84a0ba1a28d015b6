//! The service as a user runs it, with a listener in the place of Zipkin.
#![allow(clippy::unwrap_used)] // a test may

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
};
use tests::Service;

const PROGRAM: &str = env!("CARGO_BIN_EXE_zipkin-service");

fn start(zipkin: &TcpListener) -> Service {
    let endpoint = format!("http://{}/api/v2/spans", zipkin.local_addr().unwrap());
    Service::start(PROGRAM, &[("OTEL_EXPORTER_ZIPKIN_ENDPOINT", &endpoint)])
}

/// As many spans as these, from as many requests as it takes.
fn reported(zipkin: &TcpListener, spans: usize) -> Vec<Value> {
    let mut all = Vec::new();
    while all.len() < spans {
        let (stream, _) = zipkin.accept().unwrap();
        let mut request = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            request.read_line(&mut line).unwrap();
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_ascii_lowercase()),
            }
        }
        assert_eq!(lines[0], "post /api/v2/spans http/1.1");
        let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        request.read_exact(&mut body).unwrap();
        all.extend(serde_json::from_slice::<Vec<Value>>(&body).unwrap());
        let mut stream = request.into_inner();
        stream
            .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
    }
    all
}

#[test]
fn a_trace_of_zipkin_is_joined_and_its_error_sent() {
    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const CALL: &str = "e457b5a2e4d86bd1";
    let zipkin = TcpListener::bind("127.0.0.1:0").unwrap();
    let service = start(&zipkin);
    let answer = service.get("/coffee/mocha", &format!("b3: {TRACE}-{CALL}-1\r\n"));
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("no chocolate"), "{answer}");

    let spans = reported(&zipkin, 2);
    let [brew, request] = ["brew", "GET /coffee/{kind}"].map(|name| {
        spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("{spans:#?}"))
    });
    for span in [brew, request] {
        assert_eq!(span["traceId"], TRACE);
        assert_eq!(span["localEndpoint"], json!({"serviceName": "barista"}));
        assert_eq!(span["tags"]["otel.status_code"], "ERROR");
    }
    assert_eq!((&request["parentId"], &request["kind"]), (&json!(CALL), &json!("SERVER")));
    assert_eq!((&brew["parentId"], brew.get("kind")), (&request["id"], None));
    assert_eq!(brew["tags"]["coffee.kind"], "mocha");
    assert_eq!(brew["tags"]["error"], "no chocolate left");
}

#[test]
fn events_are_annotations() {
    let zipkin = TcpListener::bind("127.0.0.1:0").unwrap();
    let service = start(&zipkin);
    let answer = service.get("/coffee/latte", "b3: 1\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let spans = reported(&zipkin, 2);
    let brew = spans.iter().find(|span| span["name"] == "brew").unwrap();
    assert_eq!(brew["annotations"][0]["value"], r#"{"beans ground":{"coffee.beans":"9"}}"#);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_and_loses_nothing() {
    let zipkin = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/api/v2/spans", zipkin.local_addr().unwrap());
    let variables =
        [("OTEL_EXPORTER_ZIPKIN_ENDPOINT", &*endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "600000")];
    std::thread::scope(|scope| {
        let spans = scope.spawn(|| reported(&zipkin, 4));
        Service::assert_ends_well(PROGRAM, &variables, "GET /coffee/latte");
        assert_eq!(spans.join().unwrap().len(), 4);
    });
}
