//! The program: files, ports, signals.
#![allow(clippy::unwrap_used)] // a test may

mod support;

use std::net::TcpListener;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use self::support::{Viewer, send};

const TRACE: &str = "5b8aa5a2d2c872e8321cf37308d69df2";

fn run(arguments: &[&str]) -> (bool, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_tracewire-viewer")).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_signal_ends_it_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut viewer = Viewer::start();
        kill_process(Pid::from_child(&viewer.child), signal).unwrap();
        assert!(viewer.child.wait().unwrap().success());
    }
}

#[test]
fn a_download_can_be_opened_again() {
    let viewer = Viewer::start();
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": TRACE, "spanId": "051581bf3cb55c13", "name": "GET /items", "kind": 2,
        "startTimeUnixNano": "1780000000000000000", "endTimeUnixNano": "1780000000005000000",
        "attributes": [{"key": "big", "value": {"intValue": "9007199254740993"}}],
    }]}]}]});
    let answer =
        viewer.post("/v1/traces", "content-type: application/json", body.to_string().as_bytes());
    assert_eq!(answer.status, 200);
    let logs = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "traceId": TRACE, "spanId": "051581bf3cb55c13", "body": {"stringValue": "it is sold"},
    }]}]}]});
    let answer =
        viewer.post("/v1/logs", "content-type: application/json", logs.to_string().as_bytes());
    assert_eq!(answer.status, 200);
    let page = viewer.page().to_owned();
    let head = format!("GET /api/trace/{TRACE}/otlp HTTP/1.1\r\nhost: {page}");
    let download = send(&page, &head, b"");
    assert_eq!(download.status, 200);

    let parts: Value = serde_json::from_slice(&download.body).unwrap();
    assert_eq!(parts["resourceSpans"].as_array().map(Vec::len), Some(1), "{parts:#}");
    let record = &parts["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    assert_eq!(record["body"]["stringValue"], "it is sold", "{parts:#}");

    let path = std::env::temp_dir().join(format!("tracewire-viewer-{}.json", std::process::id()));
    std::fs::write(&path, &download.body).unwrap();
    let opened = Viewer::with(&["--page-port", "0", path.to_str().unwrap()], 1);
    std::fs::remove_file(&path).unwrap();
    assert!(opened.lines[0].ends_with(&format!("/trace/{TRACE}")), "{:?}", opened.lines);
    let page = opened.page().to_owned();
    let head = format!("GET /api/trace/{TRACE}/otlp HTTP/1.1\r\nhost: {page}");
    assert_eq!(send(&page, &head, b"").body, download.body);
}

#[test]
fn what_cannot_work_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (ok, said) = run(&["--grpc-port", &port, "--http-port", "0", "--page-port", "0"]);
    assert!(!ok && said.contains(&format!("port {port} of localhost is taken")), "{said}");

    let open = ["--host", "0.0.0.0", "--grpc-port", "0", "--http-port", "0", "--page-port", "0"];
    let (ok, said) = run(&open);
    assert!(!ok && said.contains("a token is required"), "{said}");
    let (ok, said) = run(&["--token", "short"]);
    assert!(!ok && said.contains("16 to 256"), "{said}");

    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let (ok, said) = run(&["--page-port", "0", manifest]);
    assert!(!ok && said.contains("is not OTLP JSON"), "{said}");
    let (ok, said) = run(&["/no/such/file.json"]);
    assert!(!ok && said.contains("/no/such/file.json"), "{said}");
    let (ok, said) = run(&["--bogus"]);
    assert!(!ok && said.contains("--bogus") && said.contains("--help"), "{said}");
    let (ok, said) = run(&["--help"]);
    assert!(ok && said.contains("--allow-host"), "{said}");
}

#[test]
fn a_taken_port_of_the_page_is_passed_over() {
    let first = Viewer::start();
    let port = first.page().rsplit(':').next().unwrap().to_owned();
    let second = Viewer::with(&["--grpc-port", "0", "--http-port", "0", "--page-port", &port], 3);
    assert_ne!(first.page(), second.page());
    assert!(second.api("traces")["traces"].is_array());
}
