//! What is checked of Elastic's agents: theirs and ours in a row, by the headers they share.

use super::{
    intake::{Event, Intake},
    rates,
};
use crate::{
    chain::{Hop, hops, is_chain},
    http,
    lab::Lab,
    peer::{Peer, Seen},
    relay::{Start, expect},
    row::Checks,
};
use std::hash::{BuildHasher as _, RandomState};
use tracewire_testing::Collector;

/// A name in `OTEL_PROPAGATORS`, and a header that it reads.
const FORMATS: [(&str, &str); 2] =
    [("tracecontext", "traceparent"), ("elastic", "elastic-apm-traceparent")];

/// Checks an agent in each format.
///
/// # Errors
///
/// If one of the services cannot be started or stopped.
pub(crate) fn check(lab: &Lab, checks: &mut Checks, start: Start<'_>) -> Result<(), String> {
    let intake = Intake::start()?;
    let url = intake.url();
    let theirs = |rate: &str| {
        start(&[
            ("ELASTIC_APM_SERVER_URL", &url),
            ("ELASTIC_APM_SERVICE_NAME", "theirs"),
            ("ELASTIC_APM_API_REQUEST_TIME", "500ms"),
            ("ELASTIC_APM_TRANSACTION_SAMPLE_RATE", rate),
            ("ELASTIC_APM_CLOUD_PROVIDER", "none"),
            ("ELASTIC_APM_METRICS_INTERVAL", "0s"),
        ])
    };
    let (theirs, silent_theirs) = (theirs("1")?, theirs("0")?);
    for (format, header) in FORMATS {
        let pair = Pair { theirs: &theirs, silent_theirs: &silent_theirs, intake: &intake };
        pair.check(lab, checks, format, header)?;
    }
    theirs.stop()?;
    silent_theirs.stop()?;
    rates::check(lab, checks, start, &intake)
}

struct Pair<'a> {
    theirs: &'a Peer,
    silent_theirs: &'a Peer,
    intake: &'a Intake,
}

impl Pair<'_> {
    fn check(
        &self,
        lab: &Lab,
        checks: &mut Checks,
        format: &str,
        header: &str,
    ) -> Result<(), String> {
        let collector = Collector::start();
        let endpoint = collector.endpoint();
        let ours = |sampler| {
            lab.ours(&[
                ("OTEL_SERVICE_NAME", "ours"),
                ("OTEL_TRACES_SAMPLER", sampler),
                ("OTEL_PROPAGATORS", format),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
                ("OTEL_METRICS_EXPORTER", "none"),
                ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ])
        };
        let (ours, silent_ours) = (ours("parentbased_always_on")?, ours("parentbased_always_off")?);
        let theirs = self.theirs;
        let (unsampled_trace, unsampled_parent) = caller("00");
        let name = |what: &str| format!("{format}: {what}");
        let mut recorded = 0; // spans of ours
        let mut together = |trace_id: &str, of_theirs: usize, of_ours: usize| {
            recorded += of_ours;
            let spans = collector.received(recorded).block();
            let mut all = hops(&spans);
            all.retain(|hop| hop.trace_id == trace_id);
            let events = self.intake.received(trace_id, of_theirs)?;
            all.extend(events.iter().map(Hop::from));
            Ok::<_, String>((all, events))
        };

        checks.check(&name("theirs → ours → theirs is one trace, es in tracestate"), || {
            let seen = Seen::at(&theirs.relay(&ours.relay(&theirs.seen())), &[])?;
            let (all, _) = together(seen.trace_id(), 3, 2)?;
            let order =
                ["theirs server", "theirs client", "ours server", "ours client", "theirs server"];
            is_chain(&all, seen.trace_id(), &order)?;
            expect("sampled", seen.sampled(), Some(true))?;
            let state = seen.header("tracestate").unwrap_or_default();
            expect("tracestate begins with es=s:1", state.starts_with("es=s:1"), true)
        });
        checks.check(&name("ours → theirs → ours is one trace"), || {
            let url = ours.relay(&theirs.relay(&format!("{}/users/1", ours.url())));
            let (trace_id, parent) = caller("01");
            http::get(&url, &[(header, &parent)])?;
            let (all, _) = together(&trace_id, 2, 3)?;
            let order =
                ["ours server", "ours client", "theirs server", "theirs client", "ours server"];
            is_chain(&all, &trace_id, &order)
        });
        checks.check(&name("the rate and others' tracestate arrive at the end"), || {
            let state = "rojo=00f067,es=s:0.25,congo=t61";
            let (_, parent) = caller("01");
            let headers = [(header, parent.as_str()), ("tracestate", state)];
            let seen = Seen::at(&ours.relay(&theirs.seen()), &headers)?;
            expect("tracestate", seen.header("tracestate"), Some(state))?;
            let (_, events) = together(seen.trace_id(), 1, 2)?;
            let rates: Vec<_> = events.iter().map(rate).collect();
            expect("sample_rate of their transaction", rates, vec![Some(0.25)])
        });
        let unsampled = |seen: Seen| expect("sampled", seen.sampled(), Some(false));
        checks.check(&name("their decision against recording holds in ours"), || {
            let url = self.silent_theirs.relay(&ours.relay(&theirs.seen()));
            let seen = Seen::at(&url, &[])?;
            let state = seen.header("tracestate").unwrap_or_default();
            expect("tracestate begins with es=s:0", state.starts_with("es=s:0"), true)?;
            unsampled(seen)
        });
        checks.check(&name("our decision against recording holds in theirs"), || {
            unsampled(Seen::at(&silent_ours.relay(&theirs.seen()), &[])?)
        });
        checks.check(&name("a caller's decision against recording holds in both"), || {
            let url = ours.relay(&theirs.relay(&ours.relay(&theirs.seen())));
            let seen = Seen::at(&url, &[(header, &unsampled_parent)])?;
            expect("trace", seen.trace_id(), &unsampled_trace)?;
            unsampled(seen)
        });
        ours.stop()?; // sends what it holds
        silent_ours.stop()?;
        checks.check(&name("of unsampled traces nothing was recorded"), || {
            expect("spans of ours", collector.spans().len(), recorded)?;
            expect("events of theirs", self.intake.events(&unsampled_trace)?.len(), 0)
        });
        Ok(())
    }
}

/// A trace of a caller: its id, and the header's value with these flags.
fn caller(flags: &str) -> (String, String) {
    let trace_id = format!("{:032x}", RandomState::new().hash_one(flags));
    let parent = format!("00-{trace_id}-b7ad6b7169203331-{flags}");
    (trace_id, parent)
}

fn rate(transaction: &Event) -> Option<f64> {
    transaction.body["sample_rate"].as_f64()
}
