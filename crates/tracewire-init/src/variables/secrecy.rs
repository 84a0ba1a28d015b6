//! No variable's value comes out where it may be a secret: every variable that is read, beside every
//! way to get its value wrong.

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Debug;

use super::{Env, known};
use crate::config::{Network, decide};
use crate::error::InitError;
use crate::plan::Plan;
use crate::settings::Layer;
use crate::{Telemetry, providers};

/// Part of every value below.
const SECRET: &str = "hunter2QQ";

/// Names that are not read, and near those that are.
const OTHERS: &[&str] = &["DD_API_KEY", "OTEL_EXPORTER_OTLP_HEADERSS"];

/// Values that somebody could put there, each with a secret.
fn secrets() -> Vec<OsString> {
    let mut values: Vec<OsString> = [
        format!("authorization=Bearer {SECRET}"),
        format!("Bearer {SECRET}"),
        format!("http://user:{SECRET}@host:4318"),
        format!("https://{SECRET}@host"),
        format!("user:{SECRET}@host:4318"),
        format!("ftp://host/?token={SECRET}"),
        format!("host:4318/?token={SECRET}"),
        format!("http://host:99999/?token={SECRET}"),
        format!("http://host:4318/a?token={SECRET}#{SECRET}"),
        format!("//user:{SECRET}@host"),
        format!("socks5://user:{SECRET}@host:1"),
        format!("http://user name:{SECRET}@host"),
        format!("-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n"),
        format!("-----BEGIN PRIVATE KEY----- {SECRET} -----END PRIVATE KEY-----"),
        format!("first line\nkey={SECRET}\r\n"),
        format!("key=%zz{SECRET},=,"),
        format!(r#"{{"key":"{SECRET}"}}"#),
        format!("authorization%3DBearer%20{SECRET}"),
        format!("x-api-key: {SECRET}"),
        format!("bearer:{SECRET}"),
        format!("'{SECRET}'"),
        format!("[\"{SECRET}\"]"),
        format!("http://user%3A{SECRET}%40host:4318"),
        format!("http://host:4318/%3Ftoken%3D{SECRET}"),
        format!("http:user:{SECRET}@host"),
        format!("http:\\\\user:{SECRET}@host"),
        format!("a9b8c7d6e5f4a3b2c1d0{SECRET}"),
        format!("{SECRET}{}", "0".repeat(10_000)),
    ]
    .map(OsString::from)
    .into();
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        for text in [&b"authorization=Bearer "[..], b"http://user:", b"/etc/ca.pem"] {
            values.push(OsString::from_vec([text, SECRET.as_bytes(), b"\xff\xfe"].concat()));
        }
    }
    values
}

/// What the resource is made of: it is exported, and the SDK's own `Debug` shows it.
const EXPORTED: [&str; 12] = [
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "ELASTIC_APM_SERVICE_NAME",
    "ELASTIC_APM_SERVICE_VERSION",
    "ELASTIC_APM_ENVIRONMENT",
    "DD_SERVICE",
    "DD_ENV",
    "DD_VERSION",
    "DD_TAGS",
    "ELASTIC_APM_GLOBAL_LABELS",
    "ELASTIC_APM_SERVICE_NODE_NAME",
    "ELASTIC_APM_HOSTNAME",
];

/// Everything that may be read of a start with these variables, and its error.
fn said(variables: Vec<(&str, OsString)>) -> (String, Option<InitError>) {
    let is_exported = variables.iter().any(|(name, _)| EXPORTED.contains(name));
    let (env, mut plan) = (Env::of_os(variables), Plan::default());
    let debug = format!("{:?}", &env as &dyn Debug);
    let config = decide(env, Layer::default(), Layer::default(), Network::Untouched, &mut plan);
    let started = config.and_then(|config| providers::start(config, plan.clone()));
    let started = started.map(Telemetry::new);
    let mut said = vec![debug, plan.to_string(), format!("{plan:?}")];
    said.extend(plan.warnings().map(str::to_owned));
    let error = match started {
        Ok(telemetry) => {
            said.push(format!("{telemetry:?}"));
            if !is_exported {
                said.push(format!("{:?}", telemetry.tracer_provider()));
                said.push(format!("{:?}", telemetry.meter_provider()));
            }
            drop(telemetry);
            None
        }
        Err(error) => {
            let mut cause: Option<&dyn Error> = Some(&error);
            while let Some(error) = cause {
                said.push(format!("{error} {error:?} {error:#?}"));
                cause = error.source();
            }
            Some(error)
        }
    };
    (said.join("\n"), error)
}

/// The exporters and the endpoint with which `variable` is read, and no others: they cost threads.
fn exporters(variable: &str) -> Vec<(&'static str, OsString)> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| variable.contains(word));
    let needs_none = ["LIMIT", "SAMPLER", "PROPAGAT", "SERVICE", "RESOURCE", "CONSOLE", "RATE"];
    let (traces, metrics, logs) = if is_one_of(&needs_none) {
        ("none", "none", "none")
    } else if is_one_of(&["PROMETHEUS"]) {
        ("none", "prometheus", "none")
    } else if is_one_of(&["METRIC"]) {
        ("none", "otlp", "none")
    } else if is_one_of(&["LOG", "BLRP"]) {
        ("none", "none", "otlp")
    } else if is_one_of(&["ZIPKIN"]) {
        ("zipkin", "none", "none")
    } else {
        ("otlp", "none", "none")
    };
    let endpoint = if is_one_of(&["CERTIFICATE", "KEY", "HTTPS", "https"]) {
        "https://127.0.0.1:9"
    } else if is_one_of(&["PROXY", "proxy"]) {
        "http://host.invalid:9"
    } else {
        ""
    };
    [
        ("OTEL_TRACES_EXPORTER", traces),
        ("OTEL_METRICS_EXPORTER", metrics),
        ("OTEL_LOGS_EXPORTER", logs),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
        ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "1"),
    ]
    .into_iter()
    .filter(|(name, value)| *name != variable && !value.is_empty())
    .filter(|(_, value)| {
        cfg!(any(feature = "tls", feature = "tls-ring")) || !value.starts_with("https")
    })
    .map(|(name, value)| (name, value.into()))
    .collect()
}

#[test]
fn no_secret_of_any_variable_is_shown() {
    let known = known();
    for variable in known.iter().map(String::as_str).chain(OTHERS.iter().copied()) {
        for value in secrets() {
            let mut variables = exporters(variable);
            variables.push((variable, value.clone()));
            let (said, error) = said(variables);
            assert!(!said.contains(SECRET), "{variable}={value:?}\n{said}");
            assert!(said.lines().all(|line| line.len() < 8000), "{variable}={value:?}");
            if let Some(error) = error {
                let message = error.to_string();
                assert!(message.contains(variable), "{variable}={value:?} {message}");
                assert!(message.len() < 1000 && !message.contains('\n'), "{message}");
            }
        }
    }
}
