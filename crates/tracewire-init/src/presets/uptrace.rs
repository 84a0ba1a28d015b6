//! Uptrace, by the variables of its clients.

use std::mem::take;

use opentelemetry_sdk::metrics::Temporality;
use tracewire_export::Compression;
use tracewire_export::wiring::Shown;
use url::Url;

use super::Context;
use super::unread::{self, Vendor};
use crate::builder::{HistogramAggregation, Metrics, Otlp, Uptrace};
use crate::error::InitError;
use crate::settings::{Given, Layer, Merge};
use crate::variables::{Reader, parse};

const DSN: &str = "UPTRACE_DSN";
const DISABLED: &str = "UPTRACE_DISABLED";

const VENDOR: Vendor = Vendor {
    prefix: "UPTRACE_",
    tracers: "Uptrace's clients",
    page: "docs/uptrace.md",
    of_others: &[],
    always_on: &[],
};

/// The DSN, `https://<token>@api.uptrace.dev?grpc=4317`, is address and credential in one.
pub(super) fn read(
    reader: &mut Reader<'_>,
    code: &mut Layer,
    context: &Context,
) -> Result<Layer, InitError> {
    let mut given = take(&mut code.uptrace);
    given.complete(Uptrace { dsn: reader.raw(DSN) }, reader.plan);
    let words = [("true", true), ("1", true), ("false", false), ("0", false)];
    let disabled = reader.read(DISABLED, parse::choice(&words)).filter(|given| given.value);
    unread::warn(reader, &VENDOR);
    if disabled.is_some() {
        return Ok(Layer { disabled, ..Layer::default() });
    }
    let Some(Given { value: dsn, origin }) = given.dsn else { return Ok(Layer::default()) };
    let url = parsed(&dsn).map_err(|why| {
        InitError::configuration(origin.name("Uptrace::dsn"), &Shown::nothing(), why)
    })?;
    let endpoint = endpoint(&url, context.is_grpc);
    Ok(Layer {
        otlp: Otlp {
            compression: Some(Given { value: Compression::Gzip, origin: origin.clone() }),
            ..context.send_to(endpoint, &[("uptrace-dsn", dsn)], &origin)
        },
        metrics: Metrics {
            temporality: Some(Given { value: Temporality::Delta, origin: origin.clone() }),
            histograms: Some(Given { value: HistogramAggregation::Base2Exponential, origin }),
            ..Metrics::default()
        },
        ..Layer::default()
    })
}

/// The DSN as a URL, or what is wrong with it: parts of it are a secret, so none is shown.
fn parsed(dsn: &str) -> Result<Url, &'static str> {
    const EXAMPLE: &str = "it must be a URL such as https://<token>@api.uptrace.dev?grpc=4317";
    let url = Url::parse(dsn).map_err(|_| EXAMPLE)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(EXAMPLE);
    }
    if dsn.contains("<token>") {
        return Err("in place of <token> it needs the token of a project, which Uptrace shows");
    }
    if url.username().is_empty() {
        return Err(
            "the token before the host is missing: https://<token>@api.uptrace.dev?grpc=4317",
        );
    }
    let grpc = url.query_pairs().find(|(key, _)| key == "grpc");
    let is_port = |port: &str| port.is_empty() || port.parse::<u16>().is_ok_and(|port| port > 0);
    if grpc.is_some_and(|(_, port)| !is_port(&port)) {
        return Err("the port behind `grpc=` must be a number from 1 to 65535");
    }
    Ok(url)
}

/// Where the DSN sends, by the rules of Uptrace's own clients: their cloud has one host, and its project may be
/// the path. Without `grpc` the port of gRPC is that of HTTP, and the old port 14317 of a server of one's own
/// is that of gRPC.
fn endpoint(dsn: &Url, is_grpc: bool) -> String {
    let host = dsn.host_str().unwrap_or_default();
    let is_cloud = matches!(host, "uptrace.dev" | "api.uptrace.dev");
    let host = if is_cloud { "api.uptrace.dev" } else { host };
    let grpc = dsn.query_pairs().find(|(key, _)| key == "grpc");
    let grpc: Option<u16> = grpc.and_then(|(_, port)| port.parse().ok());
    let port = match (is_grpc, dsn.port()) {
        (true, _) if is_cloud => Some(4317),
        (true, port) => grpc.or(port).or(dsn.port_or_known_default()),
        (false, _) if is_cloud => None,
        (false, Some(14317)) if grpc.is_none_or(|grpc| grpc == 14317) => Some(14318),
        (false, port) => port,
    };
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

    /// The addresses are those of uptrace-go 1.39 for the same DSNs, but for its port 80 or 443, which a
    /// scheme says already.
    #[test]
    fn addresses_follow_the_dsn() {
        for (dsn, http, grpc) in [
            (URL, "https://api.uptrace.dev", "https://api.uptrace.dev:4317"),
            (
                "https://t@api.uptrace.dev",
                "https://api.uptrace.dev",
                "https://api.uptrace.dev:4317",
            ),
            (
                "https://t@uptrace.dev/123",
                "https://api.uptrace.dev",
                "https://api.uptrace.dev:4317",
            ),
            (
                "http://t@localhost:14318?grpc=14317",
                "http://localhost:14318",
                "http://localhost:14317",
            ),
            ("http://t@localhost:14317/2", "http://localhost:14318", "http://localhost:14317"),
            ("http://t@localhost:80?grpc=4317", "http://localhost", "http://localhost:4317"),
            (
                "https://t@uptrace.example?grpc",
                "https://uptrace.example",
                "https://uptrace.example:443",
            ),
        ] {
            let dsn = parsed(dsn).unwrap();
            assert_eq!([endpoint(&dsn, false), endpoint(&dsn, true)], [http, grpc], "{dsn}");
        }
    }

    #[test]
    fn the_variable_that_disables_it_does_so_whatever_the_dsn() {
        for value in ["true", "1"] {
            let found = applied(read, &[(DISABLED, value), (DSN, "bad")]).unwrap();
            assert_eq!(found, map(&[("disabled", "true")]));
        }
        let found = applied(read, &[(DISABLED, "false"), (DSN, URL)]).unwrap();
        assert_eq!(found, applied(read, &[(DSN, URL)]).unwrap());
    }

    #[test]
    fn a_dsn_as_its_documentation_shows_it_is_an_error_that_says_what_to_put_there() {
        let dsn = "https://<token>@api.uptrace.dev?grpc=4317";
        let error = applied(read, &[(DSN, dsn)]).unwrap_err().to_string();
        assert!(error.contains("in place of <token>"), "{error}");
    }

    #[test]
    fn a_bad_dsn_is_an_error_that_does_not_show_it() {
        for bad in [
            "secret",
            "https://api.uptrace.dev",
            "ftp://secret@host",
            "://secret",
            "https://secret@host?grpc=secret",
            "https://secret@host?grpc=0",
            "https://secret@host:99999",
        ] {
            let error = applied(read, &[(DSN, bad)]).unwrap_err();
            assert!(error.is_configuration() && error.to_string().contains(DSN), "{error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}
