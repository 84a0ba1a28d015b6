//! The live page in Chromium.

#![allow(clippy::unwrap_used)] // helpers of tests may

use axum::extract::ConnectInfo;
use browser::{Browser, Demo, Screen, failed, id, span, text};
use opentelemetry_proto::tonic::trace::v1::{Status, span::Event};
use serde_json::json;
use std::net::SocketAddr;
use tracewire_live::{MetricRow, RequestStart};

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

#[test]
fn the_first_trace_appears_without_a_reload() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    browser.open(&demo.url(""), "traces");
    browser.wait_for("document.querySelector('.empty').innerText.includes('No traces yet')");
    browser.run("window.marker = 1");
    demo.trace(1, "GET /orders/{id}", 3);
    browser.wait_for("document.querySelector('tbody').innerText.includes('GET /orders/{id}')");
    browser.wait_for("document.getElementById('status').innerText.includes('kept 1 of 1')");
    assert_eq!(browser.run("return window.marker"), json!(1), "the page was not loaded again");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn a_deep_link_opens_the_span_and_the_search() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    demo.trace(1, "GET /orders/{id}", 8);
    let path = format!("trace/{}?span={:016x}&find=number+5", id(1), 4);
    browser.open(&demo.url(&path), "trace");
    browser.wait_for("document.querySelector('.details').innerText.includes('step 4')");
    browser.wait_for("document.querySelector('.row.found .text').innerText === 'step 5'");
    browser.open(&demo.url("trace/00000000"), "missing");
    browser.wait_for("document.body.innerText.includes('never seen here')");
}

#[test]
fn everything_can_be_done_with_the_keyboard() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    for trace in 1..=5 {
        demo.trace(trace, &format!("GET /{trace}"), 2);
    }
    demo.trace(6, "GET /failed", 9);
    browser.open(&demo.url(""), "traces");
    browser.wait_for("document.body.dataset.rows === '6'");
    browser.press("e");
    browser
        .wait_for("document.querySelector('tr[aria-selected=true]').innerText.includes('/failed')");
    browser.press(ENTER);
    browser.wait_for("document.body.dataset.ready === 'trace'");
    browser.press("c");
    browser.wait_for(&format!("document.body.dataset.copied === '{}'", id(6)));
    browser.press("e");
    browser.wait_for("document.querySelector('.details').innerText.includes('it took too long')");
    // Find, and jump between matches.
    browser.press("/");
    browser.press("number");
    browser.wait_for("/ of 9$/.test(document.getElementById('matches').innerText)");
    browser.press(ESCAPE);
    // The details take the focus, and give it back.
    browser.press(ENTER);
    browser.wait_for("document.activeElement.matches('.details')");
    browser.press(ESCAPE);
    browser.wait_for("document.activeElement.matches('[role=treegrid]')");
    browser.press("n");
    browser.wait_for("/^[1-9] of 9$/.test(document.getElementById('matches').innerText)");
    // Collapse the root.
    browser.press("\u{e011}h");
    browser.wait_for(
        "document.querySelector('[role=treegrid]').getAttribute('aria-rowcount') === '1'",
    );
    browser.press("l");
    browser.wait_for(
        "document.querySelector('[role=treegrid]').getAttribute('aria-rowcount') === '9'",
    );
    browser.press("gr");
    browser.wait_for("document.body.dataset.ready === 'routes'");
    browser.press("?");
    browser.wait_for("document.getElementById('help').open");
}

#[test]
fn a_filter_stands_in_the_address_and_is_restored() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    demo.trace(1, "GET /plain", 2);
    demo.trace(2, "GET /failed", 4);
    browser.open(&demo.url(""), "traces");
    browser.press("/");
    browser.press("error");
    browser.wait_for("location.search === '?q=error' && document.body.dataset.rows === '1'");
    // What comes later is searched for, too.
    demo.trace(3, "GET /fine", 2);
    demo.trace(4, "GET /failed", 5);
    browser.wait_for("document.body.dataset.rows === '2'");
    browser.open(&demo.url("?q=item%3D%22number+4%22+-item%3D%22number+5%22"), "traces");
    browser.wait_for("document.body.dataset.rows === '1'");
    assert_eq!(
        browser.run("return document.getElementById('filter').value"),
        json!("item=\"number 4\" -item=\"number 5\"")
    );
}

#[test]
fn a_large_trace_has_few_elements_and_a_deep_one_is_drawn() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    demo.trace(1, "GET /wide", 9_999);
    for n in (2..=9_000).rev() {
        let mut deep = span(2, n, "deeper");
        deep.parent_span_id = (n - 1).to_be_bytes().to_vec();
        demo.offer(&deep);
    }
    demo.offer(&span(2, 1, "GET /deep"));
    for (trace, spans) in [(1, 9_999), (2, 9_000)] {
        browser.open(&demo.url(&format!("trace/{}", id(trace))), "trace");
        assert_eq!(browser.run("return document.body.dataset.spans"), json!(spans.to_string()));
        let elements = browser.run("return document.querySelectorAll('*').length");
        assert!(elements.as_u64().unwrap() < 3_000, "{elements}");
        browser.press("\u{e010}");
        browser.wait_for("document.querySelector('.rows').scrollTop > 100000");
    }
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn circles_duplicates_and_orphans_are_drawn() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    let (mut one, mut two) = (span(1, 10, "one"), span(1, 11, "two"));
    one.parent_span_id = two.span_id.clone();
    two.parent_span_id = one.span_id.clone();
    let mut orphan = span(1, 20, "orphan");
    orphan.parent_span_id = vec![9; 8];
    let mut own = span(1, 30, "own parent");
    own.parent_span_id = own.span_id.clone();
    for span in [&one, &two, &orphan, &orphan, &own, &span(1, 1, "GET /odd")] {
        demo.offer(span);
    }
    browser.open(&demo.url(&format!("trace/{}", id(1))), "trace");
    let rows = browser
        .run("return document.querySelector('[role=treegrid]').getAttribute('aria-rowcount')");
    assert_eq!(rows, json!("6"));
    let text = browser.run("return document.querySelector('.rows').innerText");
    assert!(text.as_str().unwrap().contains("(below itself)"), "{text}");
}

#[test]
fn each_service_of_a_trace_has_a_color_of_its_own() {
    let Some(browser) = Browser::start() else { return };
    let mut demo = Demo::start();
    for (n, service) in
        (1..).zip(["shop", "stock", "pay", "rust-shop", "py-prices", "node", "a", "b"])
    {
        demo.source = demo.source_of(service);
        demo.offer(&span(1, n, service));
    }
    browser.open(&demo.url(&format!("trace/{}", id(1))), "trace");
    browser.wait_for("document.querySelectorAll('.row .span').length === 8");
    let colors = "return new Set([...document.querySelectorAll('.row .span')]\
                  .map((bar) => getComputedStyle(bar).backgroundColor)).size";
    assert_eq!(browser.run(colors), json!(8));
    let classes = "return [...document.querySelectorAll('.row .span')]\
                   .every((bar) => /^span h[0-7]$/.test(bar.className))";
    assert_eq!(browser.run(classes), json!(true));
}

#[test]
fn a_mounted_page_finds_its_data_and_goes_on_after_each_stream() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    demo.trace(1, "GET /first", 2);
    let page = demo.recorder.page().peer_from(|extensions| {
        extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| *address)
    });
    // The path of a mount may be that of a view.
    let app = axum::Router::new()
        .nest_service("/tools/telemetry", page.clone())
        .nest_service("/tools/live", page);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(async move { axum::serve(listener, app).await });
    for path in ["/tools/live", "/tools/live/", "/tools/telemetry", "/tools/telemetry/"] {
        browser.open(&format!("{origin}{path}"), "traces");
        browser.run("document.querySelector('tbody a').click()");
        let mount = path.trim_end_matches('/');
        browser.wait_for(&format!("location.pathname === '{mount}/trace/{}'", id(1)));
        browser.wait_for("document.body.dataset.ready === 'trace'");
        browser.run("location.reload()");
        browser.wait_for("document.body.dataset.ready === 'trace'");
        browser.press("gx");
        browser.wait_for(&format!("location.pathname === '{mount}/telemetry'"));
        browser.open(&format!("{origin}{mount}/telemetry"), "telemetry");
    }
    browser.open(&format!("{origin}/tools/live/"), "traces");
    let streams = "performance.getEntriesByType('resource')\
                   .filter((entry) => entry.name.includes('/api/changes')).length";
    browser.wait_for(&format!("{streams} >= 2"));
    demo.trace(2, "GET /later", 2);
    browser.wait_for("document.querySelector('tbody').innerText.includes('GET /later')");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn a_running_request_is_drawn_until_it_ends() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    let root = span(1, 1, "GET /export");
    demo.recorder.request_started(RequestStart {
        trace_id: root.trace_id.clone().try_into().unwrap(),
        span_id: root.span_id.clone().try_into().unwrap(),
        start: root.start_time_unix_nano,
        name: "GET /export".into(),
        path: "/export",
    });
    browser.open(&demo.url("running"), "running");
    browser.run("document.querySelector('tbody a').click()");
    browser.wait_for("document.querySelectorAll('.row.running').length === 1");
    let (trace, ended) = (root.trace_id.clone(), root.span_id.clone());
    demo.recorder.request_ended(trace.try_into().unwrap(), ended.try_into().unwrap());
    demo.offer(&root);
    browser.wait_for("document.querySelectorAll('.row.running').length === 0");
    browser.wait_for("document.querySelector('.row .text').innerText === 'GET /export'");
    browser.wait_for("!document.querySelector('.details').innerText.includes('still running')");
}

#[test]
fn a_metric_that_is_no_number_leaves_the_others_shown() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    demo.recorder.set_metrics(|| {
        let row = |name: &str, unit: &str, value| MetricRow {
            name: name.to_owned(),
            unit: unit.to_owned(),
            kind: "gauge".to_owned(),
            attributes: Vec::new(),
            value,
            count: None,
        };
        vec![row("ratio", "1", f64::NAN), row("wait", "s", f64::INFINITY), row("lamps", "1", 7.0)]
    });
    browser.open(&demo.url("metrics"), "metrics");
    browser.wait_for("document.querySelectorAll('tbody tr').length === 3");
    let shown = browser.run("return document.querySelector('main').innerText");
    assert!(shown.as_str().unwrap().contains('–'), "{shown}");
}

const HOSTILE: [&str; 8] = [
    "<img src=x onerror=window.pwned=1>",
    "</script><script>window.pwned=1</script>",
    "javascript:window.pwned=1",
    "\"'><svg/onload=window.pwned=1>",
    "{{constructor.constructor('window.pwned=1')()}}",
    "\u{202e}evil\u{2066}",
    "nul\0 and \u{1b}[31m",
    "http://evil.example/\"onmouseover=\"window.pwned=1",
];

#[test]
fn hostile_text_stays_text() {
    let Some(browser) = Browser::start() else { return };
    // A page that is left behind would say that its stream broke off.
    let mut demos = Vec::new();
    for hostile in HOSTILE {
        let demo = Demo::start_at("0", hostile);
        let mut root = failed(span(1, 1, hostile), hostile);
        root.attributes.push(text(hostile, hostile));
        root.status = Some(Status { code: 2, message: hostile.to_owned() });
        let attributes = vec![text(hostile, hostile)];
        root.events.push(Event { name: hostile.to_owned(), attributes, ..Event::default() });
        demo.offer(&span(1, 2, hostile));
        demo.offer(&root);
        demo.recorder.request_started(RequestStart {
            trace_id: [7; 16],
            span_id: [8; 8],
            start: root.start_time_unix_nano,
            name: hostile.into(),
            path: hostile,
        });
        browser.open(&demo.url(""), "traces");
        browser.wait_for("document.querySelectorAll('tbody tr.failed').length === 1");
        let path = format!("trace/{}?span={:016x}", id(1), 1);
        browser.open(&demo.url(&path), "trace");
        browser.wait_for("document.querySelectorAll('.details .item').length === 1");
        for view in ["routes", "running"] {
            browser.open(&demo.url(view), view);
        }
        let clean = "return window.pwned === undefined && !document.querySelector('img, svg, iframe') \
                     && performance.getEntriesByType('resource').every((entry) => \
                        entry.name.startsWith(location.origin))";
        assert_eq!(browser.run(clean), json!(true), "{hostile}");
        assert_eq!(browser.console(), Vec::<String>::new(), "{hostile}");
        demos.push(demo);
    }
}

#[test]
fn no_text_can_become_markup_even_by_mistake() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    browser.open(&demo.url(""), "traces");
    let script = "try { document.body.innerHTML = '<b>bold</b>'; return 'set' } \
                  catch (error) { return error.name }";
    assert_eq!(browser.run(script), json!("TypeError"));
}

#[test]
fn a_restart_is_told_and_the_list_is_new() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    demo.trace(1, "GET /before", 2);
    browser.open(&demo.url(""), "traces");
    browser.wait_for("document.querySelector('tbody').innerText.includes('GET /before')");
    let port = demo.port();
    drop(demo);
    let demo = Demo::start_at(&port, "shop");
    assert_eq!(demo.port(), port);
    browser.wait_for("document.getElementById('restarted')");
    demo.trace(2, "GET /after", 2);
    browser.wait_for("document.querySelector('tbody').innerText.includes('GET /after')");
    let text = browser.run("return document.querySelector('tbody').innerText");
    assert!(!text.as_str().unwrap().contains("/before"), "{text}");
}

#[test]
fn a_hidden_tab_closes_its_stream() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    browser.open(&demo.url(""), "traces");
    browser.wait_for("document.getElementById('live').dataset.state === 'live'");
    // A browser without windows hides no tab, so the page is told that it is hidden.
    let hide = "Object.defineProperty(document, 'hidden', { configurable: true, get: () => window.hid }); \
                window.hid = true; document.dispatchEvent(new Event('visibilitychange'))";
    browser.run(hide);
    browser.wait_for("document.body.dataset.stream === 'closed'");
    demo.trace(1, "GET /meanwhile", 2);
    browser.run("window.hid = false; document.dispatchEvent(new Event('visibilitychange'))");
    browser.wait_for("document.querySelector('tbody').innerText.includes('GET /meanwhile')");
}

#[test]
fn rows_do_not_move_while_one_is_selected() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    demo.trace(1, "GET /first", 2);
    browser.open(&demo.url(""), "traces");
    browser.wait_for("document.body.dataset.rows === '1'");
    browser.press("j");
    demo.trace(2, "GET /second", 2);
    browser.wait_for("document.querySelector('.bar button').innerText.startsWith('1 new')");
    assert_eq!(browser.run("return document.body.dataset.rows"), json!("1"));
    browser.press("r");
    browser.wait_for("document.body.dataset.rows === '2'");
}

#[test]
fn a_trace_id_or_a_traceparent_in_the_filter_opens_its_trace() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    demo.trace(1, "GET /orders/{id}", 3);
    demo.trace(2, "GET /later", 3);
    browser.open(&demo.url("routes"), "routes");
    browser.press("/");
    browser.press(&id(2));
    browser.wait_for(&format!("location.pathname === '/trace/{}'", id(2)));
    browser.wait_for("document.querySelector('.bar h1').innerText === 'GET /later'");
    browser.press("/");
    browser.press(ESCAPE);
    browser.run("const box = document.getElementById('filter'); box.focus(); box.value = ''");
    browser.press(&format!("00-{}-{:016x}-01", id(1), 2));
    browser.wait_for("document.querySelector('.details h1')?.innerText === 'CLIENT step 2'");
    browser.wait_for("document.title.startsWith('GET /orders/{id} abababab · shop')");
}

#[test]
fn a_trace_that_comes_after_its_link_was_opened_is_drawn() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    browser.open(&demo.url(&format!("trace/{}", id(1))), "missing");
    browser.wait_for("document.body.innerText.includes('never seen here')");
    demo.trace(1, "GET /late", 3);
    browser.wait_for("document.querySelectorAll('[role=treegrid] [role=row]').length === 3");
    assert_eq!(browser.run("return document.getElementById('missing').hidden"), json!(true));
    // From here on it is followed as any other.
    demo.offer(&span(1, 9, "afterwards"));
    browser.wait_for("document.querySelector('.rows').innerText.includes('afterwards')");
}

#[test]
fn the_focus_stays_where_it_is_while_tables_are_renewed() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    for trace in 1..=4 {
        demo.trace(trace, &format!("GET /{trace}"), 2);
    }
    browser.open(&demo.url("routes"), "routes");
    browser.run("document.querySelectorAll('tbody .cell[href]')[2].focus()");
    let focused = "return document.activeElement.id";
    let before = browser.run(focused);
    assert!(before.as_str().unwrap().starts_with("cell-"), "{before}");
    browser.run("window.table = document.querySelector('table')");
    browser.wait_for("document.querySelector('table') !== window.table");
    assert_eq!(browser.run(focused), before);
    // What is being copied is not drawn again.
    browser.run(
        "getSelection().selectAllChildren(document.querySelector('tbody td')); \
         window.table = document.querySelector('table'); window.asked = performance.now()",
    );
    browser.wait_for("performance.now() > window.asked + 2500");
    assert_eq!(browser.run("return document.querySelector('table') === window.table"), json!(true));
    browser.run("getSelection().removeAllRanges()");
    browser.wait_for("document.querySelector('table') !== window.table");
}

#[test]
fn a_row_that_did_not_change_stays_the_same_element() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    demo.trace(1, "GET /first", 2);
    browser.open(&demo.url(""), "traces");
    demo.trace(2, "GET /second", 2);
    browser.wait_for("document.body.dataset.rows === '2'");
    browser.run(&format!("window.row = document.getElementById('trace-{}')", id(2)));
    demo.offer(&span(1, 9, "afterwards"));
    browser.wait_for("document.querySelectorAll('tbody .spans')[1].innerText === '3'");
    let same = format!("return document.getElementById('trace-{}') === window.row", id(2));
    assert_eq!(browser.run(&same), json!(true));
}

#[test]
fn a_restart_is_told_on_every_view() {
    let Some(browser) = Browser::start() else { return };
    let mut demo = Demo::start();
    let port = demo.port();
    for (view, ready) in [("routes", "routes"), ("running", "running"), ("metrics", "metrics")] {
        browser.open(&demo.url(view), ready);
        browser.wait_for("document.getElementById('live').dataset.state === 'live'");
        drop(demo);
        demo = Demo::start_at(&port, "shop");
        browser.wait_for("document.getElementById('restarted')");
        browser.run("window.main = document.querySelector('main').firstChild");
        browser.wait_for("document.querySelector('main').firstChild !== window.main");
        let notice = "return document.getElementById('restarted').innerText";
        assert!(browser.run(notice).as_str().unwrap().contains("restarted"), "{view}");
    }
    browser.press("gt");
    browser.wait_for("document.body.dataset.ready === 'traces'");
    assert_eq!(browser.run("return document.getElementById('restarted')"), json!(null));
}

/// The least contrast of a text to what is behind it, and that text.
const LEAST_CONTRAST: &str = r#"
    const paper = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
        .getContext("2d", { willReadFrequently: true });
    const over = (colors) => {
        paper.clearRect(0, 0, 1, 1);
        for (const color of colors) { paper.fillStyle = color; paper.fillRect(0, 0, 1, 1); }
        return [...paper.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => {
            const x = part / 255;
            return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
        });
    };
    const light = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    const behind = (element) => {
        const colors = [];
        for (let at = element; at; at = at.parentElement) colors.unshift(getComputedStyle(at).backgroundColor);
        return ["white", ...colors];
    };
    let worst = [99, ""];
    const note = (element, backs) => {
        const back = over(backs);
        const front = over([...backs, getComputedStyle(element).color]);
        const [a, b] = [light(front), light(back)];
        const ratio = Math.max(a, b) / Math.min(a, b);
        if (ratio < worst[0]) worst = [ratio, `${element.className} ${element.textContent}`];
    };
    for (const element of document.querySelectorAll("body *")) {
        const isText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        const box = element.getBoundingClientRect();
        if (!isText || !box.width || ["SCRIPT", "STYLE", "NOSCRIPT"].includes(element.tagName)) continue;
        note(element, behind(element));
        // A label may lie on its bar.
        const bar = element.matches(".label") && element.previousElementSibling;
        if (bar) note(element, [...behind(element), getComputedStyle(bar).backgroundColor]);
    }
    return worst;
"#;

#[test]
fn every_text_stands_out_from_what_is_behind_it() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    let (trace, span) = demo.fill();
    let trace = format!("trace/{trace}?span={span}&find=stock");
    for screen in [Screen::Light, Screen::Dark] {
        browser.look(screen);
        for (path, ready) in [
            ("", "traces"),
            (&*trace, "trace"),
            ("routes", "routes"),
            ("running", "running"),
            ("telemetry", "telemetry"),
            ("metrics", "metrics"),
        ] {
            browser.open(&demo.url(path), ready);
            if ready == "trace" {
                browser.wait_for("document.querySelector('.details h1')");
                browser.wait_for("document.querySelector('.row.found')");
            }
            let worst = browser.run(LEAST_CONTRAST);
            assert!(worst[0].as_f64().unwrap() >= 4.5, "{screen:?} {ready}: {worst}");
        }
    }
}

#[test]
fn every_view_fits_every_screen() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    let (trace, span) = demo.fill();
    let trace = format!("trace/{trace}?span={span}");
    for screen in [Screen::Light, Screen::Dark, Screen::Narrow, Screen::Forced] {
        browser.look(screen);
        for (name, path, ready) in [
            ("traces", "", "traces"),
            ("trace", &*trace, "trace"),
            ("routes", "routes", "routes"),
            ("running", "running", "running"),
            ("telemetry", "telemetry", "telemetry"),
            ("metrics", "metrics", "metrics"),
        ] {
            browser.open(&demo.url(path), ready);
            if name == "trace" {
                browser.wait_for("document.querySelector('.details h1')");
            }
            let fits = "return document.documentElement.scrollWidth <= innerWidth";
            assert_eq!(browser.run(fits), json!(true), "{name} {screen:?}");
            browser.picture(&format!("{name}-{screen:?}").to_lowercase());
        }
    }
    // As they are before there is anything to show.
    browser.look(Screen::Light);
    let empty = Demo::start();
    for (name, path) in [("traces", ""), ("routes", "routes"), ("metrics", "metrics")] {
        browser.open(&empty.url(path), name);
        browser.wait_for("document.querySelector('.empty .lead')");
        browser.picture(&format!("{name}-empty"));
    }
    browser.open(&empty.url(""), "traces");
    browser.press("?");
    browser.picture("help");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn readers_of_the_screen_get_a_grid_and_a_tree() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    demo.trace(1, "GET /orders/{id}", 5);
    browser.open(&demo.url(&format!("trace/{}?span={:016x}", id(1), 2)), "trace");
    browser.wait_for("document.querySelector('.details h1')");
    let tree = browser.devtools("Accessibility.getFullAXTree", json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let role = |role: &str| nodes.iter().filter(|node| node["role"]["value"] == role).count();
    assert_eq!((role("treegrid"), role("row")), (1, 5));
    assert!(role("link") >= 5 && role("status") == 1 && role("complementary") == 1);
    let row = "const row = document.querySelector('[role=row][aria-selected=true]'); \
               return [row.ariaLevel, row.ariaExpanded, row.getAttribute('aria-rowindex'), \
               document.querySelector('[role=treegrid]').getAttribute('aria-activedescendant') === row.id]";
    assert_eq!(browser.run(row), json!(["2", "true", "2", true]));
}
