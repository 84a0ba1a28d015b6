//! What OpenTelemetry's first steps in Python build, beside a service of ours.

use super::{Program, version};
use crate::{
    chain::{hops, is_chain},
    http,
    lab::Lab,
    relay::expect,
    row::Checks,
};
use tracewire_testing::Collector;

const DICE: Program = Program {
    file: "dice.py",
    requirements: "python/opentelemetry.txt",
    instrumented_by: Some("opentelemetry-instrument"),
};

pub(super) fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(version(lab, DICE.requirements, "opentelemetry-distro")?);
    let collector = Collector::start();
    let endpoint = collector.endpoint();
    let environment = |service| {
        [
            ("OTEL_SERVICE_NAME", service),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", "true"),
        ]
    };
    let dice = DICE.start(lab, &environment("dice"))?;
    let ours = lab.ours(&environment("ours"))?;

    checks.check("our call is the parent of their roll and of the span in it", || {
        let roll = http::get(&ours.relay(&format!("{}/rolldice?player=ada", dice.url())), &[])?;
        is_roll(&roll)?;
        let spans = collector.received(4).block();
        let trace_id = spans[0].trace_id.to_string();
        let order = ["ours server", "ours client", "dice server", "dice internal"];
        is_chain(&hops(&spans), &trace_id, &order)?;
        spans.one("roll").has("roll.value", roll.parse::<i64>().map_err(|e| e.to_string())?);
        Ok::<_, String>(())
    });
    checks.check("their call is the parent of our span", || {
        let users = format!("{}/users/1", ours.url());
        let url = format!("{}/game?to={}", dice.url(), http::encoded(&users));
        let answer = http::get(&url, &[])?;
        is_roll(answer.trim_start_matches(r#"{"id":"1"} and "#))?;
        let spans = collector.received(8).block();
        let (ended, all) = (&spans[4..], hops(&spans));
        let trace_id = ended[0].trace_id.to_string();
        let calls: Vec<_> = all
            .into_iter()
            .filter(|hop| hop.trace_id == trace_id && hop.kind != "internal")
            .collect();
        is_chain(&calls, &trace_id, &["dice server", "dice client", "ours server"])?;
        let rolls = spans.named("roll");
        rolls[1].is_child_of(&spans.one("GET /game"));
        Ok::<_, String>(())
    });
    dice.stop()?; // sends its metrics
    ours.stop()?;
    checks.check("their log record names our trace", || {
        let spans = collector.spans();
        let (logs, server) = (collector.logs(), spans.one("GET /rolldice"));
        let log = logs.iter().find(|log| log.body.starts_with("ada rolled"));
        let log = log.ok_or_else(|| format!("no record of the roll:\n{}", logs.snapshot()))?;
        expect("trace", log.trace_id, Some(server.trace_id))?;
        expect("span", log.span_id, Some(server.span_id))
    });
    checks.check("their counter and our histogram arrive side by side", || {
        let metrics = collector.metrics();
        let rolled: f64 = metrics.one("dice.rolls").points.iter().map(|point| point.value).sum();
        let ours = metrics.iter().filter(|metric| metric.scope == "tracewire-tower");
        let served: u64 = ours.flat_map(|metric| &metric.points).map(|point| point.count).sum();
        match (rolled, served) {
            (2.0, 2) => Ok(()),
            _ => Err(format!("{rolled} rolls and {served} requests:\n{metrics}")),
        }
    });
    Ok(())
}

fn is_roll(text: &str) -> Result<(), String> {
    match text.parse::<u8>() {
        Ok(1..=6) => Ok(()),
        _ => Err(format!("{text:?} is no roll of a dice")),
    }
}
