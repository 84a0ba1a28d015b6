//! How long a newcomer waits for the first trace, and a browser for a large one.
//!
//! `cargo run -p browser --bin figures`, with chromedriver and Chromium. The programs and the page are
//! built as `cargo run` builds them, without optimization.
#![allow(clippy::print_stdout)] // what it is asked for

use browser::{Browser, Demo, Program, id};
use serde_json::Value;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const TIMES: usize = 5;
/// As many as are kept of one trace.
const SPANS: u64 = 10_000;

fn main() {
    let Some(browser) = Browser::start() else { return };
    first_trace(&browser);
    large_trace(&browser, SPANS);
    // The waterfall has the first 10,000, and says how many more there were.
    large_trace(&browser, 10 * SPANS);
}

/// From the start of the quickstart to its first trace on the page, and from a request's end to its row.
fn first_trace(browser: &Browser) {
    let environment = [("SHOP_LISTEN", "127.0.0.1:0"), ("TRACEWIRE_LIVE", "127.0.0.1:0")];
    drop(Program::start("quickstart", &[], &environment)); // It is built from here on.
    let (mut starts, mut delays) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let begun = Instant::now();
        let mut quickstart = Program::start("quickstart", &[], &environment);
        let page = quickstart.said("all traces at ");
        let shop = quickstart.said("keeps running at ");
        browser.open(&page, "traces");
        browser.wait_for("Number(document.body.dataset.rows) > 0");
        starts.push(begun.elapsed().as_secs_f64() * 1000.0);

        browser.wait_for("document.body.dataset.rows === '3'");
        browser.run(
            "new MutationObserver(() => { \
                 if (document.body.dataset.rows === '4') window.shownAt ??= Date.now(); \
             }).observe(document.body, { subtree: true, childList: true, attributes: true })",
        );
        let answer = ureq::get(format!("{shop}/items/sofa")).call();
        assert!(answer.is_ok() || matches!(answer, Err(ureq::Error::StatusCode(_))), "{answer:?}");
        let ended = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        browser.wait_for("window.shownAt");
        let shown = number(&browser.run("return window.shownAt"));
        delays.push(shown - ended.as_secs_f64() * 1000.0);
    }
    print("quickstart (built) to its first trace in the list", "ms", &mut starts);
    print("end of a request to its row in the list", "ms", &mut delays);
}

/// From a click to the painted waterfall, the steps of a scroll, and the elements of the page.
fn large_trace(browser: &Browser, spans: u64) {
    let demo = Demo::start();
    demo.trace(1, "GET /wide", spans);
    let (mut opened, mut steps, mut elements) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES {
        browser.open(&demo.url(&format!("trace/{}", id(1))), "trace");
        browser.wait_for("document.body.dataset.painted");
        opened.push(number(&browser.run("return Number(document.body.dataset.painted)")));
        elements.push(number(&browser.run("return document.querySelectorAll('*').length")));
        let step = "const rows = document.querySelector('.rows'); const begun = performance.now(); \
                    rows.scrollTop += 500; rows.dispatchEvent(new Event('scroll')); \
                    rows.getBoundingClientRect(); return performance.now() - begun";
        steps.extend((0..20).map(|_| number(&browser.run(step))));
    }
    print(&format!("{spans} spans, asked for to painted"), "ms", &mut opened);
    print("the same, a step of a scroll", "ms", &mut steps);
    print("the same, elements of the page", "", &mut elements);
}

fn print(what: &str, unit: &str, numbers: &mut [f64]) {
    numbers.sort_by(f64::total_cmp);
    let (least, most) = (numbers[0], numbers[numbers.len() - 1]);
    let median = numbers[numbers.len() / 2];
    println!("{what}: {median:.0} {unit} ({least:.0} to {most:.0}, {} times)", numbers.len());
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("it is a number")
}
