//! The Datadog Agent, at its ports for OTLP, by the variables of Datadog's tracers.

use opentelemetry_sdk::metrics::Temporality;
use tracewire_export::wiring::Shown;
use tracewire_text::host::LONGEST_NAME;
use url::{Host, Url};

use super::{Context, attributes, ratio};
use crate::builder::{Metrics, Otlp, Resource, Traces};
use crate::config::propagators::Formats;
use crate::error::InitError;
use crate::settings::{Given, Layer, Setting, from_variable};
use crate::variables::{Reader, map};

const AGENT: &str = "DD_TRACE_AGENT_URL";
const HOST: &str = "DD_AGENT_HOST";
const STYLE: &str = "DD_TRACE_PROPAGATION_STYLE";
const STYLE_EXTRACT: &str = "DD_TRACE_PROPAGATION_STYLE_EXTRACT";
const STYLE_INJECT: &str = "DD_TRACE_PROPAGATION_STYLE_INJECT";

pub(super) fn read(reader: &mut Reader<'_>, context: &Context) -> Result<Layer, InitError> {
    let (otlp, temporality) = match host(reader)? {
        None => (Otlp::default(), None),
        Some((host, from)) => {
            let port = if context.is_grpc { 4317 } else { 4318 };
            let otlp = context.send_to(format!("http://{host}:{port}"), &[], from);
            (otlp, from_variable(from, Temporality::Delta))
        }
    };
    let mut resource = attributes(reader, "DD_ENV", &["deployment.environment.name"]);
    resource.extend(attributes(reader, "DD_VERSION", &["service.version"]));
    Ok(Layer {
        otlp,
        metrics: Metrics { temporality, ..Metrics::default() },
        resource: Resource {
            service_name: reader.raw("DD_SERVICE"),
            attributes: resource,
            ..Resource::default()
        },
        traces: Traces { sampler: ratio(reader, "DD_TRACE_SAMPLE_RATE"), ..Traces::default() },
        propagators: styles(reader),
        ..Layer::default()
    })
}

/// The Agent's host, in brackets if it is an IPv6 address, and the variable that names it.
fn host(reader: &mut Reader<'_>) -> Result<Option<(String, &'static str)>, InitError> {
    let agent = reader.raw(AGENT).map(|given| given.value);
    let host = reader.raw(HOST).map(|given| given.value);
    if let Some(text) = agent {
        // The port is that of Datadog's own protocol.
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        return match url.as_ref().and_then(Url::host_str) {
            Some(host) => Ok(Some((host.to_owned(), AGENT))),
            None => Err(InitError::configuration(
                AGENT,
                &Shown::endpoint(&text),
                "it must be a URL such as http://localhost:8126; OTLP does not support Unix sockets",
            )),
        };
    }
    let Some(host) = host else { return Ok(None) };
    let bracketed =
        if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host };
    if bracketed.len() > LONGEST_NAME || Host::parse(&bracketed).is_err() {
        return Err(InitError::configuration(
            HOST,
            &Shown::endpoint(&bracketed),
            "it must be a host name or an IP address, without scheme and port",
        ));
    }
    Ok(Some((bracketed, HOST)))
}

/// `…_EXTRACT` and `…_INJECT` win over the style for both.
fn styles(reader: &mut Reader<'_>) -> Setting<Formats> {
    let mut style = |name| map(reader.raw(name), |style| standard(&style));
    let (both, extract, inject) = (style(STYLE), style(STYLE_EXTRACT), style(STYLE_INJECT));
    match extract.as_ref().or(inject.as_ref()) {
        None => map(both, Formats::Named),
        Some(Given { origin, .. }) => {
            let origin = origin.clone();
            let formats = Formats::Split {
                extract: extract.or_else(|| both.clone()),
                inject: inject.or(both),
            };
            Some(Given { value: formats, origin })
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
                ("attributes", "deployment.environment.name=prod,service.version=1.2"),
                ("endpoint", "http://10.0.0.1:4318"),
                ("formats", "datadog,b3,tracecontext"),
                ("name", "shop"),
                ("sampler", "parent based 0.1"),
                ("temporality", "Delta"),
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
        let error = applied(read, &[(AGENT, "unix:///var/run/datadog/apm.socket")]).unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains(AGENT), "{error}");
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
}
