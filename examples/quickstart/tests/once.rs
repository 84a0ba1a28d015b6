//! The quickstart as a user runs it.

#![allow(clippy::unwrap_used)] // a test may

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    command.args(arguments).env("SHOP_LISTEN", "127.0.0.1:0");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command
}

fn quickstart(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(arguments, variables).output().expect("the binary was just built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The trace that mentions `needle`: its id, and its spans as depth and line, in printed order.
fn trace<'a>(output: &'a str, needle: &str) -> (&'a str, Vec<(usize, &'a str)>) {
    let trace = output
        .split("trace ")
        .find(|trace| trace.contains(needle))
        .unwrap_or_else(|| panic!("no trace with {needle:?} in:\n{output}"));
    let (id, _) = trace.split_once(' ').expect("the id ends with a space");
    let spans = trace.lines().filter_map(|line| {
        let (before, span) = line.split_once("─ ")?;
        Some((before.chars().count(), span))
    });
    (id, spans.collect())
}

/// From the shop's server span down to the inventory's, each the child of the one above.
const STORY: [&str; 4] =
    ["SERVER GET /items/{item} ", "find price ", "CLIENT GET ", "SERVER GET /prices/{item} "];

#[test]
fn one_trace_runs_from_the_shop_to_the_inventory() {
    let output = quickstart(&["--once"], &[]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));

    for (item, failed) in [("lamp", false), ("chair", false), ("unicorn", true)] {
        let (_, spans) = trace(&printed, &format!("path=/items/{item}"));
        assert_eq!(spans.len(), STORY.len(), "{printed}");
        for ((_, span), name) in spans.iter().zip(STORY) {
            assert!(span.starts_with(name), "{name:?} expected: {span:?}");
            assert_eq!(span.contains('✗'), failed, "{span}");
        }
        for pair in spans.windows(2) {
            assert!(pair[0].0 < pair[1].0, "each is below the one above:\n{printed}");
        }
    }
}

#[test]
fn each_request_is_announced_before_its_trace_and_traces_stand_apart() {
    let printed = text(&quickstart(&["--once"], &[]).stdout);
    let blocks: Vec<_> = printed.trim_end().split("\n\n").collect();
    assert_eq!(blocks.len(), 3, "{printed}");
    for (block, item) in blocks.iter().zip(["lamp", "chair", "unicorn"]) {
        let lines: Vec<_> = block.lines().collect();
        let (request, header) = (lines[0], lines[1]);
        assert!(request.starts_with("GET http://"), "{printed}");
        assert!(request.ends_with(&format!("/items/{item}")), "{printed}");
        assert!(header.starts_with("trace ") && header.contains(" · quickstart · "), "{printed}");
        assert_eq!(lines.iter().filter(|line| line.contains("─ ")).count(), STORY.len());
    }
}

/// Runs the quickstart for visitors, and ends it.
struct Shop {
    process: Child,
    url: String,
    printed: BufReader<ChildStdout>,
}

impl Shop {
    fn open() -> Self {
        let mut process = command(&[], &[]).stdout(Stdio::piped()).spawn().unwrap();
        let mut printed = BufReader::new(process.stdout.take().unwrap());
        let line = read_until(&mut printed, "stays open at ");
        let (_, rest) = line.split_once("stays open at ").unwrap();
        let url = rest.split_once(". Join").unwrap().0.to_owned();
        Self { process, url, printed }
    }

    /// Asks for a lamp with one header, and returns the trace that was printed for it.
    fn visit(&mut self, name: &str, value: &str) -> String {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET /items/lamp HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{name}: {value}\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let mut lines = read_until(&mut self.printed, "trace ");
        for _ in STORY {
            self.printed.read_line(&mut lines).unwrap();
        }
        lines
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read_until(lines: &mut impl BufRead, needle: &str) -> String {
    let mut line = String::new();
    while !line.contains(needle) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "ended before {needle:?}");
    }
    line
}

#[test]
fn visitors_join_with_a_trace_of_their_own() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";
    let mut shop = Shop::open();
    for (name, value) in
        [("traceparent", format!("00-{TRACE}-{PARENT}-01")), ("b3", format!("{TRACE}-{PARENT}-1"))]
    {
        let printed = shop.visit(name, &value);
        let (id, spans) = trace(&printed, "path=/items/lamp");
        assert_eq!(id, TRACE, "{name}");
        assert_eq!(spans.len(), STORY.len(), "{printed}");
        assert!(
            spans[0].1.contains(&format!("remote parent {PARENT}")),
            "the visitor's span is the parent: {printed}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_with_everything_printed() {
    use rustix::process::{Pid, Signal, kill_process};
    for signal in [Signal::TERM, Signal::INT] {
        let mut shop = Shop::open();
        let printed =
            shop.visit("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assert!(printed.contains("0af7651916cd43dd8448eb211c80319c"), "{printed}");
        let id = i32::try_from(shop.process.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
        assert_eq!(shop.process.wait().unwrap().code(), Some(0), "{signal:?}");
    }
}

#[test]
fn an_operator_s_choice_wins_over_the_program_s() {
    let variables = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_SERVICE_NAME", "mine")];
    let output = quickstart(&["--once"], &variables);
    assert!(output.status.success());
    assert!(!text(&output.stdout).contains("trace "), "{}", text(&output.stdout));
    assert!(!text(&output.stderr).contains("ignored"), "{}", text(&output.stderr));
}

#[test]
fn taken_port_is_a_clear_message() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = quickstart(&["--once"], &[("SHOP_LISTEN", &address)]);
    assert!(!output.status.success());
    let message = text(&output.stderr);
    assert!(message.contains(&address) && message.contains("SHOP_LISTEN"), "{message}");
}

#[test]
fn bad_variable_is_a_clear_message() {
    let output = quickstart(
        &["--once"],
        &[
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector:4318"),
        ],
    );
    assert!(!output.status.success());
    let message = text(&output.stderr);
    for part in ["OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector:4318", "http"] {
        assert!(message.contains(part), "{part:?} in {message:?}");
    }
}

#[test]
fn lost_telemetry_is_told() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{nobody}");
    let variables =
        [("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    let output = quickstart(&["--once"], &variables);
    assert!(output.status.success());
    let message = text(&output.stderr);
    assert!(message.contains("telemetry was lost") && message.contains("12 failed"), "{message}");
}
