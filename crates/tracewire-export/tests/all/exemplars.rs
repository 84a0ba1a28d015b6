//! Exemplars over each protocol of OTLP.

use std::time::SystemTime;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use prost::Message;
use tracewire_export::{Exemplars, Exports, MetricExporter, OtlpExporter, Protocol};
use tracewire_testing::Collector;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// The bodies that arrived, understood or not, of one measurement with an exemplar.
fn bodies(protocol: Protocol, path: &str) -> Vec<Vec<u8>> {
    let (collector, exports, exemplars) = (Collector::start(), Exports::new(), Exemplars::new());
    let mut otlp = OtlpExporter::new(format!("{}{path}", collector.endpoint()));
    otlp.protocol = protocol;
    let exporter = MetricExporter::otlp(&exports, otlp).unwrap().exemplars(&exemplars);
    let provider =
        SdkMeterProvider::builder().with_reader(PeriodicReader::builder(exporter).build()).build();
    let scope = InstrumentationScope::builder("shop").build();
    let attributes = [KeyValue::new("payment", "card")];
    let histogram = provider.meter_with_scope(scope.clone()).f64_histogram("duration").build();
    let (trace, span) = (TraceId::from_hex(TRACE).unwrap(), SpanId::from_hex(SPAN).unwrap());
    let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE);
    exemplars.instrument(&scope, "duration", &[]).offer(0.5, &attributes, &span, SystemTime::now());
    histogram.record(0.5, &attributes);
    provider.shutdown().unwrap();
    collector.requests().into_iter().map(|request| request.body.to_vec()).collect()
}

fn assert_has_exemplar(request: ExportMetricsServiceRequest) {
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    let Some(Data::Histogram(histogram)) = &metric.data else { panic!("{metric:?}") };
    let [exemplar] = &*histogram.data_points[0].exemplars else { panic!("{histogram:?}") };
    assert_eq!(exemplar.trace_id, TraceId::from_hex(TRACE).unwrap().to_bytes());
    assert_eq!(exemplar.span_id, SpanId::from_hex(SPAN).unwrap().to_bytes());
}

#[test]
fn protobuf_has_exemplars() {
    let bodies = bodies(Protocol::HttpProtobuf, "/v1/metrics");
    assert_has_exemplar(ExportMetricsServiceRequest::decode(&*bodies[0]).unwrap());
}

#[cfg(feature = "otlp-grpc")]
#[test]
fn grpc_has_exemplars() {
    let bodies = bodies(Protocol::Grpc, "");
    let message = &bodies[0][5..]; // behind the flag and the length
    assert_has_exemplar(ExportMetricsServiceRequest::decode(message).unwrap());
}

#[cfg(feature = "otlp-json")]
#[test]
fn json_has_exemplars_with_ids_in_hex() {
    let bodies = bodies(Protocol::HttpJson, "/v1/metrics");
    let json: serde_json::Value = serde_json::from_slice(&bodies[0]).unwrap();
    let metric = &json["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
    let exemplar = &metric["histogram"]["dataPoints"][0]["exemplars"][0];
    assert_eq!(exemplar["traceId"], TRACE);
    assert_eq!(exemplar["spanId"], SPAN);
    assert_eq!(exemplar["asDouble"], 0.5);
    assert!(exemplar["timeUnixNano"].is_string(), "{exemplar}");
}
