//! The server over real connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::*;
use crate::Live;

fn start(listen: &str) -> Server {
    let listen = Listen::parse(listen).unwrap().unwrap();
    Server::start(Live::new().build().own_page(), &listen).unwrap()
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

fn ask(server: &Server, request: &str) -> String {
    let mut stream = connect(server);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Opens a stream of changes and reads its first line.
fn stream(server: &Server) -> (String, BufReader<TcpStream>) {
    let mut reader = BufReader::new(connect(server));
    reader.get_mut().write_all(b"GET /api/changes HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    (line, reader)
}

#[test]
fn the_page_is_served_until_the_server_is_dropped() {
    let server = start("0");
    for (request, status) in [
        ("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", "200 OK"),
        ("GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n", "421"),
        ("GET / HTTP/1.0\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", "405"),
        ("nonsense\r\n\r\n", "400"),
    ] {
        let answer = ask(&server, request);
        assert!(answer.split_once(' ').unwrap().1.starts_with(status), "{request}: {answer}");
    }
    let address = server.address();
    drop(server);
    assert!(TcpListener::bind(address).is_ok());
}

#[test]
fn a_taken_port_is_followed_by_the_next_free_one() {
    let first = start("0");
    let second = start(&first.address().port().to_string());
    assert_ne!(first.address(), second.address());
    assert!(second.url().starts_with("http://127.0.0.1:"));
}

#[test]
fn an_address_that_others_can_reach_needs_a_token() {
    let listen = Listen::parse("0.0.0.0:0").unwrap().unwrap();
    let page = Live::new().build().own_page();
    let error = Server::start(page.clone(), &listen).unwrap_err();
    assert!(matches!(error, ListenError::NoToken(_)), "{error}");
    let page = page.token("0123456789abcdef").unwrap();
    let server = Server::start(page, &listen).unwrap();
    let request = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
    assert!(ask(&server, &format!("{request}\r\n")).starts_with("HTTP/1.1 401"));
    let authorized = format!("{request}authorization: Bearer 0123456789abcdef\r\n\r\n");
    assert!(ask(&server, &authorized).starts_with("HTTP/1.1 200"));
}

#[test]
fn the_seventeenth_stream_is_refused_until_another_one_ends() {
    let server = start("0");
    let mut streams: Vec<_> = (0..16).map(|_| stream(&server)).collect();
    assert!(streams.iter().all(|(line, _)| line == "HTTP/1.1 200 OK\r\n"));
    assert!(stream(&server).0.starts_with("HTTP/1.1 503"));
    streams.pop();
    let begun = Instant::now();
    while !stream(&server).0.starts_with("HTTP/1.1 200") {
        assert!(begun.elapsed() < Duration::from_secs(20), "the place was not given back");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_stops_with_a_stream_open() {
    let server = start("0");
    let (_, mut open) = stream(&server);
    let begun = Instant::now();
    drop(server);
    assert!(begun.elapsed() < Duration::from_secs(2));
    let mut rest = Vec::new();
    let _ = open.read_to_end(&mut rest);
}

#[test]
fn connections_beyond_the_limit_are_closed_and_others_go_on() {
    let server = start("0");
    let mut idle: Vec<_> = (0..MOST_CONNECTIONS).map(|_| connect(&server)).collect();
    let mut refused = connect(&server);
    // It was accepted after all others, so their places are taken.
    assert_eq!(refused.read(&mut [0]).unwrap_or(0), 0);
    let request = b"GET /api/status HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    idle[0].write_all(request).unwrap();
    let mut answer = String::new();
    idle[0].read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[test]
fn a_reader_that_takes_nothing_is_cut_off() {
    let server = start("0");
    let mut stream = connect(&server);
    // Answers to far more requests than the buffers of both sides hold.
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    let begun = Instant::now();
    let error = loop {
        assert!(begun.elapsed() < Duration::from_secs(60), "the connection was not ended");
        if let Err(error) = stream.write_all(request) {
            break error;
        }
    };
    assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
    assert!(
        ask(&server, "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .starts_with("HTTP/1.1 200")
    );
}
