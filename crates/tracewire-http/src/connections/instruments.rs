//! What is measured of connections, under a bounded number of series.

use super::{
    phase::Phase,
    setup::{Marks, Peer, SetupEnd, Shared, Times},
    wait::Wait,
};
use crate::{
    conventions as c,
    metrics::{DurationHistogram, Keeping, Sampled, SeriesLimit},
    outcome::ErrorType,
    settings::Resolved,
    values::{OTHER, limited_shared},
};
use opentelemetry::{
    Context, KeyValue, StringValue,
    metrics::{Histogram, Meter, UpDownCounter},
    trace::TraceContextExt,
};
use std::{
    borrow::Cow,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// The bucket boundaries of how long connections are open, in seconds.
const LIFETIME_BOUNDARIES: [f64; 14] =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// The instruments of connections.
#[derive(Debug)]
pub(crate) struct ConnectionInstruments {
    lookup: DurationHistogram,
    phase: DurationHistogram,
    queue: DurationHistogram,
    open: UpDownCounter<i64>,
    lifetime: Histogram<f64>,
}

impl ConnectionInstruments {
    pub(crate) fn new(meter: &Meter, keeping: Keeping<'_>) -> Self {
        let keeping = Keeping { boundaries: &c::DURATION_BOUNDARIES, ..keeping };
        let duration =
            |name, description| DurationHistogram::new(meter, (name, description), keeping);
        Self {
            lookup: duration(
                c::DNS_LOOKUP_DURATION,
                "Measures the time taken to perform a DNS lookup.",
            ),
            phase: duration(
                c::CONNECTION_PHASE_DURATION,
                "Duration of connecting and of TLS handshakes of HTTP clients.",
            ),
            queue: duration(
                c::HTTP_CLIENT_REQUEST_TIME_IN_QUEUE,
                "The time requests waited for an available connection.",
            ),
            open: meter
                .i64_up_down_counter(c::HTTP_CLIENT_OPEN_CONNECTIONS)
                .with_description(
                    "Number of outbound HTTP connections that are currently active or idle on the \
                     client.",
                )
                .with_unit("{connection}")
                .build(),
            lifetime: meter
                .f64_histogram(c::HTTP_CLIENT_CONNECTION_DURATION)
                .with_description(
                    "The duration of the successfully established outbound HTTP connections.",
                )
                .with_unit("s")
                .with_boundaries(LIFETIME_BOUNDARIES.to_vec())
                .build(),
        }
    }

    pub(super) fn lookup(
        &self,
        resolved: &Resolved,
        setup: Option<&Shared>,
        name: &str,
        took: Duration,
        error: Option<ErrorType>,
    ) {
        let error = error.map(ErrorType::as_str);
        let known =
            resolved.options.connection_series.admits(&["dns", name, error.unwrap_or_default()]);
        let name = if known { shown(name, resolved) } else { OTHER.into() };
        let mut attributes = vec![KeyValue::new(c::DNS_QUESTION_NAME, name)];
        attributes.extend(error.map(|error| KeyValue::new(c::ERROR_TYPE, error)));
        record(&self.lookup, resolved, setup.map(|setup| &setup.parent), took, &attributes);
    }

    /// Records how long it took to connect and to agree on TLS.
    pub(super) fn phases(
        &self,
        shared: &Shared,
        marks: &Marks,
        times: &Times,
        end: SetupEnd,
        failed: Option<Phase>,
    ) {
        let (peer, error) = match end {
            SetupEnd::Ready(peer) => (peer.address, None),
            SetupEnd::Failed(error) => (None, Some(error.as_str())),
            // Nobody knows how long it would have taken.
            SetupEnd::GivenUp => return,
        };
        for (phase, took) in times.spent(marks) {
            if phase == Phase::Dns {
                continue;
            }
            let error = error.filter(|_| failed == Some(phase));
            let salt = ["phase", phase.as_str(), error.unwrap_or_default()];
            let server = shared.server(marks, peer);
            let mut attributes = vec![KeyValue::new(c::CONNECTION_PHASE, phase.as_str())];
            attributes.extend(bounded_server(&shared.resolved, &salt, server));
            attributes.extend(error.map(|error| KeyValue::new(c::ERROR_TYPE, error)));
            record(&self.phase, &shared.resolved, Some(&shared.parent), took, &attributes);
        }
    }

    pub(super) fn queued(
        &self,
        resolved: &Resolved,
        wait: &Wait,
        context: &Context,
        took: Duration,
    ) {
        let method = wait.method.clone();
        let (host, port) = &wait.server;
        let server = Some(&**host).filter(|host| !host.is_empty());
        let server = server.map(|host| (shown(host, resolved), Some(*port)));
        let salt = ["queue", method.as_str(), wait.scheme.as_str()];
        let mut attributes: Vec<_> = bounded_server(resolved, &salt, server).collect();
        attributes.push(KeyValue::new(c::HTTP_REQUEST_METHOD, method));
        attributes.push(KeyValue::new(c::URL_SCHEME, wait.scheme.as_str()));
        record(&self.queue, resolved, Some(context), took, &attributes);
    }

    /// The attributes of an open connection, which are the same until it is closed.
    pub(super) fn connection(&self, shared: &Shared, peer: Peer) -> Vec<KeyValue> {
        let server = shared.server(&shared.marks(), peer.address);
        let version = peer.http2.then_some("2");
        // A series for each state.
        let salts = ["idle", "active"].map(|state| ["open", state, version.unwrap_or_default()]);
        let [idle, active] = salts.each_ref().map(|salt| {
            let attributes = bounded_server(&shared.resolved, salt, server.clone());
            attributes.collect::<Vec<_>>()
        });
        // Both states have a host, or none has.
        let mut attributes = if idle.len() < active.len() { idle } else { active };
        attributes
            .extend(version.map(|version| KeyValue::new(c::NETWORK_PROTOCOL_VERSION, version)));
        attributes
    }

    pub(super) fn open(&self, change: i64, state: &'static str, series: &[KeyValue]) {
        let mut attributes = Vec::with_capacity(4);
        attributes.push(KeyValue::new(c::HTTP_CONNECTION_STATE, state));
        attributes.extend_from_slice(series);
        self.open.add(change, &attributes);
    }

    pub(super) fn lifetime(&self, took: Duration, series: &[KeyValue]) {
        self.lifetime.record(took.as_secs_f64(), series);
    }
}

fn record(
    histogram: &DurationHistogram,
    resolved: &Resolved,
    context: Option<&Context>,
    took: Duration,
    attributes: &[KeyValue],
) {
    let span = context.filter(|_| histogram.has_exemplars()).map(|context| context.span());
    let span = span.as_ref().map(|span| span.span_context()).filter(|span| span.is_sampled());
    let sampled = span.map(|span| Sampled { span, time: resolved.options.clock.wall() });
    histogram.record(took.as_secs_f64(), attributes, sampled);
}

fn shown(text: &str, resolved: &Resolved) -> StringValue {
    limited_shared(Cow::Borrowed(text), resolved.options.value_limit)
}

/// `server.address` and `server.port`; past the limit of series only the first, as `_OTHER`.
fn bounded_server(
    resolved: &Resolved,
    salt: &[&str; 3],
    server: Option<(StringValue, Option<u16>)>,
) -> impl Iterator<Item = KeyValue> + use<> {
    let server = server.map(|(host, port)| {
        let [kind, first, second] = *salt;
        let number = port.map(|port| port.to_string()).unwrap_or_default();
        let known = resolved.options.connection_series.admits(&[
            kind,
            first,
            second,
            host.as_str(),
            &number,
        ]);
        if known { (host, port) } else { (OTHER.into(), None) }
    });
    let (host, port) = server.unzip();
    let host = host.map(|host| KeyValue::new(c::SERVER_ADDRESS, host));
    let port = port.flatten().map(|port| KeyValue::new(c::SERVER_PORT, i64::from(port)));
    host.into_iter().chain(port)
}

/// The series of all instruments of one layer's connections, of which the first have all attributes.
///
/// Redirects name hosts too, so digests are such that nobody can make two of them equal.
#[derive(Debug, Default)]
pub(crate) struct ConnectionSeries {
    limit: SeriesLimit,
    digests: RandomState,
}

impl ConnectionSeries {
    /// Whether the series with these words is known, or one of the first.
    fn admits(&self, words: &[&str]) -> bool {
        self.limit.admits(self.digests.hash_one(words))
    }
}
