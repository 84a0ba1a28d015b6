//! One connection that is being set up: what is known of it, and the end of it.

use super::{
    Connections,
    call::Call,
    open::OpenConnection,
    phase::{Phase, Spent},
    spans,
};
use crate::{
    outcome::ErrorType,
    settings::Resolved,
    values::{address, limited_shared},
};
use opentelemetry::{Context, StringValue, trace::SpanContext};
use std::{
    borrow::Cow,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};
use tracewire_propagation::current;

/// How many lookups of one setup are kept. A proxy is one more than the host itself.
const MOST_LOOKUPS: usize = 4;

/// What a connection leads to, as far as that is known when it is set up.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The host, without brackets.
    pub host: Option<Arc<str>>,
    /// The port.
    pub port: Option<u16>,
    /// Whether what follows connecting is a TLS handshake.
    pub secure: bool,
}

/// What is known of a connection once it is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peer {
    /// The other end of the socket.
    pub address: Option<SocketAddr>,
    /// Whether HTTP/2 was negotiated with TLS.
    pub http2: bool,
}

/// A connection that is being set up, from the first look at its host to the end of TLS.
///
/// Dropping it before its end means that nobody waits for it any more.
///
/// ```
/// use std::sync::Arc;
/// use tracewire_http::wiring::{ClientSettings, Connections, Peer, Setup, Target};
///
/// let connections = Connections::new(Arc::new(ClientSettings::new("my-client", "1.0.0")));
/// let target = Target { host: Some("shop.example".into()), port: Some(443), secure: true };
/// if let Some(setup) = Setup::begin(&connections, target) {
///     // … connect, with `setup.context()` attached …
///     let peer = Peer { address: Some(([192, 0, 2, 7], 443).into()), http2: true };
///     let awaited = setup.is_awaited();
///     let open = setup.succeed(peer, awaited).open(); // until it is dropped
///     let in_use = open.handle().in_use(); // likewise
/// }
/// ```
#[derive(Debug)]
pub struct Setup {
    shared: Arc<Shared>,
    context: Context,
    over: bool,
}

/// What the hooks inside a setup share, in the context that it runs in.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) resolved: Arc<Resolved>,
    pub(super) call: Option<Call>,
    /// The context of the call.
    pub(super) parent: Context,
    pub(super) started: Instant,
    started_at: SystemTime,
    pub(super) target: Target,
    marks: Mutex<Marks>,
}

#[derive(Debug)]
pub(super) struct InSetup(pub(super) Arc<Shared>);

/// When what happened.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) lookups: Vec<LookupMark>,
    pub(super) connected: Option<Instant>,
    pub(super) handshake: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct LookupMark {
    pub(super) name: Arc<str>,
    pub(super) began: Instant,
    pub(super) ended: Option<Instant>,
    pub(super) answers: Vec<SocketAddr>,
    pub(super) error: Option<ErrorType>,
}

/// How a setup ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum SetupEnd {
    Ready(Peer),
    Failed(ErrorType),
    /// Nobody waits for it any more.
    GivenUp,
}

/// A connection that is there.
#[derive(Debug)]
pub struct Established {
    shared: Arc<Shared>,
    peer: Peer,
    span: Option<SpanContext>,
}

impl Setup {
    /// Begins a setup inside the current context; none where telemetry is suppressed.
    pub fn begin(connections: &Connections, target: Target) -> Option<Self> {
        let parent = current::get();
        if parent.is_telemetry_suppressed() {
            return None;
        }
        let resolved = connections.resolved();
        let clock = &resolved.options.clock;
        let shared = Arc::new(Shared {
            call: Call::of(&parent),
            started: clock.now(),
            started_at: clock.wall(),
            parent,
            target,
            marks: Mutex::default(),
            resolved,
        });
        let context = shared.parent.with_value(InSetup(shared.clone()));
        Some(Self { shared, context, over: false })
    }

    /// The context to attach to whatever sets the connection up.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Whether the caller runs inside the call that needs the connection. A pool that found another
    /// one in the meantime leaves the setup to continue in the background.
    pub fn is_awaited(&self) -> bool {
        self.shared.call.as_ref().is_some_and(Call::is_current)
    }

    /// Ends the setup: the connection is there. `awaited` is [what it was](Self::is_awaited) outside
    /// the setup's own context.
    pub fn succeed(mut self, peer: Peer, awaited: bool) -> Established {
        let span = self.end(SetupEnd::Ready(peer), awaited);
        Established { shared: self.shared.clone(), peer, span }
    }

    /// Ends the setup: it failed.
    pub fn fail(mut self, error: ErrorType, awaited: bool) {
        self.end(SetupEnd::Failed(error), awaited);
    }

    fn end(&mut self, end: SetupEnd, awaited: bool) -> Option<SpanContext> {
        self.over = true;
        let span = Mutex::new(None);
        // Meters and span processors are other people's code.
        current::finish(|| {
            let ended = self.shared.end(end, awaited);
            *span.lock().unwrap_or_else(PoisonError::into_inner) = ended;
        });
        span.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        if !self.over {
            let awaited = self.is_awaited();
            self.end(SetupEnd::GivenUp, awaited);
        }
    }
}

impl Established {
    /// Counts the connection as open, until what is returned is closed.
    pub fn open(self) -> OpenConnection {
        let Self { shared, peer, span } = self;
        OpenConnection::new(&shared, peer, span)
    }
}

/// Notes that the connection which is set up in the current context is connected, and that only TLS
/// may follow. The last note counts.
pub fn connected() {
    mark(|marks| &mut marks.connected);
}

/// Notes that a TLS handshake begins on the connection which is set up in the current context. The
/// last note counts: the one before it was the handshake with a proxy.
pub fn handshake_begins() {
    mark(|marks| &mut marks.handshake);
}

fn mark(which: impl FnOnce(&mut Marks) -> &mut Option<Instant>) {
    if let Some(shared) = Shared::current() {
        let now = shared.now();
        *which(&mut shared.marks()) = Some(now);
    }
}

impl Shared {
    pub(super) fn current() -> Option<Arc<Self>> {
        current::with(|context| context.get::<InSetup>().map(|setup| setup.0.clone()))
    }

    pub(super) fn now(&self) -> Instant {
        self.resolved.options.clock.now()
    }

    /// The same moment by the clock on the wall.
    pub(super) fn wall(&self, moment: Instant) -> SystemTime {
        self.started_at + moment.saturating_duration_since(self.started)
    }

    pub(super) fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the beginning of a lookup. Returns its place; none where there were too many.
    pub(super) fn add_lookup(&self, name: &Arc<str>, began: Instant) -> Option<usize> {
        let mut marks = self.marks();
        let place = marks.lookups.len();
        (place < MOST_LOOKUPS).then(|| {
            let name = name.clone();
            let answers = Vec::new();
            marks.lookups.push(LookupMark { name, began, ended: None, answers, error: None });
            place
        })
    }

    /// The host that is connected to and its port, as far as they are known: a client that hides the
    /// URL still looks its host up, and knows the other end at the end.
    pub(super) fn server(
        &self,
        marks: &Marks,
        peer: Option<SocketAddr>,
    ) -> Option<(StringValue, Option<u16>)> {
        let known = self.target.host.as_ref().or(marks.lookups.first().map(|lookup| &lookup.name));
        let limit = self.resolved.options.value_limit;
        let known = known.map(|host| limited_shared(Cow::Borrowed(host), limit));
        let host = known.or_else(|| peer.map(|peer| address(peer.ip())))?;
        Some((host, self.target.port.or_else(|| peer.map(|peer| peer.port()))))
    }

    fn end(&self, end: SetupEnd, awaited: bool) -> Option<SpanContext> {
        let ended = self.now();
        let marks = self.marks();
        let times = Times::of(self, &marks, ended);
        let failed = match end {
            SetupEnd::Ready(_) => None,
            SetupEnd::Failed(error) => Some(times.failed(&marks, Some(error))),
            SetupEnd::GivenUp => Some(times.failed(&marks, None)),
        };
        let span = self.call.as_ref().and_then(|_| spans::setup(self, &marks, &times, end, failed));
        if let Some(call) = self.call.as_ref().filter(|_| awaited) {
            call.add(&times.spent(&marks), failed);
        }
        if let Some(instruments) = &self.resolved.connections {
            instruments.phases(self, &marks, &times, end, failed);
        }
        span
    }
}

/// Where the phases of one setup lie.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) ended: Instant,
    /// From the end of the last lookup, if none is under way and none failed.
    pub(super) connect: Option<(Instant, Instant)>,
    pub(super) tls: Option<(Instant, Instant)>,
}

impl Times {
    fn of(shared: &Shared, marks: &Marks, ended: Instant) -> Self {
        let secured = marks.connected.filter(|_| shared.target.secure);
        let handshake = marks.handshake.or(secured);
        let connected = handshake.or(marks.connected).unwrap_or(ended);
        let looked_up =
            marks.lookups.iter().all(|lookup| lookup.ended.is_some() && lookup.error.is_none());
        let from =
            marks.lookups.iter().filter_map(|lookup| lookup.ended).max().unwrap_or(shared.started);
        Self {
            ended,
            connect: looked_up.then_some((from.min(connected), connected)),
            tls: handshake.map(|begin| (begin, ended)),
        }
    }

    /// How long each phase took.
    pub(super) fn spent(&self, marks: &Marks) -> Vec<Spent> {
        let took = |(from, to): (Instant, Instant)| to.saturating_duration_since(from);
        let dns = |lookup: &LookupMark| took((lookup.began, lookup.ended.unwrap_or(self.ended)));
        let looking: Duration = marks.lookups.iter().map(dns).sum();
        let mut spent = Vec::with_capacity(3);
        if !marks.lookups.is_empty() {
            spent.push((Phase::Dns, looking));
        }
        if let Some(connect) = self.connect {
            spent.push((Phase::Connect, took(connect)));
        }
        if let Some(tls) = self.tls {
            spent.push((Phase::Tls, took(tls)));
        }
        spent
    }

    fn failed(&self, marks: &Marks, error: Option<ErrorType>) -> Phase {
        match error {
            _ if self.connect.is_none() => Phase::Dns,
            _ if self.tls.is_some() => Phase::Tls,
            // Where nothing marks the beginning of TLS, its error may still name it.
            Some(ErrorType::Tls) => Phase::Tls,
            Some(ErrorType::Dns) if marks.lookups.is_empty() => Phase::Dns,
            _ => Phase::Connect,
        }
    }
}
