//! What the instruments are given, from the same facts as the span.

use super::{Record, series::Labels};
#[cfg(feature = "bound-instruments")]
use crate::metrics::{Instruments, Series};
use crate::{conventions as c, grpc::GRPC, metrics::Sampled};
use arrayvec::ArrayVec;
use opentelemetry::{KeyValue, StringValue, trace::TraceContextExt};
use std::time::Duration;

impl Record {
    /// Counts the exchange as active.
    ///
    /// The gauge goes down with exactly what it went up with, or its series would split.
    pub(super) fn count_active(&self, change: i64) {
        if let Some(active_requests) = &self.resolved.instruments.active_requests {
            active_requests.add(change, &self.active_attributes());
        }
    }

    /// Records how long it took, under the conventions' attributes and those that were added.
    ///
    /// `elapsed` is how long the exchange has been under way now, which is when it is measured.
    pub(super) fn measure_duration(
        &self,
        took: Duration,
        elapsed: Duration,
        error: Option<StringValue>,
    ) {
        let seconds = took.as_secs_f64();
        let is_kept = self.recording && self.resolved.instruments.duration.has_exemplars();
        let span = is_kept.then(|| self.context.span());
        let span = span.as_ref().map(|span| span.span_context()).filter(|span| span.is_sampled());
        let sampled = span.map(|span| Sampled { span, time: self.started_at + elapsed });
        let instruments = &self.resolved.instruments;
        let mut labels = self.exact_labels(error);
        #[cfg(feature = "bound-instruments")]
        if let Instruments { duration, bound_durations: Some(bound), .. } = instruments
            && self.rpc.is_none()
            && self.metric_attributes.is_empty()
        {
            let series = (labels.digest, &self.series(&labels));
            let attributes = || self.duration_attributes(&labels);
            let admit = || self.options().series.admits(labels.digest);
            if bound.record(seconds, duration, series, attributes, sampled, admit) {
                return;
            }
        }
        self.limit(&mut labels);
        let duration = match (&self.rpc, &instruments.rpc_duration) {
            (Some(_), Some(duration)) => duration,
            _ => &instruments.duration,
        };
        self.with_attributes(&labels, |all| duration.record(seconds, all, sampled));
    }

    #[cfg(feature = "bound-instruments")]
    fn series<'a>(&'a self, labels: &'a Labels) -> Series<&'a StringValue> {
        Series {
            method: &labels.method,
            scheme: self.scheme,
            version: labels.version,
            server: self.server.as_ref().map(|(host, port)| (host, *port)),
            route: self.route.as_ref().map(|route| &route.template),
            synthetic: labels.synthetic,
            status: labels.status,
            error: labels.error.as_ref(),
        }
    }

    /// Records how large the bodies were, under the attributes of the duration. Those of calls over gRPC
    /// are not measured: the conventions have metrics for bodies of HTTP alone.
    pub(super) fn measure_bodies(&self, error: Option<StringValue>) {
        if self.rpc.is_some() {
            return;
        }
        let Some(sizes) = &self.resolved.instruments.body_sizes else { return };
        let mut labels = self.exact_labels(error);
        self.limit(&mut labels);
        self.with_attributes(&labels, |all| {
            if let Some(size) = self.request_size {
                sizes.request.record(size as f64, all);
            }
            if let Some(size) = self.response_size {
                sizes.response.record(size as f64, all);
            }
        });
    }

    /// Runs `record` with the conventions' attributes and those that were added.
    fn with_attributes(&self, labels: &Labels, record: impl FnOnce(&[KeyValue])) {
        let own = match &self.rpc {
            Some(_) => self.rpc_attributes(labels),
            None => self.duration_attributes(labels),
        };
        if self.metric_attributes.is_empty() {
            record(&own);
        } else {
            record(&[&*own, &*self.metric_attributes].concat());
        }
    }

    fn active_attributes(&self) -> ArrayVec<KeyValue, 4> {
        let mut attributes = ArrayVec::new();
        attributes.push(KeyValue::new(c::HTTP_REQUEST_METHOD, self.method.clone()));
        attributes.push(KeyValue::new(c::URL_SCHEME, self.scheme.as_str()));
        if let Some((host, port)) = &self.server {
            attributes.push(KeyValue::new(c::SERVER_ADDRESS, host.clone()));
            attributes.push(KeyValue::new(c::SERVER_PORT, i64::from(*port)));
        }
        attributes
    }

    fn duration_attributes(&self, labels: &Labels) -> ArrayVec<KeyValue, 8> {
        let mut attributes = ArrayVec::new();
        attributes.push(KeyValue::new(c::HTTP_REQUEST_METHOD, labels.method.clone()));
        match &self.server {
            None => attributes.push(KeyValue::new(c::URL_SCHEME, self.scheme.as_str())),
            Some((host, port)) => {
                attributes.push(KeyValue::new(c::SERVER_ADDRESS, host.clone()));
                attributes.push(KeyValue::new(c::SERVER_PORT, i64::from(*port)));
            }
        }
        if let Some(route) = &self.route {
            attributes.push(KeyValue::new(c::HTTP_ROUTE, route.template.clone()));
        }
        if let Some(status) = labels.status {
            attributes.push(KeyValue::new(c::HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
        }
        if let Some(error) = &labels.error {
            attributes.push(KeyValue::new(c::ERROR_TYPE, error.clone()));
        }
        if let Some(version) = labels.version {
            attributes.push(KeyValue::new(c::NETWORK_PROTOCOL_VERSION, version));
        }
        if let Some(kind) = labels.synthetic {
            attributes.push(KeyValue::new(c::USER_AGENT_SYNTHETIC_TYPE, kind));
        }
        attributes
    }

    fn rpc_attributes(&self, labels: &Labels) -> ArrayVec<KeyValue, 8> {
        let mut attributes = ArrayVec::new();
        attributes.push(KeyValue::new(c::RPC_SYSTEM_NAME, GRPC));
        if let Some(call) = &self.rpc {
            attributes.push(KeyValue::new(c::RPC_METHOD, labels.method.clone()));
            if let Some(status) = call.status {
                attributes.push(KeyValue::new(c::RPC_RESPONSE_STATUS_CODE, status.name()));
            }
        }
        if let Some(error) = &labels.error {
            attributes.push(KeyValue::new(c::ERROR_TYPE, error.clone()));
        }
        if let Some((host, port)) = &self.server {
            attributes.push(KeyValue::new(c::SERVER_ADDRESS, host.clone()));
            attributes.push(KeyValue::new(c::SERVER_PORT, i64::from(*port)));
        }
        attributes
    }
}
