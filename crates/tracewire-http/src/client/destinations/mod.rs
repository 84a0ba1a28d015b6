//! Which hosts learn of the trace, and which of the baggage.

mod hosts;

pub use self::hosts::Hosts;

use crate::settings::Resolved;
use http::HeaderMap;
use opentelemetry::{
    Context,
    baggage::BaggageExt,
    otel_debug,
    trace::{SpanContext, TraceContextExt},
};
use std::sync::atomic::{AtomicBool, Ordering};
use tracewire_propagation::{SamplingHint, carries_baggage};

/// Where trace context and baggage may go.
///
/// Trace context is random ids: by default it goes everywhere. Baggage is what the application
/// or one of its callers put in it, so by default it goes to [internal hosts](Hosts::internal) alone. A destination
/// that is not known, as in a request whose URL names no host, is only among
/// [all hosts](Hosts::everywhere).
///
/// The headers of every known format, compiled in or not, are removed from a request before ours are
/// written, no matter what set them: an inbound header that a service passes on would carry its
/// caller's trace and baggage beside yours. To set such a header yourself, turn propagation off for
/// the request with [`CallOptions::propagate`](crate::CallOptions::propagate).
///
/// ```
/// use tracewire_http::{Destinations, Hosts};
///
/// // Baggage also goes to a partner.
/// let destinations = Destinations::new().baggage(Hosts::internal().and(["*.partner.example"]));
/// // Everything goes everywhere.
/// let open = Destinations::all();
/// # let _ = (destinations, open);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Destinations {
    trace_context: Hosts,
    baggage: Hosts,
}

impl Destinations {
    /// Trace context goes everywhere, baggage to internal hosts.
    pub fn new() -> Self {
        Self { trace_context: Hosts::everywhere(), baggage: Hosts::internal() }
    }

    /// Both go everywhere.
    pub fn all() -> Self {
        Self { trace_context: Hosts::everywhere(), baggage: Hosts::everywhere() }
    }

    /// Sends trace context to these hosts. Default: everywhere.
    pub fn trace_context(mut self, hosts: Hosts) -> Self {
        self.trace_context = hosts;
        self
    }

    /// Sends baggage to these hosts. Default: internal hosts.
    pub fn baggage(mut self, hosts: Hosts) -> Self {
        self.baggage = hosts;
        self
    }

    /// `host`, as a destination.
    pub(crate) fn to<'a>(&'a self, host: &'a str) -> Destination<'a> {
        Destination { policy: self, host }
    }
}

impl Default for Destinations {
    fn default() -> Self {
        Self::new()
    }
}

/// One host, and what decides about it. It is asked for only where there is something to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination<'a> {
    policy: &'a Destinations,
    host: &'a str,
}

impl Destination<'_> {
    fn gets_trace_context(self) -> bool {
        self.policy.trace_context.contains(self.host)
    }

    fn gets_baggage(self) -> bool {
        self.policy.baggage.contains(self.host)
    }

    /// Writes what is allowed of `context` into `headers`.
    pub(crate) fn inject(self, resolved: &Resolved, context: &Context, headers: &mut HeaderMap) {
        // A service that passes its inbound headers on must not send its callers' trace and baggage
        // beside its own, in whatever format, nor get past the policy.
        resolved.remove_injected(headers);
        if self.gets_trace_context() {
            if !carries_baggage(context) || self.gets_baggage() {
                return resolved.inject(context, headers);
            }
            note_withheld_baggage();
            resolved.inject(&context.with_cleared_baggage(), headers);
        } else if self.gets_baggage() {
            let untraced = context
                .with_remote_span_context(SpanContext::NONE)
                .with_value(SamplingHint::Settled);
            resolved.inject(&untraced, headers);
        }
    }

    /// Removes from `headers`, written for another host or around this point, what is not allowed.
    pub(crate) fn restrict(self, resolved: &Resolved, headers: &mut HeaderMap) {
        if !(self.gets_trace_context() && self.gets_baggage()) {
            let written = resolved.extract(headers, &Context::new());
            self.inject(resolved, &written, headers);
        }
    }
}

/// Says once in the life of the process that baggage stays here.
fn note_withheld_baggage() {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        otel_debug!(
            name: "Client.BaggageWithheld",
            message = "baggage is not sent to hosts outside this network; \
                       the client's option `destinations` opens it, to all with Destinations::all()"
        );
    }
}
