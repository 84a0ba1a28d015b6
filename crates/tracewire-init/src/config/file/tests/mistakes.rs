//! What people get wrong: the message names the right line and says how to repair it.

use super::*;

/// Files with one mistake each: its line, and words of the hint that repairs it.
const MISTAKES: &[(&str, u32, &str)] = &[
    // The version.
    ("disabled: false", 1, "`file_format` is missing"),
    ("disabled: false\nfile_format: 1.1", 2, "put the version in quotes: `file_format: \"1.1\"`"),
    ("file_format: \"0.3\"", 1, "\"0.3\" is not allowed; expected \"1.0\" or \"1.1\""),
    ("file_format: '1.0-rc.1'", 1, "expected \"1.0\" or \"1.1\""),
    ("file_format: '2.0'", 1, "expected \"1.0\" or \"1.1\""),
    // YAML itself.
    ("file_format: '1.1'\nresource:\n\tattributes: []", 3, "indent with spaces"),
    ("file_format: '1.1'\nlog_level: 'info\n", 2, "this is not YAML"),
    ("file_format: '1.1'\ndisabled: true\ndisabled: false", 3, "set twice, here and in line 2"),
    ("file_format: '1.1'\nresource: !env X", 2, "the tag \"!env\" is not supported; remove it"),
    ("file_format: '1.1'\n---\nfile_format: '1.1'", 2, "expected only one"),
    // Names.
    (
        "file_format: '1.1'\nattribute_limits:\n  attribute_count_limits: 1",
        3,
        "did you mean `attribute_count_limit`?",
    ),
    (
        "file_format: '1.1'\nattribute_limits:\n  attributeCountLimit: 1",
        3,
        "did you mean `attribute_count_limit`?",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - batch:\n        max_queue_sise: 1\n        exporter:\n          console:",
        5,
        "did you mean `max_queue_size`?",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - batch:\n        exporter:\n          otlp:\n            endpoint: http://localhost:4318",
        6,
        "did you mean `otlp_http`?",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - exporter:\n        console:",
        4,
        "expected one of: batch, simple",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  sampler:\n    probability:\n      ratio: 0.1\n  processors:\n    - simple:\n        exporter:\n          console:",
        4,
        "did you mean `probability/development`?",
    ),
    (
        "file_format: '1.1'\nmeter_provider:\n  readers:\n    - pull:\n        exporter:\n          prometheus:\n",
        6,
        "did you mean `prometheus/development`?",
    ),
    ("file_format: '1.1'\nlog_level: warning", 2, "expected one of: trace, trace2"),
    ("file_format: '1.1'\nlog_level: inof", 2, "did you mean `info`?"),
    ("file_format: '1.1'\npropagator:\n  composite_list: w3c", 3, "expected one of: "),
    // Shapes.
    (
        "file_format: '1.1'\ntracer_provider:\n",
        2,
        "an empty value is not allowed; expected a mapping with: processors",
    ),
    ("file_format: '1.1'\ntracer_provider:\n  limits: {}\n", 2, "`processors` is missing"),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    batch:\n      exporter:\n        console:",
        3,
        "expected a list; begin each item with `- `",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - batch:\n        schedule_delay: 1",
        4,
        "`exporter` is missing",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - simple:\n        exporter: console",
        5,
        "write `console:` as a key of its own, with a colon",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - simple:\n        exporter:\n          console:\n          otlp_http:",
        7,
        "has 2 keys here; expected exactly one of them",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  sampler: always_on\n  processors:\n    - simple:\n        exporter:\n          console:",
        3,
        "write `always_on:` as a key of its own, with a colon",
    ),
    (
        "file_format: '1.1'\npropagator:\n  composite:\n    - tracecontext",
        4,
        "write `tracecontext:` with a colon",
    ),
    (
        "file_format: '1.1'\npropagator: [tracecontext, baggage]",
        2,
        "expected a mapping; remove the `- `",
    ),
    (
        "file_format: '1.1'\nresource:\n  attributes:\n    service.name: shop",
        3,
        "expected a list; begin each item with `- `",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - simple:\n        exporter:\n          otlp_http:\n            headers:\n              authorization: Bearer x",
        7,
        "write `- name: authorization` and below it `value: …`",
    ),
    // Values.
    ("file_format: '1.1'\ndisabled: yes", 2, "\"yes\" is not allowed; expected true or false"),
    ("file_format: '1.1'\ndisabled: 'true'", 2, "remove the quotes, which make it text"),
    (
        "file_format: '1.1'\nattribute_limits:\n  attribute_count_limit: \"128\"",
        3,
        "expected a whole number from 0; remove the quotes, which make it text",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - batch:\n        max_queue_size: 0\n        exporter:\n          console:",
        5,
        "tracer_provider.processors[0].batch.max_queue_size: 0 is not allowed; expected a whole number from 1 to 2147483647",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - batch:\n        schedule_delay: 5s\n        exporter:\n          console:",
        5,
        "\"5s\" is not allowed; expected a whole number from 0 to 2147483647, in milliseconds",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  sampler:\n    trace_id_ratio_based:\n      ratio: 10%\n  processors:\n    - simple:\n        exporter:\n          console:",
        5,
        "(not shown) is not allowed; expected a number from 0 to 1",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - simple:\n        exporter:\n          otlp_http:\n            endpoint: localhost:4318",
        7,
        "expected a URL that begins with http:// or https://",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - simple:\n        exporter:\n          otlp_http:\n            compression: zstd",
        7,
        "\"zstd\" is not allowed; expected one of: none, gzip",
    ),
    (
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - simple:\n        exporter:\n          otlp_http:\n            tls:\n              ca_file: ca.pem",
        8,
        "expected an absolute path of a PEM file",
    ),
    (
        "file_format: '1.1'\nresource:\n  attributes:\n    - name: replicas\n      value: three\n      type: int",
        5,
        "resource.attributes[0].value: \"three\" is not allowed; expected a whole number",
    ),
    (
        "file_format: '1.1'\nresource:\n  attributes:\n    - name: service.version\n      value: 1.10\n      type: string",
        5,
        "1.10 is not allowed; expected text; put it in quotes",
    ),
    // References.
    ("file_format: '1.1'\nlog_level: ${1LEVEL}", 2, "a name begins with a letter or `_`"),
    ("file_format: '1.1'\nlog_level: ${LEVEL:info}", 2, "a default begins with `:-`"),
    ("file_format: '1.1'\nlog_level: ${sys:level}", 2, "unknown prefix; expected ${NAME}"),
    ("file_format: '1.1'\nlog_level: ${LOUD}", 2, "\"loud\" (from ${LOUD}) is not allowed"),
    (
        "file_format: '1.1'\nresource:\n  schema_url: ${SIZE}",
        3,
        "12 (from ${SIZE}) is not allowed; expected text; put the reference in quotes",
    ),
];

#[test]
fn typical_mistakes_are_told_with_their_line_and_a_repair() {
    let mut wrong = Vec::new();
    for &(text, line, hint) in MISTAKES {
        let read = ConfigFile::parse("otel.yaml", text.as_bytes(), |name| match name {
            "LOUD" => Some("loud".into()),
            "SIZE" => Some("12".into()),
            _ => None,
        });
        let Err(error) = read else {
            wrong.push(format!("{text}\nis accepted"));
            continue;
        };
        let message = error.to_string();
        let is_right = error.count() == 1
            && message.starts_with(&format!("otel.yaml:{line}:"))
            && message.contains(hint)
            && message.len() < 600;
        if !is_right {
            wrong.push(format!("{text}\n{message}\nexpected line {line} and {hint:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(MISTAKES.len() >= 30);
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once_and_in_order() {
    let text = "\
disabled: maybe
propagator:
  composite: []
tracer_provider:
  processors:
    - batch:
        max_queue_size: -1
        exporter:
          otlp_http:
            timeout: never
            retries: 3
    - simple:
attribute_limits:
  attribute_count_limit: ${BAD REFERENCE}
log_level: info
log_level: warn
";
    let lines = problems(text);
    let places: Vec<_> = lines
        .iter()
        .map(|line| line.splitn(4, ": ").take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        places,
        [
            "otel.yaml:2:11 disabled",
            "otel.yaml:4:3 propagator.composite",
            "otel.yaml:8:25 tracer_provider.processors[0].batch.max_queue_size",
            "otel.yaml:11:22 tracer_provider.processors[0].batch.exporter.otlp_http.timeout",
            "otel.yaml:12:13 tracer_provider.processors[0].batch.exporter.otlp_http.retries",
            "otel.yaml:13:7 tracer_provider.processors[1].simple",
            "otel.yaml:15:26 attribute_limits.attribute_count_limit",
            "otel.yaml:17:1 the key \"log_level\" is set twice, here and in line 16; remove one",
        ]
    );
}

#[test]
fn an_unknown_key_at_the_top_is_a_warning_with_its_line_and_what_was_meant() {
    let file = read("tracer_providers:\n  processors: nonsense\nx: 1\n").unwrap();
    assert_eq!(
        file.warnings(),
        [
            "otel.yaml:2:1: tracer_providers: this key is not known and has no effect; did you mean \
             `tracer_provider`?",
            "otel.yaml:4:4: x: this key is not known and has no effect",
        ]
    );
}

#[test]
fn what_is_odd_is_warned_of_once_with_its_line() {
    for (text, expected) in [
        (
            with_exporter("otlp_http:\n  endpoint: http://localhost:4318"),
            "otel.yaml:7:25: tracer_provider.processors[0].simple.exporter.otlp_http.endpoint: the URL is used \
             as it is, and has no path; collectors expect /v1/traces at its end",
        ),
        (
            "resource:\n  schema_url: a ${b".to_owned(),
            "otel.yaml:3:15: resource.schema_url: `${` begins no complete reference and is taken as text; \
             write `$${` to say so",
        ),
        (
            "meter_provider:\n  exemplar_filter: always_on\n  readers:\n    - periodic:\n        exporter:\n          console:"
                .to_owned(),
            "otel.yaml:3:20: meter_provider.exemplar_filter: only measurements of sampled spans are kept, as `trace_based` says",
        ),
        (
            "tracer_provider:\n  processors:\n    - batch:\n        max_queue_size: 10\n        max_export_batch_size: 11\n        exporter:\n          console:"
                .to_owned(),
            "otel.yaml:4:7: tracer_provider.processors[0].batch: max_export_batch_size is more than max_queue_size: \
             batches are of 10",
        ),
    ] {
        assert_eq!(read(&text).unwrap().warnings(), [expected], "{text}");
    }
    let file = ConfigFile::parse("otel.yaml", b"file_format: '1.9'", |_| None).unwrap();
    assert_eq!(file.warnings().len(), 1);
    assert!(file.warnings()[0].starts_with("otel.yaml:1:14: file_format: the file may have nodes"));
}
