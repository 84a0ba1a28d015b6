//! What is checked of Datadog's tracers: theirs and ours in a row, by the headers they share.

use super::{
    agent::{DatadogSpan, TestAgent},
    decisions,
};
use crate::{
    chain::{hops, is_chain},
    http,
    lab::Lab,
    peer::{Peer, Seen},
    relay::{Start, expect},
    row::Checks,
};
use tracewire_testing::Collector;

/// A format that both speak.
struct Style {
    name: &'static str,
    /// In `DD_TRACE_PROPAGATION_STYLE` and `OTEL_PROPAGATORS` alike.
    propagators: &'static str,
    /// A caller whose user wants the trace kept, with an origin and a tag.
    kept: &'static [(&'static str, &'static str)],
    kept_trace: &'static str,
    /// A caller whose user wants it dropped.
    dropped: &'static [(&'static str, &'static str)],
    dropped_trace: &'static str,
    /// A header, and what it holds when the user's wish to drop has arrived.
    still_dropped: (&'static str, &'static str),
    /// A synthetic test of theirs, which has no span: its parent is 0. Empty where it cannot say so.
    synthetic: &'static [(&'static str, &'static str)],
}

const STYLES: [Style; 3] = [
    Style {
        name: "Datadog's headers",
        propagators: "datadog,baggage",
        kept: &[
            ("x-datadog-trace-id", "42"),
            ("x-datadog-parent-id", "7"),
            ("x-datadog-sampling-priority", "2"),
            ("x-datadog-origin", "synthetics"),
            ("x-datadog-tags", "_dd.p.tid=6b00b29a00000000,_dd.p.dm=-4,_dd.p.usr.id=YWRh"),
        ],
        kept_trace: "6b00b29a00000000000000000000002a",
        dropped: &[
            ("x-datadog-trace-id", "43"),
            ("x-datadog-parent-id", "7"),
            ("x-datadog-sampling-priority", "-1"),
        ],
        dropped_trace: "0000000000000000000000000000002b",
        still_dropped: ("x-datadog-sampling-priority", "-1"),
        synthetic: &[
            ("x-datadog-trace-id", "48"),
            ("x-datadog-parent-id", "0"),
            ("x-datadog-sampling-priority", "1"),
            ("x-datadog-origin", "synthetics"),
        ],
    },
    Style {
        name: "W3C",
        propagators: "tracecontext,baggage",
        kept: &[
            ("traceparent", "00-6b00b29a00000000000000000000002c-0000000000000007-01"),
            ("tracestate", "rojo=00f067,dd=s:2;o:synthetics;t.dm:-4;t.usr.id:YWRh"),
        ],
        kept_trace: "6b00b29a00000000000000000000002c",
        dropped: &[
            ("traceparent", "00-6b00b29a00000000000000000000002d-0000000000000007-00"),
            ("tracestate", "dd=s:-1"),
        ],
        dropped_trace: "6b00b29a00000000000000000000002d",
        still_dropped: ("tracestate", "s:-1"),
        synthetic: &[],
    },
    Style {
        name: "both, as is their default",
        propagators: "datadog,tracecontext,baggage",
        kept: &[
            ("x-datadog-trace-id", "46"),
            ("x-datadog-parent-id", "7"),
            ("x-datadog-sampling-priority", "2"),
            ("x-datadog-origin", "synthetics"),
            ("x-datadog-tags", "_dd.p.tid=6b00b29a00000000,_dd.p.dm=-4,_dd.p.usr.id=YWRh"),
            ("traceparent", "00-6b00b29a00000000000000000000002e-0000000000000007-01"),
            ("tracestate", "dd=s:2;o:synthetics;t.dm:-4;t.usr.id:YWRh"),
        ],
        kept_trace: "6b00b29a00000000000000000000002e",
        dropped: &[
            ("x-datadog-trace-id", "47"),
            ("x-datadog-parent-id", "7"),
            ("x-datadog-sampling-priority", "-1"),
            ("traceparent", "00-0000000000000000000000000000002f-0000000000000007-00"),
            ("tracestate", "dd=s:-1"),
        ],
        dropped_trace: "0000000000000000000000000000002f",
        still_dropped: ("x-datadog-sampling-priority", "-1"),
        synthetic: &[
            ("x-datadog-trace-id", "49"),
            ("x-datadog-parent-id", "0"),
            ("x-datadog-sampling-priority", "1"),
            ("x-datadog-origin", "synthetics"),
        ],
    },
];

/// Checks a tracer in each style.
///
/// # Errors
///
/// If one of the services cannot be started or stopped.
pub(crate) fn check(lab: &Lab, checks: &mut Checks, start: Start<'_>) -> Result<(), String> {
    let agent = TestAgent::start(lab)?;
    for style in STYLES {
        style.check(lab, checks, start, &agent)?;
    }
    decisions::check(lab, checks, start, &agent)
}

impl Style {
    fn check(
        &self,
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
                ("DD_TRACE_PROPAGATION_STYLE", self.propagators),
                ("DD_TRACE_SAMPLING_RULES", rules),
                ("DD_TRACE_RATE_LIMIT", "-1"),
                ("DD_INSTRUMENTATION_TELEMETRY_ENABLED", "false"),
                ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
            ])
        };
        let ours = |sampler| {
            lab.ours(&[
                ("OTEL_SERVICE_NAME", "ours"),
                ("OTEL_TRACES_SAMPLER", sampler),
                ("OTEL_PROPAGATORS", self.propagators),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
                ("OTEL_METRICS_EXPORTER", "none"),
                ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ])
        };
        let (silent_theirs, theirs) = (theirs(r#"[{"sample_rate":0}]"#)?, theirs("[]")?);
        let (silent_ours, ours) = (ours("parentbased_always_off")?, ours("parentbased_always_on")?);

        let name = |what: &str| format!("{}: {what}", self.name);
        let mut recorded = 0; // spans of ours
        let mut together = |trace_id: &str, of_theirs: usize, of_ours: usize| {
            recorded += of_ours;
            let mut all = hops(&collector.received(recorded).block());
            all.retain(|hop| hop.trace_id == trace_id);
            let spans = agent.received(trace_id, of_theirs)?;
            all.extend(spans.iter().map(|span| span.hop.clone()));
            Ok::<_, String>((all, spans))
        };
        let chain = |first: &Peer, second: &Peer, third: &str| first.relay(&second.relay(third));

        checks.check(
            &name("theirs → ours → theirs is one trace, with 128 bits and baggage"),
            || {
                let url = chain(&theirs, &ours, &theirs.seen()) + "&baggage=tier%3Dgold";
                let seen = Seen::at(&url, &[])?;
                let (all, _) = together(seen.trace_id(), 3, 2)?;
                let order = [
                    "theirs server",
                    "theirs client",
                    "ours server",
                    "ours client",
                    "theirs server",
                ];
                is_chain(&all, seen.trace_id(), &order)?;
                expect("upper half is set", seen.trace_id().starts_with("00000000"), false)?;
                expect("sampled", seen.sampled(), Some(true))?;
                expect("baggage", seen.baggage("tier"), Some("gold"))
            },
        );
        checks.check(&name("ours → theirs → ours is one trace"), || {
            http::get(&chain(&ours, &theirs, &format!("{}/users/1", ours.url())), &[])?;
            let trace_id =
                collector.received(5).block().one("GET /users/{id}").trace_id.to_string();
            let (all, _) = together(&trace_id, 2, 3)?;
            let order =
                ["ours server", "ours client", "theirs server", "theirs client", "ours server"];
            is_chain(&all, &trace_id, &order)
        });
        checks.check(&name("priority 2, origin and tags arrive at the end"), || {
            let seen = Seen::at(&ours.relay(&theirs.seen()), self.kept)?;
            expect("trace", seen.trace_id(), self.kept_trace)?;
            expect("sampled", seen.sampled(), Some(true))?;
            let (all, spans) = together(self.kept_trace, 1, 2)?;
            is_chain(&all, self.kept_trace, &["ours server", "ours client", "theirs server"])?;
            expect("state of their span", state(&spans[0]), KEPT)
        });
        if let [(_, number), ..] = self.synthetic {
            checks.check(
                &name("the trace of a synthetic test, whose parent is 0, goes on"),
                || {
                    let seen = Seen::at(&ours.relay(&theirs.seen()), self.synthetic)?;
                    let number: u64 = number.parse().map_err(|_| "the trace is a number")?;
                    let trace_id = format!("{number:032x}");
                    expect("trace", seen.trace_id(), &*trace_id)?;
                    let (all, spans) = together(&trace_id, 1, 2)?;
                    is_chain(&all, &trace_id, &["ours server", "ours client", "theirs server"])?;
                    expect("origin", spans[0].meta("_dd.origin"), Some("synthetics"))
                },
            );
        }
        let unsampled = |seen: Seen| expect("sampled", seen.sampled(), Some(false));
        checks.check(&name("priority -1 arrives at the end"), || {
            let seen = Seen::at(&chain(&ours, &theirs, &ours.relay(&theirs.seen())), self.dropped)?;
            expect("trace", seen.trace_id(), self.dropped_trace)?;
            let (header, part) = self.still_dropped;
            let value = seen.header(header).unwrap_or_default();
            expect(&format!("{part} in {header}: {value}"), value.contains(part), true)?;
            unsampled(seen)
        });
        checks.check(&name("their decision against recording holds in ours"), || {
            unsampled(Seen::at(&chain(&silent_theirs, &ours, &theirs.seen()), &[])?)
        });
        checks.check(&name("our decision against recording holds in theirs"), || {
            unsampled(Seen::at(&chain(&silent_ours, &theirs, &theirs.seen()), &[])?)
        });
        for service in [theirs, ours, silent_theirs, silent_ours] {
            service.stop()?; // sends what it holds
        }
        checks.check(&name("of unsampled traces nothing is kept"), || {
            expect("spans of ours", collector.spans().len(), recorded)?;
            // Datadog's tracers report such traces, so that the Agent can count them.
            let theirs = agent.spans(self.dropped_trace)?;
            let priorities = theirs.iter().filter_map(DatadogSpan::priority);
            expect("highest priority", priorities.max().unwrap_or(-1), -1)
        });
        Ok(())
    }
}

/// Priority, origin, why it is kept, and a tag.
type State<'a> = (Option<i64>, Option<&'a str>, Option<&'a str>, Option<&'a str>);

const KEPT: State<'_> = (Some(2), Some("synthetics"), Some("-4"), Some("YWRh"));

fn state(span: &DatadogSpan) -> State<'_> {
    let [origin, decided_by, user] =
        ["_dd.origin", "_dd.p.dm", "_dd.p.usr.id"].map(|key| span.meta(key));
    (span.priority(), origin, decided_by, user)
}
