//! No variable's value comes out where it may be a secret: every variable that is read, beside every
//! way to get its value wrong.

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Debug;

use crate::env::Env;
use crate::error::InitError;
use crate::setup::{self, Settings};
use crate::{Telemetry, misspelled, propagation};

/// Part of every value below.
const SECRET: &str = "hunter2QQ";

/// Variables that are not OpenTelemetry's or this crate's own.
const OTHERS: &[&str] = &[
    "RUST_LOG",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "UPTRACE_DSN",
    "ELASTIC_APM_SERVER_URL",
    "ELASTIC_APM_SECRET_TOKEN",
    "ELASTIC_APM_API_KEY",
    "ELASTIC_APM_SERVICE_NAME",
    "ELASTIC_APM_SERVICE_VERSION",
    "ELASTIC_APM_ENVIRONMENT",
    "ELASTIC_APM_TRANSACTION_SAMPLE_RATE",
    "DD_TRACE_AGENT_URL",
    "DD_AGENT_HOST",
    "DD_SERVICE",
    "DD_ENV",
    "DD_VERSION",
    "DD_TRACE_SAMPLE_RATE",
    "DD_TRACE_PROPAGATION_STYLE",
    "DD_TRACE_PROPAGATION_STYLE_EXTRACT",
    "DD_TRACE_PROPAGATION_STYLE_INJECT",
    "DD_API_KEY",
    "OTEL_EXPORTER_JAEGER_ENDPOINT",
    // A name with a letter too many.
    "OTEL_EXPORTER_OTLP_HEADERSS",
];

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
const EXPORTED: [&str; 8] = [
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "ELASTIC_APM_SERVICE_NAME",
    "ELASTIC_APM_SERVICE_VERSION",
    "ELASTIC_APM_ENVIRONMENT",
    "DD_SERVICE",
    "DD_ENV",
    "DD_VERSION",
];

/// Everything that may be read of a start with these variables, and its error.
fn said(variables: Vec<(&str, OsString)>) -> (String, Option<InitError>) {
    fn started(env: &mut Env) -> Result<Telemetry, InitError> {
        #[cfg(feature = "__presets")]
        crate::presets::apply(env, &crate::otlp::Settings::default())?;
        propagation::choose(env, None)?;
        setup::run(env, Settings::default()).map(Telemetry::new)
    }
    let is_exported = variables.iter().any(|(name, _)| EXPORTED.contains(name));
    let mut env = Env::of_os(variables);
    let started = started(&mut env);
    let mut said = env.take_warnings();
    said.extend(env.take_decisions().iter().map(ToString::to_string));
    let debug: &dyn Debug = &env;
    said.push(format!("{debug:?}"));
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
    let known = misspelled::known();
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

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_names_its_variable_and_what_is_allowed() {
    use std::os::unix::ffi::OsStringExt;
    for variable in ["OTEL_EXPORTER_OTLP_HEADERS", "HTTP_PROXY", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
        let env = Env::of_os([(variable, OsString::from_vec(b"\xffhunter2QQ".to_vec()))]);
        assert_eq!(env.text(variable), None);
        assert_eq!(
            env.take_warnings(),
            [format!("{variable} is ignored: its value (not shown) must be UTF-8")]
        );
    }
}
