//! The service as a user runs it.
#![allow(clippy::unwrap_used)] // a test may

use tests::{Service, ask};

const PROGRAM: &str = env!("CARGO_BIN_EXE_configured-service");

#[test]
fn it_serves_with_its_own_file_and_is_refused_with_a_bad_one() {
    let service = Service::start(PROGRAM, &[]);
    let answer = ask(service.address(), "GET /books/moby-dick", "");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("moby-dick\n"), "{answer}");
    assert!(ask(service.address(), "GET /healthz", "").starts_with("HTTP/1.1 200"));

    let file = std::env::temp_dir().join(format!("tracewire-bad-{}.yaml", std::process::id()));
    std::fs::write(&file, "file_format: \"1.1\"\ndisabled: perhaps\n").unwrap();
    let output =
        std::process::Command::new(PROGRAM).env("OTEL_CONFIG_FILE", &file).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains(":2:11: disabled: "), "{said}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it() {
    Service::assert_ends_well(PROGRAM, &[], "GET /books/moby-dick");
}
