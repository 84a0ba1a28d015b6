//! The quickstart as a user runs it.

#![allow(clippy::unwrap_used)] // a test may

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
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
const STORY: [&str; 4] = [
    "shop: SERVER GET /items/{item} ",
    "find price ",
    "CLIENT GET ",
    "inventory: SERVER GET /prices/{item} ",
];

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
        assert!(header.starts_with("trace ") && header.contains(" · 4 spans · "), "{printed}");
        assert_eq!(lines.iter().filter(|line| line.contains("─ ")).count(), STORY.len());
    }
}

/// A text without what differs from run to run: ids, times, ports and spaces.
fn shape(text: &str) -> Vec<String> {
    let varies = |word: &&str| {
        let is_id = word.len() == 32 && word.chars().all(|c| c.is_ascii_hexdigit());
        let is_time =
            word.parse::<f64>().is_ok_and(|_| *word != "200") || ["µs", "ms"].contains(word);
        !is_id && !is_time
    };
    let line = |line: &str| {
        let words = line.split_whitespace().filter(varies).map(|word| {
            let (before, port) = word.rsplit_once(':').unwrap_or((word, ""));
            let path = port.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}:{path}")
        });
        words.collect::<Vec<_>>().join(" ")
    };
    text.trim().lines().map(line).collect()
}

#[test]
fn the_readme_shows_what_it_prints() {
    let printed = text(&quickstart(&["--once"], &[]).stdout);
    let readme = include_str!("../../../README.md");
    let shown = readme.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(shape(shown), shape(printed.split("\n\n").nth(1).unwrap()));
}

/// Runs the quickstart for visitors, and ends it.
struct Shop {
    process: Child,
    url: String,
    /// The command that it prints for people to copy.
    curl: String,
    printed: BufReader<ChildStdout>,
}

impl Shop {
    fn open() -> Self {
        Self::open_with(&[])
    }

    fn open_with(variables: &[(&str, &str)]) -> Self {
        let mut process = command(&[], variables).stdout(Stdio::piped()).spawn().unwrap();
        let mut printed = BufReader::new(process.stdout.take().unwrap());
        let curl = read_until(&mut printed, "curl ").trim().to_owned();
        let (_, url) = curl.split_once("-01' ").unwrap();
        let url = url.strip_suffix("/items/lamp").unwrap().to_owned();
        read_until(&mut printed, "Ctrl-C"); // everything before the first visitor's trace
        Self { process, url, curl, printed }
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
fn visitors_continue_their_own_trace() {
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
fn the_curl_line_works_as_it_is_printed() {
    let mut shop = Shop::open();
    let answer = Command::new("sh").arg("-c").arg(&shop.curl).output().unwrap();
    if answer.status.code() == Some(127) {
        eprintln!("not run: curl is not installed");
        return;
    }
    assert_eq!(text(&answer.stdout), r#"{"item":"lamp","price":25}"#, "{}", text(&answer.stderr));
    let printed = read_until(&mut shop.printed, "trace ");
    assert!(printed.contains("0af7651916cd43dd8448eb211c80319c"), "{printed}");
    let printed = read_until(&mut shop.printed, "SERVER");
    assert!(printed.contains("remote parent b7ad6b7169203331"), "{printed}");
}

#[test]
fn the_live_page_shows_both_services_in_one_trace() {
    let mut shop = Shop::open();
    shop.visit("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let link = read_until(&mut shop.printed, "→ http://");
    let (address, path) = link.trim().strip_prefix("→ http://").unwrap().split_once('/').unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = get(address, &format!("/api/{path}"));
        if answer.contains(r#""total":4"#)
            && [r#""shop""#, r#""inventory""#].iter().all(|service| answer.contains(service))
        {
            return;
        }
        assert!(Instant::now() < deadline, "{answer}"); // spans take 0.1 s to the page
        thread::sleep(Duration::from_millis(20));
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[cfg(unix)]
#[test]
fn a_signal_sends_everything_with_two_resources_in_one_trace() {
    use rustix::process::{Pid, Signal, kill_process};
    let collector = tracewire_testing::Collector::start();
    for signal in [Signal::TERM, Signal::INT] {
        let before = collector.spans().len();
        let mut shop = Shop::open_with(&[
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
            ("OTEL_BSP_SCHEDULE_DELAY", "600000"), // nothing is sent before the end
        ]);
        let id = i32::try_from(shop.process.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
        assert_eq!(shop.process.wait().unwrap().code(), Some(0), "{signal:?}");
        let spans = collector.received(before + 3 * STORY.len()).block();
        let trace = spans.named("find price").last().unwrap().trace_id;
        for (name, service) in [
            ("GET /items/{item}", "shop"),
            ("find price", "shop"),
            ("GET", "shop"),
            ("GET /prices/{item}", "inventory"),
        ] {
            let named = spans.named(name);
            let span = named.iter().find(|span| span.trace_id == trace).unwrap();
            let of = span.resource.iter().find(|pair| pair.key.as_str() == "service.name");
            assert_eq!(of.unwrap().value.as_str(), service, "{name}");
        }
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
fn variables_override_the_defaults_of_the_program() {
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
    let output = quickstart(&[], &[("SHOP_LISTEN", &address)]);
    assert!(!output.status.success());
    let message = text(&output.stderr);
    assert!(message.contains(&format!("{address} is taken")), "{message}");
    assert!(message.contains("SHOP_LISTEN=127.0.0.1:"), "{message}");
    // Nothing else is said, such as the address of a page that ends at once.
    assert!(!message.contains("live page"), "{message}");
    assert_eq!(text(&output.stdout), "");
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
fn lost_telemetry_is_reported() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{nobody}");
    let variables =
        [("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    let output = quickstart(&["--once"], &variables);
    assert!(output.status.success());
    let message = text(&output.stderr);
    for lost in ["telemetry was lost: spans to otlp: 0 exported, 9 failed", "0 exported, 3 failed"]
    {
        assert!(message.contains(lost), "{message}");
    }
}
