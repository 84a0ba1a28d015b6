//! What the Agent makes of our spans, as the table of docs/datadog.md has it.

use super::real::{Agent, MODULE, SERVED, Sent};
use crate::{http, lab::Lab, relay::expect, row::Checks, systems::go::version};
use serde_json::Value;

/// A trace of one of Datadog's tracers.
const CALLER: [(&str, &str); 5] = [
    ("x-datadog-trace-id", "42"),
    ("x-datadog-parent-id", "7"),
    ("x-datadog-sampling-priority", "2"),
    ("x-datadog-origin", "synthetics"),
    ("x-datadog-tags", "_dd.p.tid=6b00b29a00000000,_dd.p.dm=-3,_dd.p.usr.id=YWRh"),
];

pub(super) fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(format!("pkg/trace {}", version(lab, "datadog-agent", MODULE)?));
    let more = [
        ("DD_ENV", "staging"),
        ("DD_VERSION", "1.2"),
        ("DD_TAGS", "team:a"),
        ("DD_TRACE_HEADER_TAGS", "x-user:shop.user,x-plan"),
    ];
    let headers = [&CALLER[..], &[("x-user", "ada"), ("x-plan", "gold")]].concat();
    let sent = requested(lab, &more, 4, |url| {
        let _ = http::get(
            &format!("{url}/relay?to={}", http::encoded(&format!("{url}/users/1"))),
            &headers,
        );
        for path in ["/boom", "/charge"] {
            let _ = http::get(&format!("{url}{path}"), &headers);
        }
    })?;
    let served = |resource: &'static str| {
        let mut spans = sent.named(SERVED).filter(move |span| span["Resource"] == resource);
        spans.next().ok_or_else(|| format!("no span of {resource}"))
    };
    checks.check("service, version and environment; DD_TAGS", || {
        for span in sent.spans() {
            is(span, &[("Service", "shop"), ("Env", "staging")])?;
            has(span, &[("env", "staging"), ("version", "1.2"), ("team", "a")])?;
        }
        Ok::<_, String>(())
    });
    checks.check("operation, resource and type of servers and clients", || {
        for resource in ["GET /relay", "GET /users/{id}", "GET /boom", "GET /charge"] {
            is(served(resource)?, &[("Type", "web")])?;
        }
        let call = sent.one("http.client.request")?;
        is(call, &[("Type", "http"), ("Resource", "GET")])
    });
    checks.check("operation.name, resource.name and span.type override these", || {
        let charge = sent.one("payment.charge")?;
        is(charge, &[("Resource", "charge card"), ("Type", "worker")])
    });
    checks.check("errors, with the text of the status", || {
        let charge = sent.one("payment.charge")?;
        expect("error", charge["Error"].as_i64(), Some(1))?;
        has(charge, &[("error.msg", "no funds")])?;
        let boom = served("GET /boom")?;
        expect("error", boom["Error"].as_i64(), Some(1))?;
        expect("no error", served("GET /users/{id}")?["Error"].as_i64(), Some(0))
    });
    checks.check("events and links, as JSON in their tags", || {
        let charge = sent.one("payment.charge")?;
        let events = json(charge, "events")?;
        let names: Vec<_> = events.iter().filter_map(|event| event["name"].as_str()).collect();
        expect("events", names, vec!["declined", "exception"])?;
        let links = json(charge, "_dd.span_links")?;
        let id = links.first().and_then(|link| link["trace_id"].as_str());
        expect("link", id, Some("0000000000000000000000000000002a"))
    });
    checks.check("headers of DD_TRACE_HEADER_TAGS", || {
        let span = served("GET /boom")?;
        has(span, &[("shop.user", "ada"), ("http.request.headers.x-plan", r#"["gold"]"#)])
    });
    checks.check("a caller's priority and origin on each span, its tags on the first", || {
        for span in sent.spans() {
            expect("priority", span["Priority"].as_i64(), Some(2))?;
            has(span, &[("_dd.origin", "synthetics")])?;
        }
        let first = served("GET /charge")?;
        has(first, &[("_dd.p.usr.id", "YWRh"), ("_dd.p.tid", "6b00b29a00000000")])?;
        expect("trace", first["TraceID"].as_str(), Some("42"))?;
        expect("parent", first["ParentID"].as_str(), Some("7"))
    });
    checks.check("the first span of a trace that came with a priority says _dd.p.dm -4", || {
        let decided: Vec<_> =
            sent.spans().filter_map(|span| span["Meta"]["_dd.p.dm"].as_str()).collect();
        expect(&format!("one is -4: {decided:?}"), decided.contains(&"-4"), true)
    });
    checks.check("a trace that nobody decided about is sampled by the Agent", || {
        let sent = requested(lab, &[], 1, |url| {
            let _ = http::get(&format!("{url}/users/1"), &[]);
        })?;
        let span = sent.one(SERVED)?;
        has(span, &[("_dd.p.dm", "-9")])?;
        expect("priority", span["Priority"].as_i64(), Some(1))
    });
    Ok(())
}

fn requested(
    lab: &Lab,
    environment: &[(&str, &str)],
    hits: u64,
    requests: impl FnOnce(&str),
) -> Result<Sent, String> {
    let agent = Agent::start(lab)?;
    agent.serve(lab, "http/protobuf", environment, requests)?;
    agent.sent(|sent| sent.count(SERVED, "Hits") >= hits)
}

fn is(span: &Value, expected: &[(&str, &str)]) -> Result<(), String> {
    expected.iter().try_for_each(|&(key, value)| {
        expect(&format!("{key} of {}", span["Resource"]), span[key].as_str(), Some(value))
    })
}

/// It has these tags.
fn has(span: &Value, expected: &[(&str, &str)]) -> Result<(), String> {
    expected.iter().try_for_each(|&(key, value)| {
        expect(&format!("{key} of {}", span["Resource"]), span["Meta"][key].as_str(), Some(value))
    })
}

/// The list of JSON in a tag.
fn json(span: &Value, tag: &str) -> Result<Vec<Value>, String> {
    let text = span["Meta"][tag].as_str().unwrap_or_default();
    serde_json::from_str(text).map_err(|error| format!("{tag}: {error}: {text}"))
}
