//! What is checked of every other implementation that speaks one of our header formats: theirs and
//! ours in a row, in both orders, sampled and not.

use crate::{
    chain::{hops, is_chain},
    lab::Lab,
    peer::{Peer, Seen},
    row::Checks,
};
use std::{collections::HashSet, fmt::Debug};
use tracewire_testing::Collector;

/// A header format that an OpenTelemetry implementation and ours share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// What the table calls it.
    pub(crate) name: &'static str,
    /// Its names in `OTEL_PROPAGATORS` on both sides.
    pub(crate) propagators: &'static str,
    /// A header of a caller that has decided against recording.
    pub(crate) unsampled: (&'static str, &'static str),
    /// The trace in that header, 32 digits.
    pub(crate) trace_id: &'static str,
    /// Whether it carries baggage.
    pub(crate) baggage: bool,
    /// Whether it carries `tracestate`.
    pub(crate) tracestate: bool,
}

/// W3C's.
pub(crate) const W3C: Format = Format {
    name: "W3C",
    propagators: "tracecontext,baggage",
    unsampled: ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"),
    trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
    baggage: true,
    tracestate: true,
};

/// B3 in one header.
pub(crate) const B3: Format = Format {
    name: "B3 single",
    propagators: "b3",
    unsampled: ("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0"),
    trace_id: "80f198ee56343ba864fe8b2a57d3eff7",
    baggage: false,
    tracestate: false,
};

/// B3 in several headers. The caller's is in one, which everyone must be able to read.
pub(crate) const B3_MULTI: Format = Format { name: "B3 multi", propagators: "b3multi", ..B3 };

/// Jaeger's own.
pub(crate) const JAEGER: Format = Format {
    name: "Jaeger",
    propagators: "jaeger",
    unsampled: ("uber-trace-id", "5b8aa5a2d2c872e8321cf37308d69df2:051581bf3cb55c13:0:0"),
    trace_id: "5b8aa5a2d2c872e8321cf37308d69df2",
    baggage: true,
    tracestate: false,
};

/// AWS X-Ray's.
pub(crate) const XRAY: Format = Format {
    name: "X-Ray",
    propagators: "xray",
    unsampled: (
        "x-amzn-trace-id",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0",
    ),
    trace_id: "5759e988bd862e3fe1be46a994272793",
    baggage: false,
    tracestate: false,
};

/// Starts a peer with this environment besides its own.
pub(crate) type Start<'a> = &'a dyn Fn(&[(&str, &str)]) -> Result<Peer, String>;

/// Checks an OpenTelemetry implementation in one format.
///
/// # Errors
///
/// If one of the services cannot be started or stopped.
pub(crate) fn check(
    lab: &Lab,
    checks: &mut Checks,
    start: Start<'_>,
    format: Format,
) -> Result<(), String> {
    let collector = Collector::start();
    let endpoint = collector.endpoint();
    let environment = |service, sampler| {
        [
            ("OTEL_SERVICE_NAME", service),
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_PROPAGATORS", format.propagators),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ]
    };
    let theirs = start(&environment("theirs", "parentbased_always_on"))?;
    let ours = lab.ours(&environment("ours", "parentbased_always_on"))?;
    let silent_theirs = start(&environment("theirs", "parentbased_always_off"))?;
    let silent_ours = lab.ours(&environment("ours", "parentbased_always_off"))?;

    let mut known = HashSet::new();
    let mut fresh = |count: usize| {
        let spans = collector.received(known.len() + count).block();
        let mut fresh = hops(&spans);
        fresh.retain(|hop| known.insert(hop.span_id.clone()));
        fresh
    };
    let name = |what: &str| format!("{}: {what}", format.name);
    let chain = |first: &Peer, second: &Peer, third: &str| first.relay(&second.relay(third));

    checks.check(&name("theirs → ours → theirs is one trace"), || {
        let mut url = chain(&theirs, &ours, &theirs.seen());
        if format.baggage {
            url += "&baggage=tier%3Dgold";
        }
        let seen = Seen::at(&url, &[])?;
        let order =
            ["theirs server", "theirs client", "ours server", "ours client", "theirs server"];
        is_chain(&fresh(5), seen.trace_id(), &order)?;
        expect("sampled", seen.sampled(), Some(true))?;
        expect("baggage", seen.baggage("tier"), format.baggage.then_some("gold"))
    });
    checks.check(&name("ours → theirs → ours is one trace"), || {
        crate::http::get(&chain(&ours, &theirs, &format!("{}/users/1", ours.url())), &[])?;
        let hops = fresh(5);
        let order = ["ours server", "ours client", "theirs server", "theirs client", "ours server"];
        is_chain(&hops, &hops[0].trace_id, &order)
    });
    // From here on nobody may record anything.
    let unsampled = |seen: Seen| expect("sampled", seen.sampled(), Some(false));
    checks.check(&name("their decision against recording holds in ours"), || {
        unsampled(Seen::at(&chain(&silent_theirs, &ours, &theirs.seen()), &[])?)
    });
    checks.check(&name("our decision against recording holds in theirs"), || {
        unsampled(Seen::at(&chain(&silent_ours, &theirs, &theirs.seen()), &[])?)
    });
    checks.check(&name("a caller's decision against recording holds in both"), || {
        let url = chain(&ours, &theirs, &ours.relay(&theirs.seen()));
        let seen = Seen::at(&url, &[format.unsampled])?;
        expect("trace", seen.trace_id(), format.trace_id)?;
        unsampled(seen)
    });
    if format.tracestate {
        checks.check(&name("tracestate of others arrives at the end"), || {
            let headers = [format.unsampled, ("tracestate", "rojo=00f067,congo=t61")];
            let seen = Seen::at(&chain(&theirs, &ours, &theirs.seen()), &headers)?;
            expect("tracestate", seen.header("tracestate"), Some("rojo=00f067,congo=t61"))
        });
    }
    for service in [theirs, ours, silent_theirs, silent_ours] {
        service.stop()?; // sends what it holds
    }
    checks.check(&name("of unsampled traces nothing was recorded"), || {
        expect("spans", collector.spans().len(), known.len())
    });
    Ok(())
}

/// Compares, and says what it was instead.
pub(crate) fn expect<T: PartialEq + Debug>(what: &str, got: T, expected: T) -> Result<(), String> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: expected {expected:?}, but got {got:?}"))
}
