//! The two shows: a sampler that is lost, and the cost of a million spans.

use crate::{
    collector::{Collector, addresses, build},
    costs::Usage,
    load::{self, Sent},
    process::{Process, free_port},
    report,
    service::{NAMES, SPANS},
    stored::Stored,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// How long a sampler waits for a trace, as sampler.yaml says.
const DECISION: Duration = Duration::from_secs(5);
/// How long a span may take from its end to a sampler: services send once a second.
const ON_ITS_WAY: Duration = Duration::from_secs(2);
/// How long the file of a sampler may take to be written.
const WRITTEN: Duration = Duration::from_secs(3);
/// How long the agents know nothing of the change.
const UNNOTICED: Duration = Duration::from_secs(2);
/// How long an agent takes to start again with another list.
const RELOADED: Duration = Duration::from_secs(3);

const RATE: u64 = 500;
const STEADY: Duration = Duration::from_secs(15);

/// Everything that runs. Services are ended before agents, and these before samplers.
struct Fleet {
    folder: PathBuf,
    program: PathBuf,
    services: Vec<Process>,
    gateway: String,
    agents: Vec<Collector>,
    samplers: Vec<Collector>,
}

impl Fleet {
    fn start() -> Result<Self, String> {
        let folder = build_folder()?;
        let _ = std::fs::remove_dir_all(folder.join("run"));
        std::fs::create_dir_all(folder.join("run"))
            .map_err(|error| format!("cannot write {}: {error}", folder.display()))?;
        eprintln!("building the Collector: a minute or two the first time");
        let program = build(&folder)?;
        let folder = folder.join("run");
        let samplers = (1..=3)
            .map(|n| Collector::sampler(&program, &folder, &format!("sampler-{n}")))
            .collect::<Result<Vec<_>, _>>()?;
        let list = addresses(&samplers);
        let agents = (1..=2)
            .map(|n| Collector::agent(&program, &folder, &format!("agent-{n}"), &list))
            .collect::<Result<Vec<_>, _>>()?;
        let (services, gateway) = services(&folder, &agents)?;
        Ok(Self { folder, program, services, gateway, agents, samplers })
    }

    /// Takes the place of a lost sampler.
    fn add_sampler(&mut self) -> Result<(), String> {
        let name = format!("sampler-{}", self.samplers.len() + 1);
        self.samplers.push(Collector::sampler(&self.program, &self.folder, &name)?);
        Ok(())
    }

    /// Waits until all that was sent is decided and written, and reads it.
    async fn kept(&self) -> Result<Stored, String> {
        tokio::time::sleep(ON_ITS_WAY + DECISION + WRITTEN).await;
        let mut stored = Stored::default();
        for sampler in &self.samplers {
            stored.read(&sampler.file())?;
        }
        Ok(stored)
    }

    fn end(self) -> Result<(), String> {
        for service in self.services {
            let said = service.stop()?;
            if said.contains("lost") {
                return Err(format!("a service lost spans: {said}"));
            }
        }
        for collector in self.agents.into_iter().chain(self.samplers) {
            collector.process.stop()?;
        }
        Ok(())
    }
}

/// A folder of its own in the build folder: the program lies in that of a profile.
fn build_folder() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = program.ancestors().nth(2).ok_or("a program lies in the folder of a profile")?;
    Ok(target.join("fleet"))
}

/// Each service asks the next one, and sends its spans to one of the agents in turn.
fn services(folder: &Path, agents: &[Collector]) -> Result<(Vec<Process>, String), String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut next = String::new();
    let mut services = Vec::new();
    for (name, agent) in NAMES.iter().rev().zip(agents.iter().cycle()) {
        let port = free_port();
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(&own);
        command.args(["service", name, &address, &next]);
        command
            .env("OTEL_TRACES_EXPORTER", "otlp")
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", agent.port))
            .env("OTEL_BSP_SCHEDULE_DELAY", "1000");
        let log = folder.join(format!("{name}.log"));
        services.push(Process::start(name, &mut command, &log, port)?);
        next = address;
    }
    services.reverse();
    Ok((services, format!("http://{next}")))
}

/// Every trace is whole; then a sampler is killed and another takes its place, and what is lost is counted.
pub(crate) async fn lose_a_sampler() -> Result<(), String> {
    let mut fleet = Fleet::start()?;

    println!("\n## Three samplers, {RATE} traces a second\n");
    let sent = load::run(&fleet.gateway, RATE, STEADY).await?;
    let steady = report::steady(&sent, &fleet.kept().await?);

    println!("\n## One is killed, and another added\n");
    let gateway = fleet.gateway.clone();
    let load = tokio::spawn(async move { load::run(&gateway, RATE, STEADY * 2).await });
    tokio::time::sleep(STEADY).await;
    let metrics = fleet.samplers[1].metrics()?;
    let killed = Instant::now();
    fleet.samplers[1].process.kill();
    fleet.add_sampler()?;
    tokio::time::sleep(UNNOTICED.saturating_sub(killed.elapsed())).await;
    let left = fleet.samplers.iter().filter(|sampler| sampler.name != "sampler-2");
    let list = addresses(left);
    for agent in &fleet.agents {
        agent.balance_over(&list)?;
    }
    let reloaded = Instant::now() + RELOADED;
    let sent: Vec<Sent> = load.await.map_err(|error| error.to_string())??;
    let window = (killed - DECISION - ON_ITS_WAY, reloaded);
    let held = metrics.sum("otelcol_processor_tail_sampling_sampling_traces_on_memory");
    let lost = report::lost(&sent, &fleet.kept().await?, window, held);
    let failed: u64 = fleet
        .agents
        .iter()
        .map(|agent| agent.metrics().map(|m| m.sum("otelcol_exporter_send_failed_spans")))
        .sum::<Result<u64, String>>()?;
    println!("spans that the agents gave up: {failed}");

    fleet.end()?;
    steady.and(lost)
}

/// A million spans at a steady rate, and what each tier took for them.
pub(crate) async fn cost_of_a_million_spans() -> Result<(), String> {
    const RATE: u64 = 1_000;
    const WARM_UP: Duration = Duration::from_secs(3);
    let traces = 1_000_000_u64.div_ceil(SPANS.len() as u64);
    let fleet = Fleet::start()?;
    load::run(&fleet.gateway, RATE, WARM_UP).await?;
    let warmed_up = fleet.kept().await?.spans();
    let before = fleet.usage();
    let sent =
        load::run(&fleet.gateway, RATE, Duration::from_millis(traces * 1_000 / RATE)).await?;
    let stored = fleet.kept().await?;
    let after = fleet.usage();
    let file = fleet.samplers.iter().filter_map(|s| s.file().metadata().ok()).map(|m| m.len());
    let bytes = file.sum::<u64>() as f64 / stored.spans() as f64;
    let steady = report::steady(&sent, &stored);
    report::costs(&report::Costs {
        spans: sent.len() as u64 * SPANS.len() as u64,
        kept: stored.spans() - warmed_up,
        stored_bytes_a_span: bytes,
        tiers: std::array::from_fn(|tier| after[tier] - before[tier]),
    });
    fleet.end()?;
    steady
}

impl Fleet {
    fn usage(&self) -> [Usage; 3] {
        let of = |tier: &[Collector]| Usage::of(tier.iter().map(|collector| &collector.process));
        [Usage::of(&self.services), of(&self.agents), of(&self.samplers)]
    }
}
