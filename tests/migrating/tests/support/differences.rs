//! What a program exports that the other does not, as the table of the page.

use crate::support::program::{EXCLUDED, Exported, FAILING, ORDER, TRACE, UNMATCHED};
use opentelemetry::{KeyValue, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};
use tracewire_testing::Span;

/// What a cell says of something that is not there.
const NONE: &str = "–";

/// Keys whose values are not the same from run to run, or from machine to machine.
const VARYING: [&str; 16] = [
    "busy_ns",
    "client.port",
    "code.",
    "error.cause_chain",
    "error.message",
    "exception.stacktrace",
    "host.",
    "http.request.header.traceparent",
    "http.response.header.date",
    "idle_ns",
    "latency",
    "network.peer.port",
    "process.",
    "service.instance.id",
    "telemetry.sdk.version",
    "thread.",
];

/// The differences between a program before and the same after.
#[derive(Default)]
pub(crate) struct Differences {
    table: String,
    /// Pairs of cells that the table has already, so that each is there once.
    seen: BTreeSet<(String, String, String)>,
    /// What only the program before has.
    pub(crate) lost: BTreeSet<String>,
}

impl Differences {
    pub(crate) fn between(before: &Exported, after: &Exported) -> Self {
        let mut differences = Self::default();
        differences.table.push_str("| | before | after |\n|---|---|---|\n");
        for (role, find) in ROLES {
            let spans = (find(before), find(after));
            differences.span(
                role,
                spans.0.map(|span| (span, before)),
                spans.1.map(|span| (span, after)),
            );
        }
        differences.section("response headers", headers(before), headers(after));
        differences.section("log line", log_line(before), log_line(after));
        let (old, new) = (metrics(before), metrics(after));
        differences.lost.extend(lost_attributes(&old, &new));
        differences.section("metrics", old, new);
        differences.section("resource", resource(before), resource(after));
        differences
    }

    /// The table in Markdown.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    fn span(
        &mut self,
        role: &str,
        before: Option<(&Span, &Exported)>,
        after: Option<(&Span, &Exported)>,
    ) {
        if before.is_none() && after.is_none() {
            return;
        }
        let title = |found: Option<(&Span, &Exported)>| {
            found.map_or(String::from("no span"), |(span, _)| title(span))
        };
        self.row(&format!("**{role}**"), &title(before), &title(after));
        if let (Some(before), Some(after)) = (before, after) {
            self.rows(&facts(before.0, before.1), &facts(after.0, after.1));
        } else if before.is_some() {
            self.lost.insert(role.to_owned());
        }
    }

    fn section(
        &mut self,
        title: &str,
        before: BTreeMap<String, String>,
        after: BTreeMap<String, String>,
    ) {
        if before != after {
            self.row(&format!("**{title}**"), "", "");
            self.rows(&before, &after);
        }
    }

    fn rows(&mut self, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
        let mut same = Vec::new();
        for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let cell = |facts: &BTreeMap<String, String>| {
                facts.get(key).cloned().unwrap_or_else(|| NONE.to_owned())
            };
            let (old, new) = (cell(before), cell(after));
            if new == NONE {
                self.lost.insert(key.clone());
            }
            if old == new {
                same.push(format!("`{key}`"));
            } else if self.seen.insert((key.clone(), old.clone(), new.clone())) {
                self.row(&format!("`{key}`"), &old, &new);
            }
        }
        let same = same.join(", ");
        if !same.is_empty() && self.seen.insert((same.clone(), String::new(), String::new())) {
            self.row("the same in both", &same, &same);
        }
    }

    fn row(&mut self, name: &str, before: &str, after: &str) {
        let after = if before == after && name == "the same in both" { "" } else { after };
        let _ = writeln!(self.table, "| {name} | {before} | {after} |");
    }
}

type Find = fn(&Exported) -> Option<&Span>;

/// What a span is for, and how to find it.
const ROLES: [(&str, Find); 7] = [
    ("incoming request", |exported| below(exported, ORDER)),
    ("custom span", |exported| exported.spans.iter().find(|span| span.name == "load_price")),
    ("outgoing call", |exported| calls(exported).next()),
    ("outgoing call, answered with 404", |exported| calls(exported).nth(1)),
    ("outgoing call without an answer", |exported| calls(exported).nth(2)),
    ("incoming request, answered with 500", |exported| below(exported, FAILING)),
    ("incoming request without a route", |exported| below(exported, UNMATCHED)),
];

/// The span that continues the caller's.
fn below<'a>(exported: &'a Exported, parent: &str) -> Option<&'a Span> {
    exported
        .spans
        .iter()
        .find(|span| span.parent_span_id.is_some_and(|id| id.to_string() == parent))
}

/// The client spans, in the order of their start.
fn calls(exported: &Exported) -> impl Iterator<Item = &Span> {
    let mut calls: Vec<_> =
        exported.spans.iter().filter(|span| format!("{:?}", span.kind) == "Client").collect();
    calls.sort_by_key(|span| span.start_time);
    calls.into_iter()
}

/// Checks that one trace runs from the caller through both services, with the custom span inside.
pub(crate) fn assert_whole(exported: &Exported) {
    let request = below(exported, ORDER).expect("the request continues the caller's trace");
    let custom = exported.spans.one("load_price");
    custom.is_child_of(request);
    let caller = calls(exported).next().unwrap_or(&custom);
    if caller.span_id != custom.span_id {
        caller.is_child_of(&custom);
    }
    let called =
        below(exported, &caller.span_id.to_string()).expect("the call continues the trace");
    for span in [request, &custom, caller, called] {
        assert_eq!(span.trace_id.to_string(), TRACE, "{}", exported.spans);
    }
    assert!(below(exported, EXCLUDED).is_none(), "{}", exported.spans);
}

/// Checks that each call is in its custom span, and that the service called can continue it.
pub(crate) fn assert_calls_are_carried(exported: &Exported) {
    let calls: Vec<_> = calls(exported).collect();
    assert_eq!(calls.len(), 3, "{}", exported.spans);
    for (call, traceparent) in calls.iter().zip(&exported.called_with) {
        let parent = exported.spans.iter().find(|span| Some(span.span_id) == call.parent_span_id);
        assert_eq!(parent.expect("a call has a parent").name, "load_price");
        assert_eq!(*traceparent, format!("00-{}-{}-01", call.trace_id, call.span_id));
    }
}

/// Name, kind and status.
fn title(span: &Span) -> String {
    let kind = format!("{:?}", span.kind).to_lowercase();
    let status = format!("{:?}", span.status);
    let status = match status.as_str() {
        "Unset" => String::new(),
        "Ok" => String::from(", status Ok"),
        _ => String::from(", status Error"),
    };
    format!("`{}`, {kind}{status}", span.name)
}

fn facts(span: &Span, exported: &Exported) -> BTreeMap<String, String> {
    let mut facts = attributes(&span.attributes, exported.port);
    for event in &span.events {
        let keys: Vec<_> = event.attributes.iter().map(|pair| format!("`{}`", pair.key)).collect();
        facts.insert(format!("event {}", event.name), keys.join(", "));
    }
    if !span.scope.is_empty() {
        facts.insert(String::from("scope"), format!("`{}`", span.scope));
    }
    facts
}

fn attributes(pairs: &[KeyValue], port: u16) -> BTreeMap<String, String> {
    let shown = pairs
        .iter()
        .map(|pair| (pair.key.to_string(), shown(pair.key.as_str(), &pair.value, port)));
    shown.collect()
}

/// A value as the table shows it: the same from run to run, and text in quotes.
fn shown(key: &str, value: &Value, port: u16) -> String {
    let is_text = matches!(value, Value::String(_));
    let text = if VARYING.iter().any(|varying| key.starts_with(varying)) {
        String::from("…")
    } else {
        let text = value.as_str().into_owned();
        if text == port.to_string() {
            String::from("3000")
        } else {
            // In a program of its own, the root module has the name of the crate.
            let text = if text.starts_with("migrating::") { String::from("shop") } else { text };
            text.replace(&format!(":{port}"), ":3000").replace('|', "\\|")
        }
    };
    if is_text { format!("`\"{text}\"`") } else { format!("`{text}`") }
}

fn headers(exported: &Exported) -> BTreeMap<String, String> {
    exported.headers.iter().map(|name| (name.clone(), String::from("yes"))).collect()
}

/// The members of the line that the called handler logs, if lines are JSON.
fn log_line(exported: &Exported) -> BTreeMap<String, String> {
    let line =
        exported.lines.iter().find(|line| line.starts_with('{') && line.contains("price found"));
    let Some(line) = line else { return BTreeMap::new() };
    let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
    let mut fields = BTreeMap::new();
    flatten("", &line, &mut fields);
    fields
}

fn flatten(path: &str, value: &serde_json::Value, fields: &mut BTreeMap<String, String>) {
    match value {
        serde_json::Value::Object(members) if !["span", "spans[]"].contains(&path) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, value, fields);
            }
        }
        serde_json::Value::Array(items) => {
            for item in items {
                flatten(&format!("{path}[]"), item, fields);
            }
        }
        _ => drop(fields.insert(path.to_owned(), String::from("yes"))),
    }
}

/// What a metric of both is no longer divided by.
fn lost_attributes(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    let quoted = |text: &str| -> BTreeSet<String> {
        text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let both = before.iter().filter_map(|(name, old)| Some((old, after.get(name)?)));
    both.flat_map(|(old, new)| &quoted(old) - &quoted(new)).collect()
}

/// Each metric's kind, unit and buckets, and its attributes.
fn metrics(exported: &Exported) -> BTreeMap<String, String> {
    let metrics = exported.metrics.iter().map(|metric| {
        let pairs = metric.points.iter().flat_map(|point| &point.attributes);
        let keys: BTreeSet<_> = pairs.map(|pair| format!("`{}`", pair.key)).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let bounds = match &metric.points[0].bounds[..] {
            [first, .., last] => format!(", buckets from {first} to {last}"),
            _ => String::new(),
        };
        let kind = format!("{:?} in {:?}{bounds}", metric.kind, metric.unit);
        (metric.name.clone(), format!("{kind}: {}", keys.join(", ")))
    });
    metrics.collect()
}

fn resource(exported: &Exported) -> BTreeMap<String, String> {
    let resource = exported.spans.first().map(|span| span.resource.clone()).unwrap_or_default();
    attributes(&resource, exported.port)
}
