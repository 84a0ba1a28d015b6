//! What is checked of sampling rates: ours in their transactions, theirs in our spans, and how both round.

use super::intake::Intake;
use crate::{
    lab::Lab,
    peer::{Peer, Seen},
    relay::{Start, expect},
    row::Checks,
};
use std::time::{Duration, Instant};
use tracewire_testing::{Collector, Span};

/// A rate of more digits than agents write, and what they write.
const RATE: (&str, &str) = ("0.345678", "0.3457");
/// How many traces are begun until one was sampled and one was not.
const TRIES: usize = 60;
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

pub(super) fn check(
    lab: &Lab,
    checks: &mut Checks,
    start: Start<'_>,
    intake: &Intake,
) -> Result<(), String> {
    let collector = Collector::start();
    let (url, server) = (intake.url(), collector.endpoint());
    let theirs = start(&[
        ("ELASTIC_APM_SERVER_URL", &url),
        ("ELASTIC_APM_SERVICE_NAME", "theirs"),
        ("ELASTIC_APM_API_REQUEST_TIME", "500ms"),
        ("ELASTIC_APM_TRANSACTION_SAMPLE_RATE", RATE.0),
        ("ELASTIC_APM_CLOUD_PROVIDER", "none"),
        ("ELASTIC_APM_METRICS_INTERVAL", "0s"),
    ])?;
    let ours = lab.ours(&[
        ("ELASTIC_APM_SERVER_URL", &server),
        ("ELASTIC_APM_SERVICE_NAME", "ours"),
        ("ELASTIC_APM_TRANSACTION_SAMPLE_RATE", RATE.0),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ])?;
    let sampled = format!("es=s:{}", RATE.1);
    checks.check("a root of theirs and one of ours write the same es=s into tracestate", || {
        for (who, first) in [("theirs", &theirs), ("ours", &ours)] {
            let (kept, dropped) = both(first, &theirs.seen())?;
            let state = |seen: &Seen| seen.header("tracestate").map(str::to_owned);
            expect(&format!("sampled by {who}"), state(&kept).as_deref(), Some(sampled.as_str()))?;
            expect(&format!("rejected by {who}"), state(&dropped).as_deref(), Some("es=s:0"))?;
        }
        Ok::<_, String>(())
    });
    checks.check("our rate is the sample_rate of their transaction", || {
        let (kept, _) = both(&ours, &theirs.seen())?;
        let events = intake.received(kept.trace_id(), 1)?;
        let rate = events[0].body["sample_rate"].as_f64();
        expect("sample_rate", rate.map(|rate| rate.to_string()).as_deref(), Some(RATE.1))
    });
    checks.check("their rate is in the trace state of our exported spans", || {
        let (kept, _) = both(&theirs, &ours.relay(&theirs.seen()))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let spans = collector.spans();
            let of_trace = |span: &&Span| span.trace_id.to_string() == kept.trace_id();
            if let Some(span) = spans.iter().find(of_trace) {
                return expect("trace state", span.trace_state.as_str(), &sampled);
            }
            if Instant::now() > deadline {
                return Err(format!("no span of {} came", kept.trace_id()));
            }
            std::thread::sleep(LOOK);
        }
    });
    ours.stop()?;
    theirs.stop()?;
    Ok(())
}

/// What `end` has seen of a trace that `first` began and sampled, and of one that it did not sample.
fn both(first: &Peer, end: &str) -> Result<(Seen, Seen), String> {
    let (mut kept, mut dropped) = (None, None);
    for _ in 0..TRIES {
        let seen = Seen::at(&first.relay(end), &[])?;
        match seen.sampled() {
            Some(true) => kept = Some(seen),
            _ => dropped = Some(seen),
        }
        if kept.is_some() && dropped.is_some() {
            break;
        }
    }
    kept.zip(dropped).ok_or_else(|| format!("{TRIES} traces were all sampled, or none"))
}
