//! Uptrace and Elastic's APM Server as back ends: what a collector in their place gets from a service
//! that is told about them by their own variables alone.

use crate::{
    http,
    lab::Lab,
    relay::expect,
    row::{Checks, System},
};
use opentelemetry::trace::SpanKind;
use tracewire_testing::{Collector, MetricKind, Received, Span};

pub(crate) const SYSTEMS: &[System] = &[
    System { name: "Elastic APM's contract for OTLP", check: elastic },
    System { name: "Uptrace's contract for OTLP", check: uptrace },
];

const PATHS: [&str; 2] = ["/v1/metrics", "/v1/traces"];
const GRPC_PATHS: [&str; 2] = [
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
];

/// Elastic's page on OTLP: the server's own address for HTTP and gRPC, and
/// `Authorization` with the secret token or the API key.
fn elastic(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    for (what, credential, expected) in [
        ("secret token", ("ELASTIC_APM_SECRET_TOKEN", "s3cret"), "Bearer s3cret"),
        ("API key", ("ELASTIC_APM_API_KEY", "VnVhQ2ZHY0JDZGJr"), "ApiKey VnVhQ2ZHY0JDZGJr"),
    ] {
        for (protocol, paths) in [("http/protobuf", PATHS), ("grpc", GRPC_PATHS)] {
            checks.check(&format!("{protocol} with {what}"), || {
                let collector = Collector::start();
                let requests = exercise(
                    lab,
                    &collector,
                    &[
                        ("ELASTIC_APM_SERVER_URL", &collector.endpoint()),
                        credential,
                        ("ELASTIC_APM_SERVICE_NAME", "shop"),
                        ("ELASTIC_APM_SERVICE_VERSION", "1.2.3"),
                        ("ELASTIC_APM_ENVIRONMENT", "staging"),
                        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                    ],
                )?;
                expect("paths", sorted_paths(&requests), paths.to_vec())?;
                for request in &requests {
                    has_header(request, "authorization", expected)?;
                }
                let server = collector.spans().of_kind(SpanKind::Server)[0].clone();
                for (key, value) in [
                    ("service.name", "shop"),
                    ("service.version", "1.2.3"),
                    ("deployment.environment", "staging"),
                    ("deployment.environment.name", "staging"),
                ] {
                    expect(key, resource(&server, key), Some(value.to_owned()))?;
                }
                Ok::<_, String>(())
            });
        }
    }
    Ok(())
}

/// Uptrace's page on OTLP: the DSN in the header `uptrace-dsn`, the port for gRPC in its query, and
/// the preferred metrics: delta, exponential histograms, compressed.
fn uptrace(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    for (protocol, paths) in [("http/protobuf", PATHS), ("grpc", GRPC_PATHS)] {
        checks.check(&format!("{protocol} by UPTRACE_DSN"), || {
            let (collector, other) = (Collector::start(), Collector::start());
            // The port in front is HTTP's, the one in the query gRPC's.
            let is_grpc = protocol == "grpc";
            let (http, grpc) = if is_grpc { (&other, &collector) } else { (&collector, &other) };
            let dsn = format!("http://t0ken@{}?grpc={}", http.address(), grpc.address().port());
            let requests = exercise(
                lab,
                &collector,
                &[
                    ("UPTRACE_DSN", dsn.as_str()),
                    ("OTEL_SERVICE_NAME", "shop"),
                    ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ],
            )?;
            expect("requests to the other port", other.requests().len(), 0)?;
            expect("paths", sorted_paths(&requests), paths.to_vec())?;
            let compression = if is_grpc { "grpc-encoding" } else { "content-encoding" };
            for request in &requests {
                has_header(request, "uptrace-dsn", &dsn)?;
                has_header(request, compression, "gzip")?;
            }
            let served = collector.metrics();
            let served = served.one("http.server.request.duration");
            expect("histogram", served.kind, MetricKind::ExponentialHistogram)
        });
    }
    Ok(())
}

/// Lets a service of ours call itself, and waits until it has sent everything.
fn exercise(
    lab: &Lab,
    collector: &Collector,
    environment: &[(&str, &str)],
) -> Result<Vec<Received>, String> {
    let ours = lab.ours(environment)?;
    http::get(&ours.relay(&format!("{}/users/1", ours.url())), &[])?;
    let said = ours.stop()?;
    expect("complaints of our service", said.as_str(), "")?;
    expect("spans", collector.spans().len(), 3)?;
    let requests = collector.requests();
    match requests.iter().find_map(|request| request.error.clone()) {
        None => Ok(requests),
        Some(error) => Err(error),
    }
}

fn sorted_paths(requests: &[Received]) -> Vec<&str> {
    let mut paths: Vec<_> = requests.iter().map(|request| request.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn has_header(request: &Received, name: &str, expected: &str) -> Result<(), String> {
    let value = request.headers.get(name).map(|value| value.to_str().unwrap_or("not text"));
    expect(&format!("{name} of {}", request.path), value, Some(expected))
}

fn resource(span: &Span, key: &str) -> Option<String> {
    let own = span.resource.iter().find(|own| own.key.as_str() == key);
    own.map(|own| own.value.to_string())
}
