//! Files that nobody meant to write, all the way to a plan.

use proptest::prelude::*;

use super::settings::plan_of;
use crate::builder::{Builder, Component};
use crate::variables::Env;

const SECRET: &str = "hunter2QQ";

/// A file with most of what there is.
const WHOLE: &str = "log_level: warn
attribute_limits: {attribute_count_limit: 64}
resource:
  attributes: [{name: service.name, value: shop}, {name: key, value: hunter2QQ}]
  attributes_list: token=hunter2QQ
  detection/development: {attributes: {excluded: [process.*]}, detectors: [{host: }, {service: }]}
propagator: {composite: [{tracecontext: }, {baggage: }]}
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_http:
            endpoint: https://user:hunter2QQ@collector/v1/traces?token=hunter2QQ
            headers: [{name: api-key, value: hunter2QQ}]
        max_queue_size: 100
    - simple: {exporter: {console: }}
    - ours: {password: hunter2QQ}
  sampler:
    parent_based:
      root:
        composite/development:
          rule_based:
            rules:
              - attribute_patterns: {key: url.path, included: ['/a*']}
                span_kinds: [server]
                sampler: {probability: {ratio: 0.1}}
              - sampler: {rules: {rules: 'GET /b: off; 0.5 10/s'}}
meter_provider:
  readers:
    - periodic: {interval: 1000, exporter: {console: {temporality_preference: delta}}}
  views:
    - selector: {instrument_name: '*'}
      stream: {aggregation: {explicit_bucket_histogram: {boundaries: [1, 2]}}}
instrumentation/development: {general: {http: {client: {known_methods: [GET]}}}}
distribution: {tracewire: {excluded_paths: [/healthz], console: json}}
";

/// What a plan, or the error in its place, says.
fn said(text: &str) -> String {
    let file = super::settings::Written::new(text);
    let path = file.path.to_str().unwrap();
    let ours = Component::span_processor("ours", |properties| match properties["password"] {
        serde_json::Value::String(_) => Ok(crate::BaggageAttributes::new(["a"])),
        _ => Err("`password` is missing"),
    });
    let builder = Builder::new(Env::of(&[("OTEL_CONFIG_FILE", path)])).component(ours);
    match builder.plan() {
        Ok(plan) => format!("{plan} {plan:?}"),
        Err(error) => format!("{error} {error:?}"),
    }
}

#[test]
fn a_whole_file_makes_a_plan_without_a_secret() {
    let plan = said(WHOLE);
    assert!(plan.contains("OTEL_TRACES_EXPORTER = otlp,console"), "{plan}");
    assert!(!plan.contains(SECRET), "{plan}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 200 } else { 2000 }))]
    #[test]
    fn a_damaged_file_is_a_plan_or_an_error_and_never_a_panic(
        cuts in proptest::collection::vec((0..WHOLE.len(), 0..12_usize, "[ -~\n]{0,6}"), 1..4),
    ) {
        let mut text = WHOLE.to_owned();
        for (at, length, new) in cuts {
            let start = at.min(text.len());
            let end = (start + length).min(text.len());
            text.replace_range(start..end, &new);
        }
        let said = said(&text);
        prop_assert!(said.len() < 100_000);
    }
}

#[test]
fn of_many_processors_each_is_decided_with_its_number() {
    let rules =
        "              - {attribute_values: {key: a, values: [b]}, sampler: {always_off: }}\n";
    let rules = rules.repeat(300);
    let processors = "    - batch: {exporter: {otlp_http: }}\n".repeat(100);
    let text = format!(
        "tracer_provider:\n  processors:\n{processors}  sampler:\n    composite/development:\n      \
         rule_based:\n        rules:\n{rules}"
    );
    let plan = plan_of(&text, &[]).unwrap().to_string();
    assert!(plan.contains("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL [exporter 100]"), "{plan}");
}
