//! What the Agent counts of requests, and what it keeps of them, by each way to sample.

use super::real::{Agent, MODULE, SERVED, Sent};
use crate::{http, lab::Lab, relay::expect, row::Checks, systems::go::version};

const REQUESTS: u64 = 40;

pub(super) fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(format!("pkg/trace {}", version(lab, "datadog-agent", MODULE)?));
    for protocol in ["http/protobuf", "grpc"] {
        let what =
            "a rate of 0.1 keeps few traces, and hits, errors and latencies are of every request";
        checks.check(&format!("{protocol}: {what}"), || {
            let sent = requested(lab, protocol, &[("DD_TRACE_SAMPLE_RATE", "0.1")], &[], all)?;
            counts_all(&sent)?;
            let by_rule = sent.named(SERVED).filter(|span| span["Priority"] == 2).count() as u64;
            expect(&format!("{by_rule} kept by the rule are few"), by_rule < REQUESTS / 2, true)
        });
    }
    checks.check("a caller's refusal is counted and not kept", || {
        let refused = [
            ("x-datadog-trace-id", "43"),
            ("x-datadog-parent-id", "7"),
            ("x-datadog-sampling-priority", "-1"),
        ];
        let sent = requested(lab, "http/protobuf", &[], &refused, all)?;
        counts_all(&sent)?;
        expect("kept", sent.spans().count(), 0)
    });
    checks.check("a rate in a caller's tracestate multiplies nothing", || {
        let caller = [
            ("traceparent", "00-6b00b29a00000000000000000000002c-0000000000000007-01"),
            ("tracestate", "ot=th:c"),
        ];
        counts_all(&requested(lab, "http/protobuf", &[], &caller, all)?)
    });
    checks.check("OTEL_TRACES_SAMPLER drops here, and the counts are those of the sample", || {
        let sampler = ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
        let sampled = [sampler, ("OTEL_TRACES_SAMPLER_ARG", "0.5")];
        let sent = requested(lab, "http/protobuf", &sampled, &[], hits_of(1))?;
        let kept = sent.named(SERVED).count() as u64;
        expect("hits are the spans", sent.count(SERVED, "Hits"), kept)?;
        expect(&format!("{kept} of {REQUESTS} are fewer"), kept < REQUESTS, true)
    });
    checks.check("a rate of parentbased_probability multiplies the counts", || {
        let sampler = ("OTEL_TRACES_SAMPLER", "parentbased_probability");
        let sampled = [sampler, ("OTEL_TRACES_SAMPLER_ARG", "0.5")];
        let sent = requested(lab, "http/protobuf", &sampled, &[], hits_of(2))?;
        let kept = sent.named(SERVED).count() as u64;
        expect("hits are twice the spans", sent.count(SERVED, "Hits"), kept * 2)
    });
    Ok(())
}

/// Sends requests, of which one in four fails, and waits until the Agent has counted them.
fn requested(
    lab: &Lab,
    protocol: &str,
    environment: &[(&str, &str)],
    headers: &[(&str, &str)],
    complete: impl Fn(&Sent) -> bool,
) -> Result<Sent, String> {
    let agent = Agent::start(lab)?;
    agent.serve(lab, protocol, environment, |url| {
        for request in 0..REQUESTS {
            let path = if request % 4 == 0 { "/boom" } else { "/users/1" };
            // An answer of 500 is an error, which is expected.
            let _ = http::get(&format!("{url}{path}"), headers);
        }
    })?;
    agent.sent(complete)
}

/// All requests are counted.
fn all(sent: &Sent) -> bool {
    sent.count(SERVED, "Hits") >= REQUESTS
}

/// Each kept span is counted so many times.
fn hits_of(times: u64) -> impl Fn(&Sent) -> bool {
    move |sent| {
        let kept = sent.named(SERVED).count() as u64;
        kept > 0 && sent.count(SERVED, "Hits") >= kept * times
    }
}

fn counts_all(sent: &Sent) -> Result<(), String> {
    expect("hits", sent.count(SERVED, "Hits"), REQUESTS)?;
    expect("errors", sent.count(SERVED, "Errors"), REQUESTS / 4)?;
    expect("latencies", sent.count(SERVED, "Latencies"), REQUESTS)
}
