//! Every variable that is read, with odd values: what becomes of them, in one table.

use std::ffi::OsString;

use super::{Env, known};
use crate::config::{Network, decide};
use crate::error::InitError;
use crate::features;
use crate::plan::Plan;
use crate::settings::Layer;

const SECRET: &str = "hunter2QQ";

/// The columns of the table.
fn values() -> Vec<(&'static str, OsString)> {
    let mut values: Vec<(&str, OsString)> = vec![
        ("empty", "".into()),
        ("blank", " \t".into()),
        ("negative", "-1".into()),
        ("zero", "0".into()),
        ("2^31", "2147483648".into()),
        ("2^64", "18446744073709551616".into()),
        ("NaN", "NaN".into()),
        ("control characters", "a\u{1}\u{7f}\u{1b}[31m".into()),
        ("list with empties", ",,a=b,,".into()),
        ("secret", format!("https://user:{SECRET}@host/?token={SECRET}").into()),
        ("mixed case", "TrUe".into()),
        ("trailing spaces", "5 \t ".into()),
        ("digits of other scripts", "\u{ff15}\u{0665}".into()),
        ("1 MiB", "9".repeat(1 << 20).into()),
    ];
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        let bytes = [SECRET.as_bytes(), b"\xff\xfe"].concat();
        values.push(("not UTF-8", OsString::from_vec(bytes)));
    }
    values
}

/// What makes that a variable counts.
fn beside(variable: &str) -> Vec<(&'static str, &'static str)> {
    let mut beside =
        vec![("OTEL_TRACES_EXPORTER", "otlp,zipkin"), ("OTEL_METRICS_EXPORTER", "otlp,prometheus")];
    if variable == "OTEL_TRACES_SAMPLER_ARG" {
        beside.push(("OTEL_TRACES_SAMPLER", "traceidratio"));
    } else if variable.contains("CERTIFICATE") || variable.contains("CLIENT_KEY") {
        beside.push(("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318"));
    } else if variable.to_ascii_uppercase().ends_with("_PROXY") {
        let scheme = if variable.starts_with(['h', 'H']) && variable.contains(['s', 'S']) {
            "https://collector:4318"
        } else {
            "http://collector:4318"
        };
        beside.push(("OTEL_EXPORTER_OTLP_ENDPOINT", scheme));
    } else if variable.ends_with("INSECURE") {
        beside.push(("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"));
        beside.push(("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"));
    }
    match variable {
        "TRACEWIRE_OTLP_FILE" => beside[0] = ("OTEL_TRACES_EXPORTER", "otlp_file"),
        "DD_LOGS_INJECTION" => beside.push(("TRACEWIRE_LOG", "json")),
        "DD_TRACE_RATE_LIMIT" => beside.push(("DD_TRACE_SAMPLE_RATE", "0.5")),
        "TRACEWIRE_METADATA_TIMEOUT" => {
            beside.push(("TRACEWIRE_RESOURCE_DETECTORS", "gcp_metadata"));
        }
        _ => {}
    }
    beside.retain(|(name, _)| *name != variable);
    beside
}

/// Decides with what stands beside the variable, and with a value of its own.
fn planned(variable: &str, value: Option<&OsString>) -> (Plan, Option<InitError>) {
    let beside = beside(variable).into_iter().map(|(name, value)| (name, value.into()));
    let env = Env::of_os(beside.chain(value.map(|value| (variable, value.clone()))));
    let mut plan = Plan::default();
    let error =
        decide(env, Layer::default(), Layer::default(), Network::Untouched, &mut plan).err();
    (plan, error)
}

/// What becomes of a value: `r`efused, `w`arned of, `d`ecided by it, or `.` nothing.
fn outcome(variable: &str, value: &OsString, without: &Plan) -> char {
    let (plan, error) = planned(variable, Some(value));
    let said = format!("{plan} {plan:?} {error:?}");
    assert!(!said.contains(SECRET) && said.len() < 30_000, "{variable}={value:?}\n{said}");
    if let Some(error) = error {
        assert!(error.to_string().contains(variable), "{variable}: {error}");
        return 'r';
    }
    let is_new = |warning: &&str| !without.warnings().any(|known| known == *warning);
    if plan.warnings().filter(is_new).count() > 0 {
        return 'w';
    }
    if plan.decisions() == without.decisions() { '.' } else { 'd' }
}

#[test]
fn each_variable_with_odd_values_is_decided_warned_of_or_refused() {
    let has_all = features::LOGS
        && features::PROMETHEUS
        && features::ZIPKIN
        && features::TRACING
        && features::UPTRACE
        && features::ELASTIC_APM
        && features::DATADOG_AGENT
        && cfg!(all(unix, feature = "otlp-grpc", any(feature = "tls", feature = "tls-ring")));
    if !has_all {
        return; // the table is that of a build with everything
    }
    let values = values();
    let found: Vec<String> = known()
        .iter()
        .map(|variable| {
            let (without, error) = planned(variable, None);
            assert!(error.is_none(), "{variable}: {error:?}");
            let row: String =
                values.iter().map(|(_, value)| outcome(variable, value, &without)).collect();
            format!("{row} {variable}")
        })
        .collect();
    let table = include_str!("matrix.txt").lines();
    let expected: Vec<&str> = table.filter(|line| !line.starts_with('#')).collect();
    let columns: Vec<_> = values.iter().map(|(name, _)| *name).collect();
    assert!(found == expected, "columns: {columns:?}\n{}", found.join("\n"));
}
