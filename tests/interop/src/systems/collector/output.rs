//! What a Collector's file exporter has written: OTLP's JSON, one request on each line.

use serde_json::{Map, Value};
use std::{fmt::Write as _, path::Path};

/// All spans, metrics and log records in a file.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) spans: Vec<Item>,
    pub(super) metrics: Vec<Item>,
    pub(super) logs: Vec<Item>,
}

/// A span, metric or log record, with where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// The attributes of its resource.
    pub(super) resource: Value,
    /// The name of its instrumentation scope.
    pub(super) scope: String,
    /// Itself.
    pub(super) value: Value,
}

impl Output {
    /// Reads the complete lines of a file. One that is not there yet is empty.
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("cannot read {}: {error}", file.display())),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut output = Self::default();
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let request: Value = serde_json::from_str(line)
                .map_err(|error| format!("the Collector wrote what is no JSON: {error}: {line}"))?;
            items(&request, ["resourceSpans", "scopeSpans", "spans"], &mut output.spans);
            items(&request, ["resourceMetrics", "scopeMetrics", "metrics"], &mut output.metrics);
            items(&request, ["resourceLogs", "scopeLogs", "logRecords"], &mut output.logs);
        }
        Ok(output)
    }

    /// The spans as text: `name [kind] scope`, an error's message, what follows from `events`, and
    /// children below their parents.
    pub(super) fn tree(&self, trace_id: &str) -> String {
        let spans: Vec<_> =
            self.spans.iter().filter(|span| span.value["traceId"] == trace_id).collect();
        let mut text = String::new();
        let known = |id: &Value| spans.iter().any(|span| span.value["spanId"] == *id);
        for root in spans.iter().filter(|span| !known(&span.value["parentSpanId"])) {
            write_tree(&mut text, &spans, root, 0);
        }
        text
    }
}

impl Item {
    /// A text in it, or nothing.
    pub(super) fn text(&self, key: &str) -> &str {
        self.value[key].as_str().unwrap_or_default()
    }

    /// Its attributes.
    pub(super) fn attributes(&self) -> Value {
        attributes(&self.value)
    }
}

/// The attributes of anything that has some, as one object: texts, and numbers as numbers.
pub(super) fn attributes(of: &Value) -> Value {
    let pairs = of["attributes"].as_array().into_iter().flatten();
    let object: Map<_, _> = pairs
        .map(|pair| (pair["key"].as_str().unwrap_or_default().to_owned(), plain(&pair["value"])))
        .collect();
    Value::Object(object)
}

/// An OTLP value without its type. Integers are texts in OTLP's JSON.
fn plain(value: &Value) -> Value {
    if let Some(text) = value.get("stringValue") {
        return text.clone();
    }
    let integer = value["intValue"].as_str().and_then(|digits| digits.parse::<i64>().ok());
    integer.map_or_else(|| value.clone(), Value::from)
}

fn items(request: &Value, [resources, scopes, items]: [&str; 3], into: &mut Vec<Item>) {
    for resource in request[resources].as_array().into_iter().flatten() {
        for scope in resource[scopes].as_array().into_iter().flatten() {
            for item in scope[items].as_array().into_iter().flatten() {
                into.push(Item {
                    resource: attributes(&resource["resource"]),
                    scope: scope["scope"]["name"].as_str().unwrap_or_default().to_owned(),
                    value: item.clone(),
                });
            }
        }
    }
}

fn write_tree(text: &mut String, spans: &[&Item], span: &Item, depth: usize) {
    let kind = match span.value["kind"].as_u64() {
        Some(1) => "internal",
        Some(2) => "server",
        Some(3) => "client",
        _ => "of another kind",
    };
    let indent = "  ".repeat(depth);
    let _ = write!(text, "{indent}{} [{kind}] {}", span.text("name"), span.scope);
    if span.value["status"]["code"] == 2 {
        let message = span.value["status"]["message"].as_str().unwrap_or_default();
        let _ = write!(text, " error: {message:?}");
    }
    text.push('\n');
    for event in span.value["events"].as_array().into_iter().flatten() {
        let name = event["name"].as_str().unwrap_or_default();
        let _ = writeln!(text, "{indent}  ! {name} {}", attributes(event));
    }
    for child in spans {
        if child.value["parentSpanId"] == span.value["spanId"] {
            write_tree(text, spans, child, depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_resource_scope_and_tree() {
        let line = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"scope":{"name":"s"},"spans":[{"traceId":"t","spanId":"2","parentSpanId":"1","name":"b","kind":3,"status":{"code":2,"message":"no"}},{"traceId":"t","spanId":"1","name":"a","kind":2,"status":{},"attributes":[{"key":"n","value":{"intValue":"4"}}],"events":[{"name":"e"}]}]}]}]}"#;
        let output = Output::parse(&format!("{line}\n{line:.20}")).unwrap();
        assert_eq!(output.tree("t"), "a [server] s\n  ! e {}\n  b [client] s error: \"no\"\n");
        assert_eq!(output.spans[1].resource["service.name"], "shop");
        assert_eq!(output.spans[1].attributes()["n"], 4);
        assert!(output.metrics.is_empty() && output.logs.is_empty());
    }

    #[test]
    fn a_complete_line_that_is_no_json_is_refused() {
        assert!(Output::parse("{\n").unwrap_err().contains('{'));
    }
}
