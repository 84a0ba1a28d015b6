//! Prometheus: the page of our example, scraped and read by its own parsers, in both its formats.

use crate::{
    lab::{Lab, free_port},
    relay::expect,
    row::{Checks, System},
    systems::{example::Example, go, python},
};
use serde_json::{Value, json};
use std::process::Command;

pub(crate) const SYSTEMS: &[System] = &[
    System { name: "Prometheus: its server's parser", check: go_parser },
    System { name: "Prometheus: client library for Python", check: python_parser },
];

const REQUIREMENTS: &str = "prometheus/requirements.txt";

/// What a server of version 3 accepts.
const SERVER: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                      application/openmetrics-text;version=0.0.1;q=0.5,\
                      text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                      text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
/// What one accepts that is told to use the older format.
const OLDER: &str = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

fn go_parser(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    let version = go::version(lab, "prometheus", "github.com/prometheus/prometheus")?;
    checks.version(format!("textparse {version}"));
    let program = lab.go("prometheus", ".")?;
    check(lab, checks, &|| Command::new(&program))
}

fn python_parser(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(python::version(lab, REQUIREMENTS, "prometheus-client")?);
    let bin = lab.python(REQUIREMENTS)?;
    check(lab, checks, &|| {
        let mut command = Command::new(bin.join("python"));
        command.arg(lab.source("prometheus").join("scrape.py"));
        command
    })
}

/// Lets a parser read the page of a bar that has served two lattes and an espresso.
fn check(lab: &Lab, checks: &mut Checks, parser: &dyn Fn() -> Command) -> Result<(), String> {
    let bar = Bar::open(lab)?;
    for kind in ["latte", "espresso", "latte"] {
        bar.order(kind, 200)?;
    }
    bar.order("tea", 404)?;
    for (format, accept, content_type) in
        [("OpenMetrics", SERVER, OPENMETRICS), ("the text format", OLDER, TEXT)]
    {
        let name = |what: &str| format!("{format}: {what}");
        let page = bar.scrape(lab, parser(), accept)?;
        let is_open = content_type == OPENMETRICS;
        checks.check(&name("is what the page is in when asked for"), || {
            expect("content type", page.0["content_type"].as_str(), Some(content_type))
        });
        checks.check(&name("a counter by kind"), || {
            page.is("coffee_cups_total", ["counter", "", "Cups served."], is_open)?;
            let sample = |kind: &str, value: f64| {
                let labels = json!({"coffee_kind": kind, "otel_scope_name": "barista"});
                (labels, value)
            };
            let samples = page.samples("coffee_cups_total")?;
            expect("samples", samples, vec![sample("espresso", 1.0), sample("latte", 2.0)])
        });
        checks.check(&name("an up-down counter with a unit"), || {
            page.is("coffee_beans_grams", ["gauge", "grams", "Beans left."], is_open)?;
            let samples = page.samples("coffee_beans_grams")?;
            expect("samples", samples, vec![(json!({"otel_scope_name": "barista"}), 975.0)])
        });
        checks.check(&name("a histogram of requests"), || requests(&page, is_open));
        checks.check(&name("target_info with the resource"), || target(&page, is_open));
    }
    checks.check("the next scrape has what was served since", || {
        bar.order("latte", 200)?;
        let samples = bar.scrape(lab, parser(), SERVER)?.samples("coffee_cups_total")?;
        expect("cups", samples.iter().map(|(_, value)| value).sum(), 4.0)
    });
    bar.example.stop().map(drop)
}

fn requests(page: &Page, is_open: bool) -> Result<(), String> {
    let name = "http_server_request_duration_seconds";
    let help = "Duration of HTTP server requests.";
    page.is(&format!("{name}_count"), ["histogram", "seconds", help], is_open)?;
    let labels = |status: &str| {
        json!({
            "http_request_method": "POST",
            "http_response_status_code": status,
            "http_route": "/coffee/{kind}",
            "network_protocol_version": "1.1",
            "otel_scope_name": "tracewire-tower",
            "otel_scope_version": env!("CARGO_PKG_VERSION"),
            "url_scheme": "http",
        })
    };
    let counts = page.samples(&format!("{name}_count"))?;
    expect("counts", counts, vec![(labels("200"), 3.0), (labels("404"), 1.0)])?;
    let sums = page.samples(&format!("{name}_sum"))?;
    let short = sums.iter().all(|(_, sum)| (0.0..10.0).contains(sum));
    expect(&format!("sums are seconds: {sums:?}"), short && sums.len() == 2, true)?;

    let buckets = page.samples(&format!("{name}_bucket"))?;
    for (status, count) in [("200", 3.0), ("404", 1.0)] {
        let mut own: Vec<(f64, f64)> = Vec::new();
        for (given, below) in &buckets {
            let mut given = given.clone();
            let bound = given.as_object_mut().and_then(|labels| labels.remove("le"));
            if given == labels(status) {
                own.push((number(bound.as_ref())?, *below));
            }
        }
        own.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (bounds, below): (Vec<_>, Vec<_>) = own.into_iter().unzip();
        let expected = [
            0.005,
            0.01,
            0.025,
            0.05,
            0.075,
            0.1,
            0.25,
            0.5,
            0.75,
            1.0,
            2.5,
            5.0,
            7.5,
            10.0,
            f64::INFINITY,
        ];
        expect("bounds", bounds.as_slice(), &expected)?;
        expect(&format!("cumulative: {below:?}"), below.is_sorted(), true)?;
        expect("the last bucket", below.last(), Some(&count))?;
    }
    Ok(())
}

fn target(page: &Page, is_open: bool) -> Result<(), String> {
    let kind = if is_open { "info" } else { "gauge" };
    page.is("target_info", [kind, "", "Target metadata."], is_open)?;
    let samples = page.samples("target_info")?;
    let [(labels, value)] = &samples[..] else { return Err(format!("not one: {samples:?}")) };
    expect("value", *value, 1.0)?;
    for (key, value) in [
        ("service_name", "barista"),
        ("service_version", "1.2.3"),
        ("deployment_environment_name", "say \"hi\" \\ bye"),
        ("telemetry_sdk_language", "rust"),
    ] {
        expect(key, labels[key].as_str(), Some(value))?;
    }
    Ok(())
}

/// The example, running.
struct Bar {
    example: Example,
    page: String,
}

impl Bar {
    fn open(lab: &Lab) -> Result<Self, String> {
        let port = free_port().to_string();
        // What has to be escaped arrives as it was.
        let resource =
            "service.version=1.2.3,deployment.environment.name=say%20%22hi%22%20%5C%20bye";
        let environment = [
            ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", &port),
            ("OTEL_RESOURCE_ATTRIBUTES", resource),
        ];
        let example = Example::start(lab, "prometheus-service", &environment)?;
        Ok(Self { example, page: format!("http://127.0.0.1:{port}/metrics") })
    }

    fn order(&self, kind: &str, status: u16) -> Result<(), String> {
        let answer = ureq::post(format!("{}/coffee/{kind}", self.example.url()))
            .config()
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .send_empty()
            .map_err(|error| format!("POST /coffee/{kind}: {error}"))?;
        expect("status", answer.status().as_u16(), status)
    }

    /// What a parser finds on the page.
    fn scrape(&self, lab: &Lab, mut parser: Command, accept: &str) -> Result<Page, String> {
        parser.arg(&self.page).arg(accept).env("PYTHONDONTWRITEBYTECODE", "1");
        lab.run("scrape", &mut parser)?;
        let said = std::fs::read_to_string(lab.log("scrape")).map_err(|error| error.to_string())?;
        let found = serde_json::from_str(&said);
        found.map(Page).map_err(|error| format!("the parser said {said}: {error}"))
    }
}

/// What was found, as the programs of `peers/prometheus` print it.
struct Page(Value);

impl Page {
    /// Compares type, unit and help of the family of this sample. The text format knows no units.
    fn is(&self, sample: &str, [kind, unit, help]: [&str; 3], is_open: bool) -> Result<(), String> {
        let family = self.family(sample)?;
        let got = ["type", "unit", "help"].map(|key| family[key].as_str().unwrap_or_default());
        expect(sample, got, [kind, if is_open { unit } else { "" }, help])
    }

    /// The samples of this name, labels and value, in the labels' order.
    fn samples(&self, name: &str) -> Result<Vec<(Value, f64)>, String> {
        let samples = self.family(name)?["samples"].as_array().map(Vec::as_slice);
        let mut all = Vec::new();
        for sample in samples.unwrap_or_default().iter().filter(|sample| sample["name"] == name) {
            all.push((sample["labels"].clone(), number(Some(&sample["value"]))?));
        }
        all.sort_by_key(|(labels, _)| labels.to_string());
        Ok(all)
    }

    fn family(&self, sample: &str) -> Result<&Value, String> {
        let families = self.0["families"].as_object().into_iter().flat_map(|all| all.values());
        let mut having = families.filter(|family| {
            let samples = family["samples"].as_array();
            samples.is_some_and(|all| all.iter().any(|own| own["name"] == sample))
        });
        match (having.next(), having.next()) {
            (Some(family), None) => Ok(family),
            (None, _) => Err(format!("no {sample} in {:#}", self.0)),
            (Some(_), Some(_)) => Err(format!("{sample} in several families: {:#}", self.0)),
        }
    }
}

fn number(text: Option<&Value>) -> Result<f64, String> {
    let text = text.and_then(Value::as_str).unwrap_or_default();
    text.parse().map_err(|_| format!("no number: {text:?}"))
}
