//! Which rule applies, and what is wrong with those that cannot be read.
#![allow(clippy::unwrap_used)] // a test may

mod support;

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanKind, TraceContextExt},
};
use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample};
use proptest::prelude::*;
use support::{decide, parent, trace};
use tracewire_sampling::{
    AlwaysOff, AlwaysOn, Composable, Conditions, ParentKind, ParentThreshold, Pattern, Probability,
    RuleBased, Sampler,
};

const RULES: &str = "GET /healthz*: off; POST /orders/{id}: on; kind=client \
                     db.operation.name=PING: off; /api/*: 0.5 100/s; 0.25";

fn attributes(pairs: &[(&'static str, &'static str)]) -> Vec<KeyValue> {
    pairs.iter().map(|(key, value)| KeyValue::new(*key, *value)).collect()
}

/// The `th` that a root span gets, `off` if it is dropped. Its trace is kept by any probability.
fn applied(rules: RuleBased, kind: SpanKind, pairs: &[(&'static str, &'static str)]) -> String {
    let sampler = Sampler::new(rules);
    let result = decide(&sampler, &Context::new(), (1 << 56) - 1, kind, &attributes(pairs));
    match result.decision {
        SamplingDecision::Drop => "off".to_owned(),
        _ => result.trace_state.get("ot").unwrap_or("none").to_owned(),
    }
}

fn parsed(text: &str) -> RuleBased {
    RuleBased::parse(text, "shop").unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_first_rule_that_applies_decides() {
    use SpanKind::{Client, Server};
    for (kind, pairs, expected) in [
        (Server, &[("http.request.method", "GET"), ("url.path", "/healthz/live")][..], "off"),
        (Server, &[("http.request.method", "POST"), ("url.path", "/healthz")], "th:c"),
        (Server, &[("http.request.method", "POST"), ("http.route", "/orders/{id}")], "th:0"),
        (Server, &[("http.request.method", "POST"), ("url.path", "/orders/7")], "th:c"),
        (Client, &[("db.operation.name", "PING")], "off"),
        (Server, &[("db.operation.name", "PING")], "th:c"),
        (Server, &[("http.route", "/api/{id}"), ("url.path", "/x")], "th:8"),
        (Server, &[("http.route", "/x"), ("url.path", "/api/7")], "th:8"),
        (Client, &[], "th:c"),
    ] {
        assert_eq!(applied(parsed(RULES), kind, pairs), expected, "{pairs:?}");
    }
}

#[test]
fn rules_in_code_know_more_patterns() {
    let half = || Probability::new(0.5).unwrap();
    let rules = || {
        RuleBased::new()
            .rule(Conditions::new().method("GET").path("/healthz*"), AlwaysOff)
            .rule(Conditions::new().attribute("tenant", ["a", "b*"]), half())
            .rule(Conditions::new().attribute_except("tenant", ["c"]), AlwaysOff)
            .rule(Conditions::new().attribute("query", [Pattern::exact("*")]), half())
    };
    for (pairs, expected) in [
        (&[("tenant", "a")][..], "th:8"),
        (&[("tenant", "bc")], "th:8"),
        (&[("tenant", "d")], "off"),
        (&[("tenant", "c"), ("query", "*")], "th:8"),
        (&[("query", "x")], "off"), // nothing applies
    ] {
        assert_eq!(applied(rules(), SpanKind::Server, pairs), expected, "{pairs:?}");
    }
    let shown = format!("{:?}", rules());
    assert!(shown.starts_with("[GET /healthz*: AlwaysOff, tenant=a|b*: Probability"), "{shown}");
}

#[test]
fn names_kinds_parents_and_services_are_conditions() {
    let remote = parent(1, true, true, "");
    let local = parent(1, true, false, "");
    let root = Context::new();
    let kept = |text: &str, context: &Context, kind: SpanKind| {
        let sampler = Sampler::new(parsed(text));
        decide(&sampler, context, 1, kind, &[]).decision != SamplingDecision::Drop
    };
    for (text, context, kind, expected) in [
        ("name=span: on; off", &root, SpanKind::Server, true),
        ("name=other: on; off", &root, SpanKind::Server, false),
        ("kind=client,producer: on; off", &root, SpanKind::Producer, true),
        ("kind=client,producer: on; off", &root, SpanKind::Server, false),
        ("parent=none: on; off", &root, SpanKind::Server, true),
        ("parent=none: on; off", &remote, SpanKind::Server, false),
        ("parent=remote: on; off", &remote, SpanKind::Server, true),
        ("parent=local,none: on; off", &local, SpanKind::Server, true),
        ("parent=local: on; off", &remote, SpanKind::Server, false),
        ("service=shop: on; off", &root, SpanKind::Server, true),
        ("service=sh*: on; off", &root, SpanKind::Server, true),
        ("service=cart: on; off", &root, SpanKind::Server, false),
    ] {
        assert_eq!(kept(text, context, kind), expected, "{text}");
    }
}

#[test]
fn many_attributes_are_looked_up_as_few_are() {
    let mut text = String::new();
    for number in 0..40 {
        text.push_str(&format!("k{number}=v: {}; ", if number % 2 == 0 { "on" } else { "off" }));
    }
    let rules = || parsed(&format!("{text} 0.5"));
    for (key, expected) in [("k0", "th:0"), ("k1", "off"), ("k38", "th:0"), ("k39", "off")] {
        assert_eq!(applied(rules(), SpanKind::Server, &[("other", "v"), (key, "v")]), expected);
    }
    assert_eq!(applied(rules(), SpanKind::Server, &[("k40", "v")]), "th:8");
}

#[test]
fn values_with_separators_stand_between_quotes() {
    for (text, value) in [
        (r#"a="x y": off"#, "x y"),
        (r#"a="x;y": off"#, "x;y"),
        (r#"a='x: "y"': off"#, "x: \"y\""),
        (r#"a="": off"#, ""),
        ("a=x:y: off", "x:y"),
        ("a=it's: off", "it's"),
    ] {
        let rules = parsed(text);
        assert_eq!(applied(rules, SpanKind::Server, &[("a", value)]), "off", "{text}");
        assert_eq!(applied(parsed(text), SpanKind::Server, &[("a", "z")]), "th:0", "{text}");
    }
    let path = r#""/a b": off"#;
    assert_eq!(applied(parsed(path), SpanKind::Server, &[("url.path", "/a b")]), "off");
    let with_colon = "/v1/items:batch: off";
    let batch = &[("url.path", "/v1/items:batch")];
    assert_eq!(applied(parsed(with_colon), SpanKind::Server, batch), "off");
}

#[test]
fn rules_may_stand_on_lines_of_their_own() {
    let lines = "\nGET /healthz*: off\r\n\n  POST /orders/{id}: on\nkind=client \
                 db.operation.name=PING: off;/api/*: 0.5 100/s\n0.25\n";
    assert_eq!(format!("{:?}", parsed(lines)), format!("{:?}", parsed(RULES)));
    let quoted = parsed("a=\"x\ny\": off\n0.5");
    assert_eq!(applied(quoted, SpanKind::Server, &[("a", "x\ny")]), "off");
    let error = RuleBased::parse("/a: off\n/b: maybe", "shop").unwrap_err();
    assert_eq!((error.rule(), error.column()), (2, 13));
}

#[test]
fn without_a_fallback_everything_else_is_kept() {
    for text in ["", " ; ", "/healthz: off"] {
        assert_eq!(applied(parsed(text), SpanKind::Server, &[]), "th:0", "{text:?}");
    }
    assert_eq!(applied(RuleBased::new(), SpanKind::Server, &[]), "off");
}

#[test]
fn errors_name_the_rule_and_the_column() {
    for (text, place, says) in [
        ("/a: maybe", (1, 5), "expected on, off or a number"),
        ("/a: off; /b: 2", (2, 14), "expected "),
        ("/a: off;; /b: ", (2, 14), "expected "),
        ("/a: off 1/s", (1, 9), "expected "),
        ("0.1 100", (1, 5), "expected "),
        ("0.1 0/s", (1, 5), "expected a rate above 0; off drops everything"),
        ("0/s/route", (1, 1), "expected a rate above 0"),
        ("on; total 0/s", (1 + 1, 11), "expected a rate above 0"),
        ("on; total", (2, 10), "expected one rate after total"),
        ("total 1/s/route", (1, 7), "expected one rate after total"),
        ("total 1/s 2/s", (1, 11), "expected one rate after total"),
        ("total 0.1 2/s", (1, 11), "expected one rate after total"),
        ("total 1/s; on; total 2/s", (3, 16), "expected one total"),
        ("total: 1/s", (1, 1), "expected a method in capitals"),
        ("'GET /a: off; on'", (1, 1), "the quotes around all of it are part of the value"),
        (" \"0.1\" ", (1, 1), "the quotes around all of it are part of the value"),
        ("0.1 1/s 2/s", (1, 9), "expected "),
        ("0.1; on", (2, 6), "no conditions"),
        (": on", (1, 1), "before the colon"),
        ("/a; on", (1, 1), "expected "),
        ("get: on", (1, 1), "expected "),
        ("=a: on", (1, 1), "expected "),
        ("a=: on", (1, 1), "expected "),
        ("on; kind=web: on", (2, 5), "no conditions"),
        ("kind=web: on", (1, 1), "client, consumer, internal, producer, server"),
        ("parent=any: on", (1, 1), "none, remote, local"),
        ("/ä: on; a=\"b: on", (2, 11), "not closed"),
        ("a=\"b\"c: on", (1, 6), "after the quote"),
        ("drop=/a;keep=/b", (2, 9), "expected drop=/path or fallback=sampler"),
        ("drop=/a;fallback=ratio", (2, 9), "parentbased_always_on"),
        ("fallback=always_on;fallback=always_on", (2, 20), "one fallback"),
    ] {
        let error = RuleBased::parse(text, "shop").expect_err(text);
        assert_eq!((error.rule(), error.column()), place, "{text}: {error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert!(!error.to_string().contains("maybe"), "{error}");
    }
    let many = "/a: off;".repeat(1_001);
    assert_eq!(RuleBased::parse(&many, "shop").unwrap_err().rule(), 1_001);
}

#[test]
fn rules_that_look_as_if_they_applied_are_warned_of() {
    for (text, place, says) in [
        ("http.response.status_code=5*: on; 0.1", "rule 1, column 1: ", "applies to no request"),
        ("/a: on; GET error.type=*: on", "rule 2, column 13: ", "error.type is set after"),
        ("method=GET: off", "rule 1, column 1: ", "did you mean GET?"),
        ("kinds=client: off", "rule 1, column 1: ", "did you mean kind?"),
        ("http.target=/a: off", "rule 1, column 1: ", "url.path"),
        ("/a: off; GET /b: on; /a: on", "rule 3, column 22: ", "rule 1, which decides"),
        ("kind=server GET /a: off; /a GET kind=server: on", "rule 2, column 26: ", "rule 1"),
        ("service=sh*  /a: off; service=shop  /a: on", "rule 2, column 23: ", "rule 1"),
    ] {
        let rules = parsed(text);
        let [warning] = rules.warnings() else { panic!("{text}: {:?}", rules.warnings()) };
        assert!(warning.starts_with(place) && warning.contains(says), "{text}: {warning}");
    }
    for text in [
        RULES,
        "service=cart /a: off; /a: on",
        "tenant=a: off; tenant=b: on",
        "kind=client: off; kind=server: on; drop=a: on",
        "drop=/a;drop=/a",
        "0.1; total 5/s",
    ] {
        assert_eq!(parsed(text).warnings(), Vec::<String>::new(), "{text}");
    }
    assert_eq!(parsed(&"/a: on; ".repeat(900)).warnings().len(), 10);
}

#[test]
fn splunks_rules_are_read() {
    let rules = || parsed("drop=/healthcheck;fallback=parentbased_always_on");
    for (kind, path, expected) in [
        (SpanKind::Server, "/v1/healthcheck/live", "off"),
        (SpanKind::Client, "/v1/healthcheck/live", "th:0"),
        (SpanKind::Server, "/orders", "th:0"),
    ] {
        assert_eq!(applied(rules(), kind, &[("url.path", path)]), expected, "{path}");
    }
    let sampler = Sampler::new(rules());
    let unsampled = parent(1, false, true, "");
    let result = decide(&sampler, &unsampled, 0, SpanKind::Server, &[]);
    assert_eq!(result.decision, SamplingDecision::Drop);
    for (fallback, expected) in [("always_on", "th:0"), ("always_off", "off")] {
        let rules = parsed(&format!("fallback={fallback}; drop=/a"));
        assert_eq!(applied(rules, SpanKind::Server, &[]), expected);
    }
}

#[test]
fn only_trees_that_may_keep_unsampled_requests_want_them_described() {
    let wants = |tree: Box<dyn Composable>| Sampler::new(tree).needs_unsampled_described();
    for (text, expected) in [
        ("/a: on; off", true),
        ("0.1", true),
        ("off", false),
        ("/a: off; off", false),
        ("parent=none: on; off", false),
        ("parent=remote: on; off", true),
        ("parent=local: on; off", true),
        ("drop=/a;fallback=parentbased_always_on", false),
        ("drop=/a;fallback=always_on", true),
    ] {
        assert_eq!(wants(Box::new(parsed(text))), expected, "{text}");
        assert!(!wants(Box::new(ParentThreshold::new(parsed(text)))), "{text}");
    }
    assert!(wants(Box::new(AlwaysOn)) && !wants(Box::new(AlwaysOff)));
}

#[test]
fn parents_are_known_without_attributes() {
    let sampler = Sampler::new(
        RuleBased::new().rule(Conditions::new().parents([ParentKind::Remote]), AlwaysOn),
    );
    let remote = parent(1, false, true, "");
    let id = remote.span().span_context().trace_id();
    let result = sampler.should_sample(Some(&remote), id, "HTTP", &SpanKind::Server, &[], &[]);
    assert_eq!(result.decision, SamplingDecision::RecordAndSample);
    let result = sampler.should_sample(None, trace(1), "HTTP", &SpanKind::Server, &[], &[]);
    assert_eq!(result.decision, SamplingDecision::Drop);
}

proptest! {
    #[test]
    fn no_text_panics(text in "[a-zA-Z0-9=:;/*?'\" .ä,]{0,60}") {
        if let Err(error) = RuleBased::parse(&text, "shop") {
            prop_assert!(error.column() <= text.chars().count() + 1);
        }
    }

    #[test]
    fn every_value_can_be_quoted(value in "[^\"]{0,20}", other in "[a-z]{1,5}") {
        for text in [
            format!("GET a=\"{value}\": off; 0.5"),
            format!("a=\"{value}\" GET: off;0.5; total 10/s"),
        ] {
            let rules = RuleBased::parse(&text, "shop");
            prop_assert!(rules.is_ok(), "{text}: {rules:?}");
            let sampler = Sampler::new(rules.unwrap());
            // Stars and question marks match themselves too.
            for (tried, expected) in [(&value, false), (&other, Pattern::new(&*value).matches(&other))] {
                let pairs =
                    [KeyValue::new("http.request.method", "GET"), KeyValue::new("a", tried.clone())];
                let result = decide(&sampler, &Context::new(), (1 << 56) - 1, SpanKind::Server, &pairs);
                let dropped = result.decision == SamplingDecision::Drop;
                prop_assert_eq!(dropped, expected || *tried == value, "{}: {}", text, tried);
            }
        }
    }

    #[test]
    fn rules_apply_as_a_simple_model_says(
        rules in proptest::collection::vec(("[a-d]", "[x-z]", "[a-d]", "[x-z]", any::<bool>()), 0..6),
        values in proptest::collection::vec(proptest::option::of("[x-z]"), 4),
    ) {
        let text: Vec<_> = rules
            .iter()
            .map(|(a, x, b, y, on)| format!("{a}={x} {b}={y}: {}", if *on { "on" } else { "off" }))
            .collect();
        let keys = ["a", "b", "c", "d"];
        let value = |key: &str| {
            keys.iter().position(|known| *known == key).and_then(|at| values[at].clone())
        };
        let expected = rules
            .iter()
            .find(|(a, x, b, y, _)| value(a).as_ref() == Some(x) && value(b).as_ref() == Some(y))
            .is_none_or(|(.., on)| *on);
        let attributes: Vec<_> =
            keys.iter().filter_map(|key| Some(KeyValue::new(*key, value(key)?))).collect();
        let sampler = Sampler::new(parsed(&text.join("; ")));
        let result = decide(&sampler, &Context::new(), 1, SpanKind::Server, &attributes);
        prop_assert_eq!(result.decision == SamplingDecision::RecordAndSample, expected);
    }
}
