//! What is checked of decisions: rules on either side, what each side says of them to the other, and what our
//! exported spans have of them.

use super::agent::TestAgent;
use crate::{
    http,
    lab::Lab,
    peer::{Peer, Seen},
    random::mixed,
    relay::{Start, expect},
    row::Checks,
};
use std::time::{Duration, Instant};
use tracewire_testing::{Collector, Span};

const KEEP: &str = r#"[{"sample_rate":1}]"#;
const REJECT: &str = r#"[{"sample_rate":0}]"#;
const HALF: &str = r#"[{"sample_rate":0.5}]"#;

const PRIORITY: &str = "x-datadog-sampling-priority";
/// How many traces both sides decide about at a rate of a half.
const TRACES: u64 = 40;
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

/// A caller whose user wants the trace kept.
const CALLER: [(&str, &str); 5] = [
    ("x-datadog-trace-id", "50"),
    ("x-datadog-parent-id", "7"),
    ("x-datadog-sampling-priority", "2"),
    ("x-datadog-origin", "synthetics"),
    ("x-datadog-tags", "_dd.p.tid=6b00b29a00000000,_dd.p.dm=-4,_dd.p.usr.id=YWRh"),
];
const CALLERS_TRACE: &str = "6b00b29a000000000000000000000032";

pub(super) fn check(
    lab: &Lab,
    checks: &mut Checks,
    start: Start<'_>,
    agent: &TestAgent,
) -> Result<(), String> {
    let collector = Collector::start();
    let (endpoint, url) = (collector.endpoint(), agent.url());
    let theirs = |rules| {
        start(&[
            ("DD_SERVICE", "theirs"),
            ("DD_TRACE_AGENT_URL", &url),
            ("DD_TRACE_SAMPLING_RULES", rules),
            ("DD_TRACE_RATE_LIMIT", "-1"),
            ("DD_INSTRUMENTATION_TELEMETRY_ENABLED", "false"),
            ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
        ])
    };
    let ours = |rules| {
        lab.ours(&[
            ("DD_SERVICE", "ours"),
            ("DD_AGENT_HOST", "127.0.0.1"),
            ("OTEL_PROPAGATORS", "datadog,tracecontext,baggage"),
            ("DD_TRACE_SAMPLING_RULES", rules),
            ("DD_TRACE_RATE_LIMIT", "-1"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ])
    };
    let (their_keep, our_keep) = (theirs(KEEP)?, ours(KEEP)?);
    let (their_reject, our_reject) = (theirs(REJECT)?, ours(REJECT)?);

    checks.check("our rule keeps, and their span and ours say so", || {
        let seen = Seen::at(&our_keep.relay(&their_keep.seen()), &[])?;
        expect("their sampled", seen.sampled(), Some(true))?;
        let [first, _] = exported(&collector, seen.trace_id())?;
        has(&first, &[("_sampling_priority_v1", "2"), ("_dd.p.dm", "-3"), ("_dd.p.ksr", "1")])?;
        let received = agent.received(seen.trace_id(), 1)?;
        expect("their priority", received[0].priority(), Some(2))?;
        expect("their _dd.p.dm", received[0].meta("_dd.p.dm"), Some("-3"))?;
        expect("their _dd.p.ksr", received[0].meta("_dd.p.ksr"), Some("1"))
    });
    checks.check("their rule keeps, and our spans say so", || {
        let seen = Seen::at(&their_keep.relay(&our_keep.relay(&their_keep.seen())), &[])?;
        let [first, second] = exported(&collector, seen.trace_id())?;
        let decided = [("_sampling_priority_v1", "2"), ("_dd.p.dm", "-3")];
        has(&first, &decided)?;
        has(&first, &[("_dd.p.tid", &seen.trace_id()[..16])])?;
        has(&second, &decided[..1])
    });
    checks.check(
        "our rule rejects: theirs drops it, and ours are exported with priority -1",
        || {
            let seen = Seen::at(&our_reject.relay(&their_keep.seen()), &[])?;
            expect("their sampled", seen.sampled(), Some(false))?;
            expect("sent", seen.header(PRIORITY), Some("-1"))?;
            let spans = exported(&collector, seen.trace_id())?;
            spans.iter().try_for_each(|span| has(span, &[("_sampling_priority_v1", "-1")]))
        },
    );
    checks.check("their rule rejects: ours are exported with priority -1", || {
        let seen = Seen::at(&their_reject.relay(&our_keep.relay(&their_keep.seen())), &[])?;
        expect("their sampled", seen.sampled(), Some(false))?;
        let spans = exported(&collector, seen.trace_id())?;
        spans.iter().try_for_each(|span| has(span, &[("_sampling_priority_v1", "-1")]))
    });
    checks.check("a caller's priority, origin and tags are on our exported spans", || {
        http::get(&our_reject.relay(&their_reject.seen()), &CALLER)?;
        let spans = exported(&collector, CALLERS_TRACE)?;
        for span in &spans {
            has(span, &[("_sampling_priority_v1", "2"), ("_dd.origin", "synthetics")])?;
        }
        let tags =
            [("_dd.p.dm", "-4"), ("_dd.p.usr.id", "YWRh"), ("_dd.p.tid", "6b00b29a00000000")];
        has(&spans[0], &tags)
    });
    for service in [their_reject, our_reject, our_keep] {
        service.stop()?;
    }
    let (their_half, our_half) = (theirs(HALF)?, ours(HALF)?);
    checks.check("at a rate of 0.5 both decide alike about the same traces", || {
        let decisions = |first: &Peer| {
            let decided = |number| decision(first, &their_keep, mixed(number));
            (0..TRACES).map(decided).collect::<Result<Vec<_>, _>>()
        };
        let (of_ours, of_theirs) = (decisions(&our_half)?, decisions(&their_half)?);
        expect("decisions", &of_ours, &of_theirs)?;
        let kept = of_ours.iter().filter(|priority| *priority == "2").count() as u64;
        expect(&format!("{kept} of {TRACES} are some"), (1..TRACES).contains(&kept), true)
    });
    for service in [their_half, our_half, their_keep] {
        service.stop()?;
    }
    Ok(())
}

/// The priority that it gives to this trace of a caller who has not decided.
fn decision(of: &Peer, end: &Peer, trace: u64) -> Result<String, String> {
    let trace = trace.to_string();
    let caller = [("x-datadog-trace-id", trace.as_str()), ("x-datadog-parent-id", "7")];
    let seen = Seen::at(&of.relay(&end.seen()), &caller)?;
    seen.header(PRIORITY).map(str::to_owned).ok_or_else(|| format!("no priority for {trace}"))
}

/// Our two spans of this trace, once they have come: of the server, and of its call.
fn exported(collector: &Collector, trace_id: &str) -> Result<[Span; 2], String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let spans = collector.spans();
        let of_trace = |name: &str| {
            let is_it = |span: &&Span| span.name == name && span.trace_id.to_string() == trace_id;
            spans.iter().find(is_it).cloned()
        };
        if let (Some(server), Some(client)) = (of_trace("GET /relay"), of_trace("GET")) {
            return Ok([server, client]);
        }
        if Instant::now() > deadline {
            return Err(format!("no two spans of {trace_id} came"));
        }
        std::thread::sleep(LOOK);
    }
}

/// It has these attributes.
fn has(span: &Span, expected: &[(&str, &str)]) -> Result<(), String> {
    expected.iter().try_for_each(|&(key, value)| {
        let own = span.attribute(key).map(ToString::to_string);
        expect(&format!("{key} of {}", span.name), own.as_deref(), Some(value))
    })
}
