//! docs/getting-started.md

use std::process::{Command, Stdio};
use tests::Service;
use tracewire_testing::Collector;

const SHOP: &str = env!("CARGO_BIN_EXE_shop");

#[test]
fn a_collector_gets_one_trace_and_two_durations() {
    let collector = Collector::start();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.endpoint()),
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
    ];
    let service = Service::start(SHOP, &variables);
    assert!(service.get("/health", "").ends_with("ok"));
    assert!(service.get("/orders/7", "").ends_with("42"));
    collector.received(4).block().assert_tree(
        "
        GET /orders/{id} [server]
          load price
            GET [client]
              GET /prices/{id} [server]
        ",
    );
    let metrics = collector.received_metric("http.server.request.duration").block();
    metrics.one("http.client.request.duration");
}

#[cfg(unix)]
#[test]
fn the_console_shows_the_tree_that_the_page_shows() {
    use std::io::{BufRead, BufReader, Read};

    let mut shop = Command::new(SHOP)
        .env("LISTEN", "127.0.0.1:0")
        .env("OTEL_SERVICE_NAME", "shop")
        .env("OTEL_TRACES_EXPORTER", "console")
        .env("OTEL_METRICS_EXPORTER", "none")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(shop.stdout.take().unwrap());
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap();
    assert!(tests::ask(address, "GET /orders/7", "").ends_with("42"));
    Command::new("kill").arg(shop.id().to_string()).status().unwrap();
    assert!(shop.wait().unwrap().success());
    let mut tree = String::new();
    printed.read_to_string(&mut tree).unwrap();

    let page = crate::pages::page("getting-started");
    let (_, shown) = page.split_once("```text\n").unwrap();
    let shown = shown.split("```").next().unwrap().replace("127.0.0.1:3000", address);
    assert_eq!(names(&tree), names(&shown), "{tree}");
}

/// The words of each line that are the same in every run.
#[cfg(unix)]
fn names(tree: &str) -> Vec<String> {
    let lines = tree.lines().filter(|line| line.contains('─'));
    let is_fixed = |word: &&str| {
        !word.chars().all(|c| c.is_ascii_digit() || c == '.') && !["µs", "ms"].contains(word)
    };
    lines
        .map(|line| line.split_whitespace().filter(is_fixed).collect::<Vec<_>>().join(" "))
        .collect()
}
