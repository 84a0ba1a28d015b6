//! What a newcomer sees: the quickstart, and two services in the viewer.

use browser::{Browser, Program};
use serde_json::json;
use std::{
    thread,
    time::{Duration, Instant},
};

const SHOP: (&str, &str) = ("SHOP_LISTEN", "127.0.0.1:0");
const PAGE: (&str, &str) = ("TRACEWIRE_LIVE", "127.0.0.1:0");
/// How long a trace may be on its way.
const PATIENCE: Duration = Duration::from_secs(30);
/// Whether the list has requests to the shop.
const VISIT: &str = "const body = document.querySelector('tbody'); \
     return body && body.innerText.includes('GET /items/{item}')";

#[test]
fn a_request_to_the_quickstart_appears_without_a_reload() {
    let Some(browser) = Browser::start() else { return };
    let mut quickstart = Program::start("quickstart", &[], &[SHOP, PAGE]);
    let link = quickstart.said("→ ");
    let page = quickstart.said("all traces at ");
    let shop = quickstart.said("keeps running at ");
    // The link below the first trace on the console.
    browser.open(&link, "trace");
    browser.wait_for("document.querySelectorAll('[role=treegrid] [role=row]').length === 4");

    browser.open(&page, "traces");
    browser.wait_for("document.body.dataset.rows === '3'");
    assert_eq!(browser.run(VISIT), json!(true));
    browser.run("window.marker = 1");
    let answer = ureq::get(format!("{shop}/items/sofa")).call();
    assert!(answer.is_ok() || matches!(answer, Err(ureq::Error::StatusCode(_))), "{answer:?}");
    browser.wait_for("document.body.dataset.rows === '4'");
    assert_eq!(browser.run("return window.marker"), json!(1), "the page was not loaded again");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn two_processes_share_one_page_in_the_viewer() {
    let Some(browser) = Browser::start() else { return };
    let ports = ["--grpc-port", "0", "--http-port", "0", "--page-port", "0"];
    let mut viewer = Program::start("tracewire-viewer", &ports, &[]);
    let page = viewer.said("page: ");
    let (grpc, http) = (viewer.said("OTLP: "), viewer.said("OTLP: "));
    let start = |name, endpoint: &str| {
        let environment = [
            SHOP,
            ("TRACEWIRE_LIVE", "false"),
            ("OTEL_SERVICE_NAME", name),
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ];
        Program::start("quickstart", &[], &environment)
    };
    let (mut first, mut second) = (start("first", &http), start("second", &grpc));
    first.said("keeps running at ");
    browser.open(&page, "traces");
    let shop = second.said("keeps running at ");
    // A caller's trace, whose spans come from one process.
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    ureq::get(format!("{shop}/items/lamp")).header("traceparent", &parent).call().unwrap();
    browser.wait_for(
        "document.querySelector('tbody').innerText.includes('first') && \
         document.querySelector('tbody').innerText.includes('second')",
    );
    // The traces in the list are of the programs' own start.
    let begun = Instant::now();
    while ureq::get(format!("{page}api/trace/{trace}")).call().is_err() {
        assert!(begun.elapsed() < PATIENCE, "the trace does not arrive");
        thread::sleep(Duration::from_millis(20));
    }
    browser.open(&format!("{page}trace/{trace}"), "trace");
    browser.wait_for("document.querySelectorAll('[role=treegrid] [role=row]').length === 4");
}

/// The picture of the README: `just picture`.
#[test]
fn the_picture_of_the_readme_is_taken() {
    let Some(browser) = Browser::start() else { return };
    let mut quickstart = Program::start("quickstart", &[], &[SHOP, PAGE]);
    quickstart.said("/items/unicorn");
    let link = quickstart.said("→ ");
    browser.look(browser::Screen::Light);
    browser.open(&link, "trace");
    browser.run("document.querySelectorAll('[role=treegrid] [role=row]')[2].click()");
    browser.wait_for("document.querySelector('.details h1')");
    browser.wait_for("!document.body.innerText.includes('still open')");
    browser.picture("live-page");
}
