//! Each variant as a server of its own answers and records; how fast is the benchmark's matter.

use benches::{
    http::{Records, Variant, servers},
    load::{Cores, Export, HEADERS, PATH, Server, Sink},
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

#[test]
fn every_server_answers_and_its_spans_reach_the_exporter() {
    for variant in servers() {
        let server = start(&variant, Export::Dropped, "http://127.0.0.1:9");
        assert_answer(server.address());
        let report = server.stop();
        assert_eq!((report.served, report.spans), (1, Some(spans(&variant))), "{}", variant.name);
        assert_attributes(&variant, &report.attributes);
    }
}

#[test]
fn every_server_answers_and_its_spans_reach_the_collector() {
    for variant in servers() {
        for export in [Export::Sdk, Export::Init] {
            let sink = Sink::start(Duration::ZERO);
            let server = start(&variant, export, &sink.endpoint());
            assert_answer(server.address());
            assert_eq!(server.stop().served, 1);
            assert_eq!(sink.spans(), spans(&variant), "{} {}", variant.name, export.name());
            assert_attributes(&variant, &sink.attributes());
        }
    }
}

fn start(variant: &Variant, export: Export, endpoint: &str) -> Server {
    Server::start(env!("CARGO_BIN_EXE_serve"), Cores::Shared, variant, export, endpoint)
}

fn assert_answer(address: SocketAddr) {
    let mut request = format!("GET {PATH} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in HEADERS {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers in text");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nHello"), "{answer}");
}

fn spans(variant: &Variant) -> u64 {
    u64::from(variant.records != Records::Nothing)
}

fn assert_attributes(variant: &Variant, attributes: &[String]) {
    if variant.records == Records::Everything {
        assert_eq!(attributes, variant.attributes(), "{}", variant.name);
    }
}
