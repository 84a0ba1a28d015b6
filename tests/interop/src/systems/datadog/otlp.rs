//! Our OTLP at Datadog's test agent, asked back from it.

use super::agent::{REQUIREMENTS, TestAgent};
use crate::{
    chain::{Hop, is_chain},
    http,
    lab::Lab,
    relay::expect,
    row::Checks,
    systems::python::version,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

pub(super) fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(version(lab, REQUIREMENTS, "ddapm-test-agent")?);
    for (protocol, what) in [
        ("http/protobuf", "takes our OTLP as protobuf over HTTP"),
        ("http/json", "takes our OTLP as JSON over HTTP"),
        ("grpc", "takes our OTLP over gRPC"),
    ] {
        let agent = TestAgent::start(lab)?;
        let is_grpc = protocol == "grpc";
        let endpoint = if is_grpc { agent.otlp_grpc() } else { agent.otlp_http() };
        checks.check(what, || {
            let to = [
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ];
            arrives(lab, &agent, &to)
        });
    }
    let agent = TestAgent::on_usual_ports(lab)?;
    checks.check("is found by DD_AGENT_HOST alone", || arrives(lab, &agent, &[]));
    Ok(())
}

/// Lets our service call itself, and asks for the trace and the metrics of it. Where the agent is
/// stands in `DD_AGENT_HOST`, unless `to` says it.
fn arrives(lab: &Lab, agent: &TestAgent, to: &[(&str, &str)]) -> Result<(), String> {
    let host = agent.host();
    let names = [
        ("DD_AGENT_HOST", host.as_str()),
        ("DD_SERVICE", "shop"),
        ("DD_ENV", "staging"),
        ("DD_VERSION", "1.2.3"),
    ];
    let ours = lab.ours(&[to, &names].concat())?;
    http::get(&ours.relay(&format!("{}/users/1", ours.url())), &[])?;
    let said = ours.stop()?; // sends what it holds
    expect("complaints of our service", said.as_str(), "")?;

    let resources = resources(&agent.otlp_traces()?, "resource_spans", "resourceSpans")?;
    let [resource] = &resources[..] else {
        return Err(format!("expected one resource, but got {resources:#?}"));
    };
    for (key, value) in [
        ("service.name", "shop"),
        ("deployment.environment.name", "staging"),
        ("service.version", "1.2.3"),
    ] {
        expect(key, attribute(&resource["resource"], key), Some(value))?;
    }
    let spans: Vec<_> = members(resource, "scope_spans", "scopeSpans")
        .iter()
        .flat_map(|scope| members(scope, "spans", "spans"))
        .collect();
    let hops = spans.iter().map(|span| hop("shop", span)).collect::<Result<Vec<_>, _>>()?;
    let trace_id = hops.first().ok_or("no spans")?.trace_id.clone();
    is_chain(&hops, &trace_id, &["shop server", "shop client", "shop server"])?;
    let mut names: Vec<_> = spans.iter().map(|span| span["name"].as_str().unwrap_or("")).collect();
    names.sort_unstable();
    expect("names", names, vec!["GET", "GET /relay", "GET /users/{id}"])?;

    let metrics = self::resources(&agent.otlp_metrics()?, "resource_metrics", "resourceMetrics")?;
    let metrics = metrics
        .iter()
        .flat_map(|resource| members(resource, "scope_metrics", "scopeMetrics"))
        .flat_map(|scope| members(scope, "metrics", "metrics"));
    let served = metrics.into_iter().find(|one| one["name"] == "http.server.request.duration");
    let served = served.ok_or("no http.server.request.duration")?;
    // Datadog wants each measurement once. JSON from elsewhere has the number of the name.
    let temporality =
        member(&served["histogram"], "aggregation_temporality", "aggregationTemporality");
    let is_delta = temporality == "AGGREGATION_TEMPORALITY_DELTA" || *temporality == 1;
    expect(&format!("delta: {temporality}"), is_delta, true)
}

/// Everything that all requests together brought, with the names as Protobuf has them or, of what
/// came as JSON, as JSON has them.
fn resources(payloads: &Value, name: &str, json_name: &str) -> Result<Vec<Value>, String> {
    let payloads = payloads.as_array().ok_or("the test agent's payloads are no list")?;
    Ok(payloads.iter().flat_map(|one| members(one, name, json_name)).cloned().collect())
}

fn member<'a>(of: &'a Value, name: &str, json_name: &str) -> &'a Value {
    of.get(name).unwrap_or(&of[json_name])
}

fn members<'a>(of: &'a Value, name: &str, json_name: &str) -> &'a [Value] {
    member(of, name, json_name).as_array().map(Vec::as_slice).unwrap_or_default()
}

fn attribute<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    let own = members(of, "attributes", "attributes").iter().find(|own| own["key"] == key)?;
    member(&own["value"], "string_value", "stringValue").as_str()
}

fn hop(service: &str, span: &Value) -> Result<Hop, String> {
    let id = |name: &str, json_name: &str| hex(member(span, name, json_name));
    let kind = match &span["kind"] {
        Value::String(kind) => kind.trim_start_matches("SPAN_KIND_").to_lowercase(),
        number if *number == 2 => "server".to_owned(),
        number if *number == 3 => "client".to_owned(),
        other => other.to_string(),
    };
    Ok(Hop {
        service: service.to_owned(),
        kind,
        trace_id: id("trace_id", "traceId")?,
        span_id: id("span_id", "spanId")?,
        parent: Some(id("parent_span_id", "parentSpanId")?).filter(|parent| !parent.is_empty()),
    })
}

/// An id: in OTLP's JSON it is hexadecimal, in that of Protobuf Base64.
fn hex(id: &Value) -> Result<String, String> {
    let text = id.as_str().unwrap_or_default();
    if matches!(text.len(), 16 | 32) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_owned());
    }
    let bytes = BASE64_STANDARD.decode(text).map_err(|error| format!("id {text:?}: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
