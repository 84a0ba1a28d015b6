use tracewire_export::Protocol;

use super::*;

/// What is decided about these settings, with its origin, and the warnings.
fn planned(
    variables: &[(&str, &str)],
    build: impl Fn(Builder) -> Builder,
) -> (Vec<String>, Vec<String>) {
    let plan = build(Builder::new(Env::of(variables))).plan().unwrap();
    let decisions = plan.decisions().iter().map(ToString::to_string).collect();
    (decisions, plan.warnings().map(str::to_owned).collect())
}

fn decided(variables: &[(&str, &str)], build: impl Fn(Builder) -> Builder) -> Vec<String> {
    let (decisions, warnings) = planned(variables, build);
    assert_eq!(warnings, Vec::<String>::new());
    decisions
}

fn defaults(builder: Builder) -> Builder {
    let exporters = [TracesExporter::console(), TracesExporter::otlp()];
    builder
        .defaults(|defaults| {
            defaults
                .service_name("shop")
                .traces(Traces::new().exporters([TracesExporter::otlp()]).sampling_ratio(0.25))
        })
        .defaults(|defaults| {
            defaults
                .traces(Traces::new().exporters(exporters))
                .metrics(Metrics::new().exporters([]))
                .otlp(Otlp::new().endpoint("http://code:1").protocol(Protocol::HttpProtobuf))
        })
}

#[test]
fn a_default_in_code_holds_where_no_variable_is_set() {
    let decided = decided(&[("OTEL_LOGS_EXPORTER", "none")], defaults);
    for expected in [
        "service.name = shop (default in code)",
        "OTEL_TRACES_EXPORTER = console,otlp (default in code)",
        "OTEL_METRICS_EXPORTER = none (default in code)",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = http://code:1/v1/traces (default in code)",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL = http/protobuf (default in code)",
        "OTEL_TRACES_SAMPLER = parent based, root TraceIdRatioBased(0.25) \
         (default in code)",
    ] {
        assert!(decided.iter().any(|line| line == expected), "{expected}: {decided:#?}");
    }
}

#[test]
fn the_environment_wins_over_a_default_in_code() {
    let decided = decided(
        &[
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=attribute"),
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://env:1/v1/traces"),
            ("OTEL_TRACES_SAMPLER", "always_on"),
        ],
        defaults,
    );
    for expected in [
        "service.name = attribute (from OTEL_RESOURCE_ATTRIBUTES)",
        "OTEL_TRACES_EXPORTER = otlp (from OTEL_TRACES_EXPORTER)",
        "OTEL_METRICS_EXPORTER = otlp (from OTEL_METRICS_EXPORTER)",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = http://env:1/v1/traces \
         (from OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT = http://code:1/v1/metrics (default in code)",
        "OTEL_TRACES_SAMPLER = AlwaysOn (from OTEL_TRACES_SAMPLER)",
    ] {
        assert!(decided.iter().any(|line| line == expected), "{expected}: {decided:#?}");
    }
}

#[test]
fn a_plain_setting_wins_over_its_variable_and_says_so() {
    let variables = [
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_SERVICE_NAME", "operator"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ];
    let (_, warnings) = planned(&variables, |builder| {
        builder
            .traces(Traces::new().exporters([]))
            .service_name("shop")
            .defaults(|defaults| defaults.otlp(Otlp::new().endpoint("http://c")))
    });
    assert_eq!(
        warnings,
        ["OTEL_SERVICE_NAME", "OTEL_TRACES_EXPORTER"]
            .map(|name| format!("{name} is ignored: the program sets it in code"))
    );
}

#[test]
fn code_for_all_signals_wins_over_a_signal_s_variable() {
    let variables = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://env:1/v1/traces")];
    let (decided, warnings) =
        planned(&variables, |builder| builder.otlp(Otlp::new().endpoint("http://code:1")));
    let expected = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = http://code:1/v1/traces (set in code)";
    assert!(decided.iter().any(|line| line == expected), "{decided:#?}");
    assert_eq!(
        warnings,
        ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is ignored: the program sets it in code"]
    );
}

#[test]
fn a_plan_says_what_is_set_and_by_whom_without_secrets() {
    let plan = Builder::new(Env::of(&[
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2QQ"),
        ("OTEL_METRICS_EXPORTER", "nonsense"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ]))
    .service_name("shop")
    .plan()
    .unwrap()
    .to_string();
    for line in [
        "service.name = shop (set in code)",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS = (not shown) (from OTEL_EXPORTER_OTLP_HEADERS)",
        "OTEL_BSP_SCHEDULE_DELAY = 5s (default)",
    ] {
        assert!(plan.lines().any(|found| found == line), "{line}:\n{plan}");
    }
    assert!(plan.contains("warning: OTEL_METRICS_EXPORTER: \"nonsense\" is ignored"), "{plan}");
    assert!(!plan.contains("hunter2QQ"), "{plan}");
}

#[test]
fn a_plan_numbers_exporters_of_one_kind() {
    let to = |url: &str| TracesExporter::otlp_with(Otlp::new().endpoint(url));
    let (decided, _) = planned(&[("OTEL_LOGS_EXPORTER", "none")], |builder| {
        builder.traces([to("http://a"), TracesExporter::console(), to("http://b")])
    });
    for line in [
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = http://a/v1/traces (set in code)",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT [exporter 2] = http://b/v1/traces (set in code)",
        "OTEL_METRICS_EXPORTER = otlp (default)",
    ] {
        assert!(decided.iter().any(|found| found == line), "{line}: {decided:#?}");
    }
}

#[test]
fn settings_that_cannot_work_name_the_method() {
    let error = |build: fn(Builder) -> Builder| {
        build(Builder::new(Env::of(&[]))).plan().unwrap_err().to_string()
    };
    for (found, name) in [
        (error(|builder| builder.otlp(Otlp::new().endpoint("nonsense"))), "Otlp::endpoint"),
        (error(|builder| builder.otlp(Otlp::new().header("a b", "secret"))), "Otlp::header"),
        (
            error(|builder| builder.traces(Traces::new().sampling_ratio(1.5))),
            "Traces::sampling_ratio",
        ),
        (
            error(|b| b.traces(Traces::new().batching(Batching::new().queue_size(0)))),
            "Batching::queue_size",
        ),
    ] {
        assert!(found.starts_with(name) && !found.contains("secret"), "{found}");
    }
}

#[cfg(feature = "elastic-apm")]
#[test]
fn a_vendor_s_variables_win_over_defaults_in_code() {
    let variables = [("ELASTIC_APM_SERVER_URL", "http://apm:8200"), ("OTEL_LOGS_EXPORTER", "none")];
    let decided = decided(&variables, defaults);
    let expected = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = http://apm:8200/v1/traces \
                    (from ELASTIC_APM_SERVER_URL)";
    assert!(decided.iter().any(|line| line == expected), "{decided:#?}");
}

#[test]
fn the_plan_counts_the_parts_of_the_program() {
    use opentelemetry_sdk::metrics::ManualReader;
    use opentelemetry_sdk::resource::EnvResourceDetector;
    use opentelemetry_sdk::trace::{InMemorySpanExporter, RandomIdGenerator, SimpleSpanProcessor};

    let processor = || SimpleSpanProcessor::new(InMemorySpanExporter::default());
    let decided = decided(&[("OTEL_LOGS_EXPORTER", "none")], |builder| {
        builder
            .traces(
                Traces::new()
                    .exporters([])
                    .processor_first(processor())
                    .processor(processor())
                    .id_generator(RandomIdGenerator::default()),
            )
            .metrics(
                Metrics::new()
                    .exporters([])
                    .reader(ManualReader::builder().build())
                    .view(|_| None)
                    .view(|_| None),
            )
            .resource(Resource::new().detector(EnvResourceDetector::new()))
    });
    let parts: Vec<_> = decided.iter().filter(|line| line.contains(" of the program")).collect();
    assert_eq!(
        parts,
        [
            "resource detectors of the program = 1 (set in code)",
            "span processors of the program = 2 (set in code)",
            "id generator of the program = 1 (set in code)",
            "metric readers of the program = 1 (set in code)",
            "views of the program = 2 (set in code)",
        ]
    );
}

#[cfg(feature = "otlp-grpc")]
#[test]
fn a_grpc_endpoint_without_a_scheme_is_insecure_only_if_code_says_so() {
    let endpoint = |insecure: Option<bool>| {
        let otlp = Otlp::new().endpoint("localhost:4317").protocol(Protocol::Grpc);
        let otlp = move || insecure.into_iter().fold(otlp.clone(), Otlp::insecure);
        let variables = [("OTEL_LOGS_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none")];
        let decided = decided(&variables, |builder| builder.otlp(otlp()));
        let setting = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = ";
        decided.into_iter().find_map(|line| line.strip_prefix(setting).map(str::to_owned))
    };
    assert_eq!(endpoint(None).unwrap(), "https://localhost:4317/ (set in code)");
    assert_eq!(endpoint(Some(false)).unwrap(), "https://localhost:4317/ (set in code)");
    assert_eq!(endpoint(Some(true)).unwrap(), "http://localhost:4317/ (set in code)");
}
