//! The spans of a setup, made when it is over: their times are known by then.

use super::{
    phase::Phase,
    setup::{LookupMark, Marks, SetupEnd, Shared, Times},
};
use crate::{
    conventions as c,
    outcome::ErrorType,
    values::{address, limited_shared},
};
use opentelemetry::{
    Array, Context, KeyValue, StringValue, Value,
    trace::{Link, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt},
};
use std::{borrow::Cow, net::SocketAddr, time::SystemTime};
use tracewire_propagation::providers::AnyTracer;

/// A span that is over.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) interval: (SystemTime, SystemTime),
    pub(super) attributes: Vec<KeyValue>,
    pub(super) error: Option<ErrorType>,
    pub(super) link: Option<SpanContext>,
}

impl Part {
    /// Records it below the span of `parent`. Returns the context with it.
    pub(super) fn record(self, tracer: &dyn AnyTracer, parent: &Context) -> Context {
        let Self { name, interval: (start, end), mut attributes, error, link } = self;
        attributes.extend(error.map(|error| KeyValue::new(c::ERROR_TYPE, error.as_str())));
        let mut builder = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Internal)
            .with_start_time(start)
            .with_attributes(attributes);
        builder.links = link.map(|other| vec![Link::with_context(other)]);
        let (context, _) = tracer.start(builder, parent);
        let span = context.span();
        if error.is_some() {
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(end);
        context
    }
}

/// Records the setup as a span below the call's, and its phases below that.
pub(super) fn setup(
    shared: &Shared,
    marks: &Marks,
    times: &Times,
    end: SetupEnd,
    failed: Option<Phase>,
) -> Option<SpanContext> {
    let tracer = &**shared.resolved.tracer.as_ref()?;
    let (peer, error) = match end {
        SetupEnd::Ready(peer) => (peer, None),
        SetupEnd::Failed(error) => (Default::default(), Some(error)),
        SetupEnd::GivenUp => Default::default(),
    };
    let error_in = |phase| error.filter(|_| failed == Some(phase));
    let wall = |(from, to)| (shared.wall(from), shared.wall(to));
    let part = |name, interval, attributes, error| Part {
        name,
        interval: wall(interval),
        attributes,
        error,
        link: None,
    };
    let mut attributes = server(shared, marks, peer.address);
    attributes.extend(network_peer(peer.address));
    if peer.http2 {
        attributes.push(KeyValue::new(c::NETWORK_PROTOCOL_VERSION, "2"));
    }
    let whole = part("HTTP connection_setup", (shared.started, times.ended), attributes, error);
    let context = whole.record(tracer, &shared.parent);
    for lookup in &marks.lookups {
        let interval = (lookup.began, lookup.ended.unwrap_or(times.ended));
        part("DNS lookup", interval, dns(shared, lookup), lookup.error).record(tracer, &context);
    }
    if let Some(interval) = times.connect {
        let attributes = network_peer(peer.address).collect();
        part("socket connect", interval, attributes, error_in(Phase::Connect))
            .record(tracer, &context);
    }
    if let Some(interval) = times.tls {
        let attributes = server(shared, marks, peer.address);
        part("TLS client handshake", interval, attributes, error_in(Phase::Tls))
            .record(tracer, &context);
    }
    Some(context.span().span_context().clone())
}

fn dns(shared: &Shared, lookup: &LookupMark) -> Vec<KeyValue> {
    let limit = shared.resolved.options.value_limit;
    let name = limited_shared(Cow::Borrowed(&lookup.name), limit);
    let mut attributes = vec![KeyValue::new(c::DNS_QUESTION_NAME, name)];
    if !lookup.answers.is_empty() {
        let answers = lookup.answers.iter().map(|answer| address(answer.ip()));
        let answers: Vec<StringValue> = answers.collect();
        attributes.push(KeyValue::new(c::DNS_ANSWERS, Value::Array(Array::String(answers))));
    }
    attributes
}

/// `server.address` and `server.port`, which errors of the setup leave unknown for IP addresses.
fn server(shared: &Shared, marks: &Marks, peer: Option<SocketAddr>) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(6);
    if let Some((host, port)) = shared.server(marks, peer) {
        attributes.push(KeyValue::new(c::SERVER_ADDRESS, host));
        attributes.extend(port.map(|port| KeyValue::new(c::SERVER_PORT, i64::from(port))));
    }
    attributes
}

fn network_peer(peer: Option<SocketAddr>) -> impl Iterator<Item = KeyValue> {
    let attributes = peer.map(|peer| {
        [
            KeyValue::new(c::NETWORK_PEER_ADDRESS, address(peer.ip())),
            KeyValue::new(c::NETWORK_PEER_PORT, i64::from(peer.port())),
        ]
    });
    attributes.into_iter().flatten()
}
