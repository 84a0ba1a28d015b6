//! `DD_TRACE_SAMPLING_RULES`: a list in JSON, `[{"service": "shop", "resource": "GET /a*", "sample_rate": 0.1}]`.

use std::collections::BTreeSet;

use opentelemetry::trace::TraceId;
use serde_json::{Map, Value};
use tracewire_text::glob::Pattern;

/// One rule: which traces it is about, and which part of them is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    service: Option<Pattern>,
    name: Option<Pattern>,
    resource: Option<Pattern>,
    tags: Vec<(String, Pattern)>,
    rate: f64,
}

/// What rules look at, of the first span of a trace as it starts.
pub(super) struct Facts<'a> {
    pub(super) service: &'a str,
    /// What the Agent calls the operation.
    pub(super) name: &'a str,
    pub(super) resource: &'a str,
    pub(super) tag: &'a dyn Fn(&str) -> Option<String>,
}

/// Reads the list; also gives back the names of members that have no effect.
///
/// # Errors
///
/// The text is no list of rules. The error does not show it.
pub(super) fn parse(json: &str) -> Result<(Vec<Rule>, Vec<String>), String> {
    let Ok(Value::Array(list)) = serde_json::from_str(json) else {
        return Err(
            "it must be a list of rules in JSON, such as [{\"sample_rate\": 0.1}]".to_owned()
        );
    };
    let (mut rules, mut unknown) = (Vec::new(), BTreeSet::new());
    for (number, rule) in (1..).zip(list) {
        let Value::Object(members) = rule else {
            return Err(format!("rule {number} must be an object"));
        };
        rules.push(
            Rule::read(members, &mut unknown).map_err(|why| format!("rule {number}: {why}"))?,
        );
    }
    Ok((rules, unknown.into_iter().collect()))
}

impl Rule {
    /// The rule that is about every trace.
    pub(super) fn of_all(rate: f64) -> Self {
        Self { service: None, name: None, resource: None, tags: Vec::new(), rate }
    }

    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    fn read(members: Map<String, Value>, unknown: &mut BTreeSet<String>) -> Result<Self, String> {
        let mut rule = Self::of_all(f64::NAN);
        for (key, value) in members {
            match key.as_str() {
                "service" => rule.service = pattern(&value, "service")?,
                "name" => rule.name = pattern(&value, "name")?,
                "resource" => rule.resource = pattern(&value, "resource")?,
                "tags" => {
                    let Value::Object(tags) = value else {
                        return Err("tags must be an object".to_owned());
                    };
                    for (key, value) in tags {
                        rule.tags.extend(pattern(&value, "a tag")?.map(|pattern| (key, pattern)));
                    }
                }
                "sample_rate" => {
                    // Datadog's tracers take what is beyond for the nearest.
                    let rate = value.as_f64().ok_or("sample_rate must be a number from 0 to 1")?;
                    rule.rate = rate.clamp(0.0, 1.0);
                }
                // Who wrote a rule, which only rules from elsewhere say.
                "provenance" => {}
                _ => {
                    unknown.insert(key);
                }
            }
        }
        match rule.rate.is_nan() {
            true => Err("sample_rate is missing".to_owned()),
            false => Ok(rule),
        }
    }

    pub(super) fn is_about(&self, facts: &Facts<'_>) -> bool {
        let is = |pattern: &Option<Pattern>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| matches(pattern, text))
        };
        is(&self.service, facts.service)
            && is(&self.name, facts.name)
            && is(&self.resource, facts.resource)
            && self.tags.iter().all(|(key, pattern)| {
                (facts.tag)(key).is_some_and(|value| matches(pattern, &value))
            })
    }

    /// Whether a trace is in the part that is kept, which Datadog's tracers decide alike.
    pub(super) fn keeps(&self, trace_id: TraceId) -> bool {
        const FACTOR: u64 = 1_111_111_111_111_111_111;
        if self.rate >= 1.0 {
            return true;
        }
        let [.., a, b, c, d, e, f, g, h] = trace_id.to_bytes();
        let low = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        #[allow(clippy::cast_precision_loss)] // as Datadog's tracers compare
        let is_in = low.wrapping_mul(FACTOR) as f64 <= self.rate * u64::MAX as f64;
        self.rate > 0.0 && is_in
    }
}

/// Patterns have no regard to case. A pattern of one star is none.
fn pattern(value: &Value, name: &str) -> Result<Option<Pattern>, String> {
    let text = match value {
        Value::String(text) => text.to_lowercase(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => return Ok(None),
        _ => return Err(format!("{name} must be text")),
    };
    Ok(Some(Pattern::new(&text)))
}

fn matches(pattern: &Pattern, text: &str) -> bool {
    pattern.matches(&text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(json: &str) -> Vec<Rule> {
        parse(json).unwrap().0
    }

    fn rate(rules: &[Rule], service: &str, name: &str, resource: &str) -> Option<f64> {
        let tag = |key: &str| (key == "http.route").then(|| "/users/{id}".to_owned());
        let facts = Facts { service, name, resource, tag: &tag };
        rules.iter().find(|rule| rule.is_about(&facts)).map(Rule::rate)
    }

    #[test]
    fn the_first_rule_that_is_about_a_trace_counts() {
        let rules = rules(
            r#"[{"service": "SHOP*", "resource": "get /health?", "sample_rate": 0},
                {"name": "http.server.request", "tags": {"http.route": "/users/*"}, "sample_rate": 0.5},
                {"tags": {"missing": "*"}, "sample_rate": 0.6},
                {"service": null, "sample_rate": 2}]"#,
        );
        for (service, name, resource, expected) in [
            ("shop-eu", "http.server.request", "GET /healthz", 0.0),
            ("cart", "http.server.request", "GET /healthz", 0.5),
            ("cart", "internal", "job", 1.0),
        ] {
            assert_eq!(
                rate(&rules, service, name, resource),
                Some(expected),
                "{service} {resource}"
            );
        }
        assert_eq!(rate(&rules[..1], "cart", "x", "y"), None);
    }

    #[test]
    fn what_is_no_rule_is_an_error_that_says_where() {
        for (json, expected) in [
            ("0.1", "it must be a list"),
            ("[1]", "rule 1 must be an object"),
            (r#"[{"sample_rate": 1}, {"service": "a"}]"#, "rule 2: sample_rate is missing"),
            (r#"[{"sample_rate": "x"}]"#, "rule 1: sample_rate must be a number"),
            (r#"[{"sample_rate": 1, "service": []}]"#, "rule 1: service must be text"),
            (r#"[{"sample_rate": 1, "tags": "a"}]"#, "rule 1: tags must be an object"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.starts_with(expected), "{json}: {error}");
        }
        let (_, unknown) = parse(r#"[{"sample_rate": 1, "max_per_second": 5}]"#).unwrap();
        assert_eq!(unknown, ["max_per_second"]);
    }

    #[test]
    fn traces_are_kept_as_datadog_s_tracers_keep_them() {
        // Decided by ddtrace 4.16 for these ids.
        let kept = |rate: f64, id: u64| Rule::of_all(rate).keeps(TraceId::from(u128::from(id)));
        for (id, at_a_tenth, at_half) in DDTRACE {
            assert_eq!((kept(0.1, id), kept(0.5, id)), (at_a_tenth, at_half), "{id}");
            assert!(kept(1.0, id) && !kept(0.0, id));
        }
    }

    /// An id, and whether it is kept at a rate of 0.1 and of 0.5.
    const DDTRACE: [(u64, bool, bool); 24] = [
        (17_485_029_721_327_973_432, false, false),
        (7_283_207_964_119_141_687, true, true),
        (890_727_360_438_182_992, false, false),
        (15_149_836_622_520_594_227, false, true),
        (1_736_392_818_365_009_963, false, true),
        (10_750_541_312_280_087_032, false, false),
        (16_781_078_052_021_535_861, false, true),
        (3_960_482_443_532_127_989, false, false),
        (1_585_446_675_937_841_368, false, false),
        (7_713_914_763_314_685_786, false, true),
        (4_439_448_776_366_754_703, true, true),
        (10_165_027_665_383_847_897, false, false),
        (1_090_396_360_377_453_094, false, true),
        (10_430_779_633_273_967_791, false, false),
        (17_477_362_246_067_780_643, false, false),
        (11_632_994_891_556_335_705, false, false),
        (10_754_394_637_803_157_173, false, false),
        (1_141_153_371_300_629_929, false, true),
        (10_801_332_806_156_616_911, false, false),
        (914_761_360_679_426_580, false, false),
        (4_078_239_883_182_463_692, false, true),
        (10_268_654_918_125_279_152, false, false),
        (2_456_641_775_679_608_523, false, false),
        (7_731_750_658_069_747_094, false, false),
    ];

    proptest! {
        #[test]
        fn no_text_panics(text: String, json in "\\[\\{(\"(service|tags|sample_rate)\":(1|\"a*\"|\\{\\}),?){0,3}\\}\\]") {
            let _ = (parse(&text), parse(&json));
        }
    }
}
