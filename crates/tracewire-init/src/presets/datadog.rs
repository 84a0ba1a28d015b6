//! The Datadog Agent, at its ports for OTLP, by the variables of Datadog's tracers.

use tracewire_text::host::LONGEST_NAME;
use url::{Host, Url};

use super::Table;
use crate::error::InitError;
use crate::propagation::{EXTRACT, INJECT};
use tracewire_export::wiring::Shown;

const AGENT: &str = "DD_TRACE_AGENT_URL";
const HOST: &str = "DD_AGENT_HOST";
const STYLE: &str = "DD_TRACE_PROPAGATION_STYLE";
const STYLE_EXTRACT: &str = "DD_TRACE_PROPAGATION_STYLE_EXTRACT";
const STYLE_INJECT: &str = "DD_TRACE_PROPAGATION_STYLE_INJECT";

pub(super) fn apply(table: &mut Table<'_>) -> Result<(), InitError> {
    if let Some((host, from)) = host(table)? {
        let port = if table.is_grpc() { 4317 } else { 4318 };
        table.send_to(format!("http://{host}:{port}"), &[], from);
        table.set("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta", from);
    }
    table.copy("OTEL_SERVICE_NAME", "DD_SERVICE");
    for (from, key) in
        [("DD_ENV", "deployment.environment.name"), ("DD_VERSION", "service.version")]
    {
        if let Some(value) = table.text(from) {
            table.resource(&[(key, value)], from);
        }
    }
    table.sample("DD_TRACE_SAMPLE_RATE");
    styles(table);
    Ok(())
}

/// The Agent's host, in brackets if it is an IPv6 address, and the variable that names it.
fn host(table: &Table<'_>) -> Result<Option<(String, &'static str)>, InitError> {
    if let Some(text) = table.text(AGENT) {
        // The port is that of Datadog's own protocol.
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        return match url.as_ref().and_then(Url::host_str) {
            Some(host) => Ok(Some((host.to_owned(), AGENT))),
            None => Err(InitError::configuration(
                AGENT,
                &Shown::endpoint(&text),
                "it must be a URL such as http://localhost:8126; OTLP has no Unix sockets",
            )),
        };
    }
    let Some(host) = table.text(HOST) else { return Ok(None) };
    let bracketed =
        if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host };
    if bracketed.len() > LONGEST_NAME || Host::parse(&bracketed).is_err() {
        return Err(InitError::configuration(
            HOST,
            &Shown::endpoint(&bracketed),
            "it must be the name or the address of a host, without scheme and port",
        ));
    }
    Ok(Some((bracketed, HOST)))
}

/// `…_EXTRACT` and `…_INJECT` win over the style for both.
fn styles(table: &mut Table<'_>) {
    if table.text("OTEL_PROPAGATORS").is_some() {
        return;
    }
    if let Some(style) = table.text(STYLE) {
        table.set("OTEL_PROPAGATORS", standard(&style), STYLE);
    }
    for (name, from) in [(EXTRACT, STYLE_EXTRACT), (INJECT, STYLE_INJECT)] {
        if let Some(style) = table.text(from) {
            table.set(name, standard(&style), from);
        }
    }
}

/// Datadog's names of styles as names of propagators.
fn standard(style: &str) -> String {
    let words = style.split(',').map(|word| match word.trim().to_ascii_lowercase().as_str() {
        "b3 single header" | "b3single" => "b3".to_owned(),
        word => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{applied, map};
    use super::*;

    #[test]
    fn the_tracers_variables_stand_for_the_standard_ones() {
        assert_eq!(
            applied(&[
                (HOST, "10.0.0.1"),
                ("DD_SERVICE", "shop"),
                ("DD_ENV", "prod"),
                ("DD_VERSION", "1.2"),
                ("DD_TRACE_SAMPLE_RATE", "0.1"),
                (STYLE, "Datadog, b3 single header,tracecontext"),
            ])
            .unwrap(),
            map(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://10.0.0.1:4318"),
                ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
                ("OTEL_PROPAGATORS", "datadog,b3,tracecontext"),
                (
                    "OTEL_RESOURCE_ATTRIBUTES",
                    "service.version=1.2,deployment.environment.name=prod"
                ),
                ("OTEL_SERVICE_NAME", "shop"),
                ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", "0.1"),
            ])
        );
    }

    #[test]
    fn the_agents_host_is_that_of_its_url_or_its_name() {
        const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        for (variables, expected) in [
            (&[(AGENT, "http://agent:8126"), (HOST, "other")][..], "http://agent:4318"),
            (&[(AGENT, "https://[::1]:8126")], "http://[::1]:4318"),
            (&[(HOST, "::1")], "http://[::1]:4318"),
            (&[(HOST, "agent"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "http://agent:4317"),
        ] {
            assert_eq!(applied(variables).unwrap()[ENDPOINT], expected, "{variables:?}");
        }
        let error = applied(&[(AGENT, "unix:///var/run/datadog/apm.socket")]).unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains(AGENT), "{error}");
        for host in ["http://agent", "agent:8126", "user:secret@agent", "agent/?token=secret"] {
            let error = applied(&[(HOST, host)]).unwrap_err();
            assert!(error.is_configuration() && error.to_string().contains(HOST), "{error}");
            assert!(!format!("{error}{error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_standard_variable_wins_over_styles() {
        let variables = [(STYLE, "datadog"), ("OTEL_PROPAGATORS", "tracecontext")];
        assert_eq!(applied(&variables).unwrap()["OTEL_PROPAGATORS"], "tracecontext");
    }
}
