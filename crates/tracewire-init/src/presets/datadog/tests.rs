use super::super::tests::{applied, map};
use super::agent::{HOST, URL as AGENT};
use super::formats::{STYLE, STYLE_EXTRACT, STYLE_INJECT};
use super::*;
use crate::config::{Network, decide};
use crate::plan::Plan;
use crate::variables::Env;

const EVERY: &str = "Datadog priorities, every trace kept";

#[test]
fn the_tracers_variables_stand_for_the_standard_ones() {
    assert_eq!(
        applied(
            read,
            &[
                (HOST, "10.0.0.1"),
                ("DD_SERVICE", "shop"),
                ("DD_ENV", "prod"),
                ("DD_VERSION", "1.2"),
                ("DD_TRACE_SAMPLE_RATE", "0.1"),
                (STYLE, "Datadog, b3 single header,tracecontext"),
            ]
        )
        .unwrap(),
        map(&[
            (
                "attributes",
                "deployment.environment.name=prod,deployment.environment=prod,service.version=1.2"
            ),
            ("endpoint", "http://10.0.0.1:4318"),
            ("formats", "datadog,b3,tracecontext"),
            ("name", "shop"),
            ("sampler", "Datadog priorities, 1 rules, 100 a second"),
            ("temporality", "Delta"),
            ("unsampled", "true"),
        ])
    );
}

#[test]
fn the_agents_host_is_that_of_its_url_or_its_name() {
    for (variables, expected) in [
        (&[(AGENT, "http://agent:8126"), (HOST, "other")][..], "http://agent:4318"),
        (&[(AGENT, "https://[::1]:8126")], "http://[::1]:4318"),
        (&[(HOST, "::1")], "http://[::1]:4318"),
        (&[(HOST, "agent"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "http://agent:4317"),
    ] {
        assert_eq!(applied(read, variables).unwrap()["endpoint"], expected, "{variables:?}");
    }
    for url in ["ftp://agent", "agent", "http://", "http://u:secret@:8126"] {
        let error = applied(read, &[(AGENT, url)]).unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains(AGENT), "{error}");
        assert!(!format!("{error}{error:?}").contains("secret"), "{error}");
    }
    for host in ["http://agent", "agent:8126", "user:secret@agent", "agent/?token=secret"] {
        let error = applied(read, &[(HOST, host)]).unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains(HOST), "{error}");
        assert!(!format!("{error}{error:?}").contains("secret"), "{error}");
    }
}

#[test]
fn the_standard_variable_wins_over_styles() {
    let variables = [(STYLE, "datadog"), ("OTEL_PROPAGATORS", "tracecontext")];
    assert_eq!(applied(read, &variables).unwrap()["formats"], "tracecontext");
}

#[test]
fn each_direction_may_have_a_style_of_its_own() {
    for (variables, expected) in [
        (&[(STYLE, "datadog"), (STYLE_EXTRACT, "b3single")][..], "b3|datadog"),
        (&[(STYLE_INJECT, "none")], "|none"),
        (&[(STYLE_EXTRACT, "none"), ("OTEL_PROPAGATORS", "b3")], "b3"),
    ] {
        assert_eq!(applied(read, variables).unwrap()["formats"], expected, "{variables:?}");
    }
}

/// Where spans go with these variables, and what is warned of.
fn planned(variables: &[(&str, &str)]) -> (Plan, Vec<String>) {
    let mut plan = Plan::default();
    let variables = Env::of(variables);
    decide(variables, Layer::default(), Layer::default(), Network::Untouched, &mut plan).unwrap();
    let warnings = plan.warnings().map(str::to_owned).collect();
    (plan, warnings)
}

fn decided(plan: &Plan, setting: &str) -> Option<String> {
    let decision = plan.decisions().iter().find(|decision| decision.setting == setting)?;
    Some(decision.value.clone())
}

#[test]
fn the_agent_behind_a_socket_gets_otlp_at_its_ports() {
    let socket = (AGENT, "unix:///var/run/datadog/apm.socket");
    let endpoint = |variables: &[(&str, &str)]| {
        let (plan, warnings) = planned(variables);
        (decided(&plan, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").unwrap(), warnings)
    };
    let (url, warnings) = endpoint(&[socket]);
    assert_eq!(url, "http://localhost:4318/v1/traces");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with(AGENT) && warnings[0].contains(HOST), "{warnings:?}");
    let (url, warnings) = endpoint(&[socket, (HOST, "10.0.0.1")]);
    assert_eq!((url.as_str(), warnings.len()), ("http://10.0.0.1:4318/v1/traces", 0));
}

#[test]
fn tags_stand_for_what_has_no_variable_of_its_own() {
    let tags = ("DD_TAGS", "env:dev,version:1,service:cart,team:a:b,lonely");
    assert_eq!(
        applied(read, &[tags, ("DD_ENV", "prod")]).unwrap(),
        map(&[
            (
                "attributes",
                "deployment.environment.name=prod,deployment.environment=prod,lonely=,\
                 service.version=1,team=a:b"
            ),
            ("name", "cart"),
        ])
    );
}

#[test]
fn an_agent_alone_gets_every_span_with_its_priority() {
    let found = applied(read, &[(HOST, "agent")]).unwrap();
    assert_eq!((found["sampler"].as_str(), found["unsampled"].as_str()), (EVERY, "true"));
    let found = applied(read, &[("DD_SERVICE", "shop")]).unwrap();
    assert_eq!(found, map(&[("name", "shop")]));
    let (plan, warnings) = planned(&[(HOST, "agent"), ("OTEL_TRACES_SAMPLER", "always_on")]);
    assert_eq!(decided(&plan, "OTEL_TRACES_SAMPLER").unwrap(), "AlwaysOn");
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn rules_rate_and_limit_make_one_sampler() {
    let rules = (sampling::RULES, r#"[{"service": "a", "sample_rate": 0.5}]"#);
    for (variables, expected) in [
        (&[rules, (sampling::RATE, "0.1")][..], "Datadog priorities, 2 rules, 100 a second"),
        (&[rules, (sampling::LIMIT, "-1")], "Datadog priorities, 1 rules, no limit"),
        (
            &[(sampling::RATE, "1"), (sampling::LIMIT, "5")],
            "Datadog priorities, 1 rules, 5 a second",
        ),
    ] {
        assert_eq!(applied(read, variables).unwrap()["sampler"], expected, "{variables:?}");
    }
    for rules in ["0.1", r#"[{"service": "hunter2"}]"#, "[{\"sample_rate\": \"hunter2\"}]"] {
        let error = applied(read, &[(sampling::RULES, rules)]).unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains(sampling::RULES), "{error}");
        assert!(!format!("{error}{error:?}").contains("hunter2"), "{error}");
    }
    let unknown = r#"[{"sample_rate": 1, "max_per_second": 3}]"#;
    let (_, warnings) = planned(&[(sampling::RULES, unknown)]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("max_per_second"), "{warnings:?}");
    let (_, warnings) = planned(&[(HOST, "agent"), (sampling::LIMIT, "5")]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn tracing_can_be_off_and_a_trace_begin_anew() {
    let found = applied(read, &[("DD_TRACE_ENABLED", "false")]).unwrap();
    assert_eq!(found, map(&[("exporters", "[]")]));
    assert_eq!(applied(read, &[("DD_TRACE_ENABLED", "1")]).unwrap(), map(&[]));
    for (word, expected) in [("Restart", "Restart"), ("ignore", "Ignore"), ("continue", "Continue")]
    {
        let variables = [("DD_TRACE_PROPAGATION_BEHAVIOR_EXTRACT", word)];
        assert_eq!(applied(read, &variables).unwrap(), map(&[("extraction", expected)]));
    }
}

#[test]
fn layers_get_header_tags_and_error_statuses_beside_the_standard_variables() {
    let (plan, warnings) = planned(&[
        ("DD_TRACE_HEADER_TAGS", "X-User:shop.user,X-Plain"),
        ("DD_TRACE_HTTP_SERVER_ERROR_STATUSES", "500-599,404"),
        ("TRACEWIRE_EXCLUDED_PATHS", "/healthz"),
        ("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS", "content-type"),
    ]);
    assert_eq!(warnings, [""; 0]);
    for (setting, expected) in [
        ("TRACEWIRE_EXCLUDED_PATHS", Some("(1, not shown)")),
        ("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS", Some("(2, not shown)")),
        ("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS", Some("(1, not shown)")),
        ("headers as attributes", Some("(1, not shown)")),
        ("error statuses of servers", Some("500-599,404")),
        ("error statuses of clients", None),
    ] {
        assert_eq!(decided(&plan, setting).as_deref(), expected, "{setting}");
    }
}

#[test]
fn variables_without_effect_are_named_once_without_their_values() {
    let (_, warnings) = planned(&[
        ("DD_API_KEY", "hunter2"),
        ("DD_PROFILING_ENABLED", "true"),
        ("DD_APPSEC_ENABLED", "false"),
        ("DD_TRACE_128_BIT_TRACEID_GENERATION_ENABLED", "true"),
        ("DD_APM_RECEIVER_PORT", "8126"),
        ("DD_SERVICE", "shop"),
        ("DD_TRACE_OTEL_ENABLED", "true"),
        ("DD_DOGSTATSD_URL", "unix:///var/run/datadog/dsd.socket"),
        ("DD_EXTERNAL_ENV", "it-false"),
    ]);
    assert_eq!(
        warnings,
        ["variables of Datadog's tracers without effect here, see docs/datadog.md: DD_API_KEY, \
          DD_PROFILING_ENABLED"]
    );
}

#[test]
fn code_wins_over_variables_and_yields_to_standard_ones() {
    let code = || Layer {
        datadog: Datadog::new().agent_host("code").service("code").tag("a", "b").sample_rate(0.5),
        ..Layer::default()
    };
    let planned = |variables: &[(&str, &str)]| {
        let mut plan = Plan::default();
        decide(Env::of(variables), code(), Layer::default(), Network::Untouched, &mut plan)
            .unwrap();
        plan
    };
    let plan = planned(&[(HOST, "variable"), ("DD_SERVICE", "variable")]);
    let endpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    assert_eq!(decided(&plan, endpoint).unwrap(), "http://code:4318/v1/traces");
    assert_eq!(decided(&plan, "service.name").unwrap(), "code");
    assert_eq!(plan.warnings().count(), 2, "{plan}");
    let plan = planned(&[("OTEL_SERVICE_NAME", "standard")]);
    assert_eq!(decided(&plan, "service.name").unwrap(), "standard");
    let wrong = Layer { datadog: Datadog::new().sample_rate(2.0), ..Layer::default() };
    let error =
        decide(Env::of(&[]), wrong, Layer::default(), Network::Untouched, &mut Plan::default())
            .err()
            .unwrap();
    assert!(error.to_string().contains("Datadog::sample_rate"), "{error}");
}
