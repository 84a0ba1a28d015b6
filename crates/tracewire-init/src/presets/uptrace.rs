//! Uptrace, by `UPTRACE_DSN`.

use opentelemetry_sdk::metrics::Temporality;
use tracewire_export::Compression;
use tracewire_export::wiring::Shown;
use url::Url;

use super::Context;
use crate::builder::{HistogramAggregation, Metrics, Otlp};
use crate::error::InitError;
use crate::settings::{Layer, from_variable};
use crate::variables::Reader;

const DSN: &str = "UPTRACE_DSN";

/// The DSN, `https://<token>@api.uptrace.dev?grpc=4317`, is address and credential in one.
pub(super) fn read(reader: &mut Reader<'_>, context: &Context) -> Result<Layer, InitError> {
    let Some(dsn) = reader.raw(DSN).map(|given| given.value) else { return Ok(Layer::default()) };
    let usable = Url::parse(&dsn).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && !url.username().is_empty()
    });
    let Some(url) = usable else {
        return Err(InitError::configuration(
            DSN,
            &Shown::nothing(),
            "it must be a URL such as https://<token>@api.uptrace.dev",
        ));
    };
    let endpoint = endpoint(&url, context.is_grpc);
    Ok(Layer {
        otlp: Otlp {
            compression: from_variable(DSN, Compression::Gzip),
            ..context.send_to(endpoint, &[("uptrace-dsn", dsn)], DSN)
        },
        metrics: Metrics {
            temporality: from_variable(DSN, Temporality::Delta),
            histograms: from_variable(DSN, HistogramAggregation::Base2Exponential),
            ..Metrics::default()
        },
        ..Layer::default()
    })
}

fn endpoint(dsn: &Url, is_grpc: bool) -> String {
    // Older ones name the site, with the project as the path.
    let host = match dsn.host_str().unwrap_or_default() {
        "uptrace.dev" => "api.uptrace.dev",
        host => host,
    };
    let grpc = dsn.query_pairs().find(|(key, _)| key == "grpc");
    let grpc = grpc.and_then(|(_, port)| port.parse().ok()).unwrap_or(4317);
    let port: Option<u16> = if is_grpc { Some(grpc) } else { dsn.port() };
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{host}{port}", dsn.scheme())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{applied, map};
    use super::*;

    const URL: &str = "https://token@api.uptrace.dev?grpc=4317";

    #[test]
    fn the_dsn_is_address_and_credential() {
        assert_eq!(
            applied(read, &[(DSN, URL)]).unwrap(),
            map(&[
                ("compression", "Gzip"),
                ("endpoint", "https://api.uptrace.dev"),
                ("headers", "uptrace-dsn=https://token@api.uptrace.dev?grpc=4317"),
                ("histograms", "Base2Exponential"),
                ("temporality", "Delta"),
            ])
        );
    }

    #[test]
    fn no_credential_goes_to_another_endpoint() {
        for variable in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] {
            let found = applied(read, &[(DSN, URL), (variable, "http://other:4318")]).unwrap();
            assert_eq!(found.get("headers"), None, "{variable}");
        }
    }

    #[test]
    fn addresses_follow_the_dsn() {
        for (dsn, is_grpc, expected) in [
            ("https://t@uptrace.dev/123", false, "https://api.uptrace.dev"),
            ("http://t@localhost:14318?grpc=14317", false, "http://localhost:14318"),
            ("http://t@localhost:14318?grpc=14317", true, "http://localhost:14317"),
            ("https://t@api.uptrace.dev", true, "https://api.uptrace.dev:4317"),
        ] {
            assert_eq!(endpoint(&Url::parse(dsn).unwrap(), is_grpc), expected, "{dsn}");
        }
    }

    #[test]
    fn a_bad_dsn_is_an_error_that_does_not_show_it() {
        for bad in ["secret", "https://api.uptrace.dev", "ftp://secret@host", "://secret"] {
            let error = applied(read, &[(DSN, bad)]).unwrap_err();
            assert!(error.is_configuration() && error.to_string().contains(DSN), "{error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}
