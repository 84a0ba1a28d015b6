use super::*;
use crate::settings::Layer;
use crate::variables::{self, Env, Reader};

/// What these variables and code decide for a signal over HTTP.
fn decided(
    variables: &[(&str, &str)],
    code: builder::Otlp,
    signal: Signal,
) -> (Result<Otlp, InitError>, Plan) {
    let (env, mut plan) = (Env::of(variables), Plan::default());
    let mut layer = Layer { otlp: code, ..Layer::default() };
    layer.settle();
    let read = variables::read(&mut Reader::new(&env, &mut plan), &layer);
    let mut environment = read.unwrap();
    environment.settle();
    layer.complete(environment, &mut plan);
    let of_signal = match signal {
        Signal::Traces => &layer.traces.otlp,
        Signal::Metrics => &layer.metrics.otlp,
        Signal::Logs => &layer.logs.otlp,
    };
    let own = builder::Otlp::new();
    let decided = decide(own, of_signal, signal, &Proxies::default(), &mut plan);
    (decided, plan)
}

fn url(variables: &[(&str, &str)], code: Option<&str>, signal: Signal) -> String {
    let code = code.map_or_else(builder::Otlp::new, |url| builder::Otlp::new().endpoint(url));
    decided(variables, code, signal).0.unwrap().exporter.endpoint
}

#[test]
fn endpoints_follow_the_specifications_examples() {
    const GENERAL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    use Signal::{Metrics, Traces};
    for (variables, signal, expected) in [
        (&[][..], Traces, "http://localhost:4318/v1/traces"),
        (&[], Metrics, "http://localhost:4318/v1/metrics"),
        (&[(GENERAL, "http://c:4318")], Traces, "http://c:4318/v1/traces"),
        (&[(GENERAL, "http://c:4318/my/")], Traces, "http://c:4318/my/v1/traces"),
        (&[(GENERAL, "http://c:4318/my")], Metrics, "http://c:4318/my/v1/metrics"),
        (&[(TRACES, "http://c:4318")], Traces, "http://c:4318/"),
        (&[(TRACES, "http://c:4318/a/b?x=1")], Traces, "http://c:4318/a/b?x=1"),
        (&[(TRACES, "http://t:1"), (GENERAL, "http://c:2")], Metrics, "http://c:2/v1/metrics"),
        (&[(TRACES, ""), (GENERAL, "http://c:2")], Traces, "http://c:2/v1/traces"),
    ] {
        assert_eq!(url(variables, None, signal), expected);
    }
    let variables = [(TRACES, "http://t:1"), (GENERAL, "http://c:2")];
    assert_eq!(url(&variables, Some("http://code:3"), Traces), "http://code:3/v1/traces");
}

#[test]
fn unusable_endpoints_are_errors_that_name_variable_and_value() {
    for bad in ["collector:4318", "http://", "ftp://x/", "/v1/traces", "x"] {
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", bad)];
        let (decided, _) = decided(&variables, builder::Otlp::new(), Signal::Traces);
        let error = decided.map(|_| ()).unwrap_err();
        assert!(error.is_configuration(), "{bad}");
        assert_eq!(
            error.to_string(),
            format!(
                "OTEL_EXPORTER_OTLP_ENDPOINT={bad:?}: it must be a URL such as http://localhost:4318"
            )
        );
    }
}

#[test]
fn no_secret_of_an_unusable_endpoint_is_shown() {
    for bad in [
        "http://user:secret@",
        "ftp://user:secret@host/",
        "user:secret@host:4318",
        "ftp://h/?token=secret",
        "h:4318/?token=secret",
        "http://h:99999/?token=secret",
        "http://h:99999/secret",
        "http://u:secret@h:x",
        "http://u:secret",
        "//u:secret",
        "http://u:se?cret@h",
        "ftp://h/#secret",
        "http://[secret",
        "unix:/secret",
        "Bearer secret",
    ] {
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", bad)];
        let (decided, _) = decided(&variables, builder::Otlp::new(), Signal::Traces);
        let error = decided.map(|_| ()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

#[test]
fn headers_are_decoded_and_secret() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20c2VjcmV0, x-b=2"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-c=3"),
    ];
    let headers = |signal| {
        let (decided, plan) = decided(&variables, builder::Otlp::new(), signal);
        let shown =
            plan.decisions().iter().filter(|decision| decision.setting.ends_with("HEADERS"));
        assert!(shown.map(|decision| &*decision.value).eq(["(not shown)"]));
        decided.unwrap().exporter.headers
    };
    let found = headers(Signal::Traces);
    assert_eq!(found["authorization"], "Basic c2VjcmV0");
    assert_eq!(found["x-b"], "2");
    assert_eq!(found.len(), 2);
    assert!(!format!("{found:?}").contains("c2VjcmV0"));
    let found = headers(Signal::Metrics);
    assert_eq!((found.len(), &found["x-c"]), (1, &HeaderValue::from_static("3")));
}

#[test]
fn malformed_headers_are_warned_of_without_their_value() {
    for bad in ["secret", "a=%0asecret", "a b=secret", "a=%zzsecret"] {
        let variables = [("OTEL_EXPORTER_OTLP_HEADERS", bad)];
        let (decided, plan) = decided(&variables, builder::Otlp::new(), Signal::Traces);
        assert!(decided.unwrap().exporter.headers.is_empty());
        let warnings: Vec<_> = plan.warnings().collect();
        assert_eq!(warnings.len(), 1);
        assert!(!warnings[0].contains("secret"));
    }
}

#[test]
fn an_exporter_with_an_endpoint_of_its_own_has_only_headers_of_its_own() {
    let of_signal = builder::Otlp::new()
        .endpoint("http://general:4318")
        .header("authorization", "secret")
        .timeout(Duration::from_secs(3));
    let decide = |own| {
        let mut plan = Plan::default();
        decide(own, &of_signal, Signal::Logs, &Proxies::default(), &mut plan).unwrap().exporter
    };
    let elsewhere = decide(builder::Otlp::new().endpoint("http://elsewhere:4318"));
    assert_eq!(elsewhere.endpoint, "http://elsewhere:4318/v1/logs");
    assert!(elsewhere.headers.is_empty());
    assert_eq!(elsewhere.timeout, Duration::from_secs(3));
    let here = decide(builder::Otlp::new().compression(Compression::Gzip));
    assert_eq!(here.endpoint, "http://general:4318/v1/logs");
    assert_eq!(
        (&here.headers["authorization"], here.compression),
        (&HeaderValue::from_static("secret"), Compression::Gzip)
    );
    let whole = decide(builder::Otlp::new().full_endpoint("http://whole:1/a?b=c"));
    assert_eq!(whole.endpoint, "http://whole:1/a?b=c");
}
