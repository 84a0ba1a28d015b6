//! What must hold after a run.

use crate::{
    collector::{Fault, Taken},
    growth::Growth,
    sample::{Sample, Told},
    traffic::{Came, Kind, MOST_OPEN, Version},
};
use std::collections::BTreeMap;

/// All that is known of a run.
pub(crate) struct Run {
    /// Before there was a caller.
    pub(crate) before: Sample,
    pub(crate) samples: Vec<Sample>,
    pub(crate) came: BTreeMap<(Kind, Version), Came>,
    /// When all callers had left.
    pub(crate) quiet: Sample,
    /// What the service said after the shutdown of its telemetry.
    pub(crate) told: Told,
    pub(crate) taken: Taken,
}

/// Something that must hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) what: &'static str,
    pub(crate) holds: bool,
    pub(crate) figures: String,
}

/// Growth that is none: allocators keep what they once had, and clients open a connection more or less.
const MEMORY_SLACK_KIB: u64 = 8 * 1024;
const THREADS_SLACK: u64 = 2;
const OPEN_SLACK: u64 = 16;
/// What stays open without callers: up to sixteen threads that send, each with a connection.
const SENDERS: u64 = 16;

pub(crate) fn of(run: &Run) -> Vec<Check> {
    let mut checks = sums(run);
    checks.extend(during(run));
    checks.extend(growth(run));
    checks.push(after(run));
    checks.extend(conditions(run));
    checks
}

fn equal(what: &'static str, left: u64, right: u64) -> Check {
    Check { what, holds: left == right, figures: format!("{left} = {right}") }
}

fn sums(run: &Run) -> Vec<Check> {
    let (told, metrics) = (&run.told, &run.taken.metrics);
    let (made, taken) = (told.made(), run.taken.spans);
    let known = told.exported + told.lost();
    // A batch whose answer came too late has failed, and was taken.
    let late = taken.saturating_sub(told.exported);
    vec![
        equal("spans exported or counted as lost = requests and calls", known, made),
        equal("spans whose fate is unknown", told.unknown, 0),
        Check {
            what: "every span said to be exported was taken by the collector",
            holds: told.exported <= taken && late <= told.failed,
            figures: format!("{} exported, {taken} taken", told.exported),
        },
        Check {
            what: "every span that the collector did not take is counted as lost",
            holds: made.saturating_sub(taken) <= told.lost(),
            figures: format!("{made} - {taken} <= {} + {}", told.failed, told.dropped),
        },
        equal("durations of requests = requests", metrics.requests, told.reached),
        equal("durations of calls = calls", metrics.calls, told.called),
        Check {
            what: "active requests are 0 at the end, in every series",
            holds: metrics.active == 0 && metrics.active_series == 0,
            figures: format!("{} in {} series", metrics.active, metrics.active_series),
        },
    ]
}

fn during(run: &Run) -> Vec<Check> {
    let many = |such: &dyn Fn(&Sample) -> bool| {
        let odd: Vec<_> = run.samples.iter().filter(|sample| such(sample)).collect();
        let first = odd.first().map(|sample| format!(", first {sample:?}")).unwrap_or_default();
        (odd.is_empty(), format!("{} of {} samples{first}", odd.len(), run.samples.len()))
    };
    let never = |what, such: &dyn Fn(&Sample) -> bool| {
        let (holds, figures) = many(such);
        Check { what, holds, figures }
    };
    let open = |sample: &Sample| sample.told.made().saturating_sub(sample.told.accounted());
    vec![
        never("never more spans than requests and calls", &|sample| {
            sample.told.accounted() > sample.told.made()
        }),
        never("never more without a span than callers", &|sample| open(sample) > MOST_OPEN),
        never("never more exported than the collector took", &|sample| {
            sample.told.exported > sample.taken.spans
        }),
        never("never fewer than 0 active requests, nor more than callers", &|sample| {
            let metrics = &sample.taken.metrics;
            metrics.negative_series > 0 || metrics.active > MOST_OPEN as i64
        }),
    ]
}

fn growth(run: &Run) -> Vec<Check> {
    let flat = |what, unit, slack, of: &dyn Fn(&Sample) -> u64| {
        let values: Vec<_> = run.samples.iter().map(of).collect();
        let growth = Growth::of(&values, slack);
        let figures = growth.map_or_else(
            || "too few samples".to_owned(),
            |growth| {
                let Growth { second, last, most } = growth;
                format!("median {second} {unit}, then {last}; at most {most}")
            },
        );
        Check { what, holds: growth.is_some_and(Growth::is_flat), figures }
    };
    vec![
        flat("memory is flat", "KiB", MEMORY_SLACK_KIB, &|sample| sample.process.resident_kib),
        flat("threads do not grow", "", THREADS_SLACK, &|sample| sample.process.threads),
        flat("descriptors do not grow", "", OPEN_SLACK, &|sample| sample.process.descriptors),
        flat("tasks do not grow", "", OPEN_SLACK, &|sample| sample.told.tasks),
    ]
}

/// Without callers nothing is left but what sends telemetry.
fn after(run: &Run) -> Check {
    let (before, quiet) = (&run.before, &run.quiet);
    let tasks = (before.told.tasks, quiet.told.tasks);
    let threads = (before.process.threads, quiet.process.threads);
    let descriptors = (before.process.descriptors, quiet.process.descriptors);
    Check {
        what: "without callers, no task, and no thread or descriptor beyond senders, is left",
        holds: tasks.1 <= tasks.0
            && threads.1 <= threads.0 + SENDERS
            && descriptors.1 <= descriptors.0 + SENDERS,
        figures: format!(
            "tasks {} → {}, threads {} → {}, descriptors {} → {}",
            tasks.0, tasks.1, threads.0, threads.1, descriptors.0, descriptors.1
        ),
    }
}

/// Without these the others would hold too easily.
fn conditions(run: &Run) -> Vec<Check> {
    let unexpected: u64 = run.came.values().map(|came| came.unexpected).sum();
    let idle = run.came.values().filter(|came| came.expected == 0).count();
    let first = run.came.values().find_map(|came| came.first.clone());
    let faults: Vec<_> = Fault::ALL
        .into_iter()
        .zip(run.taken.faults)
        .map(|(fault, count)| format!("{} {count}", fault.name()))
        .collect();
    vec![
        Check {
            what: "every caller was answered as without telemetry",
            holds: unexpected == 0 && idle == 0 && !run.came.is_empty(),
            figures: match first {
                None => format!("{unexpected} were not"),
                Some(first) => format!("{unexpected} were not, first: {first}"),
            },
        },
        Check {
            what: "the collector faltered in every way",
            holds: run.taken.faults.iter().all(|count| *count > 0),
            figures: faults.join(", "),
        },
        Check {
            what: "spans failed, and spans found no place in the queue",
            holds: run.told.failed > 0 && run.told.dropped > 0,
            figures: format!("{} failed, {} dropped", run.told.failed, run.told.dropped),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{collector::Measured, sample::Process};
    use std::time::Duration;

    fn told(made: u64) -> Told {
        Told {
            reached: made - 20,
            called: 20,
            exported: made - 3,
            failed: 1,
            dropped: 2,
            unknown: 0,
            tasks: 5,
        }
    }

    fn taken(made: u64) -> Taken {
        let metrics = Measured { requests: made - 20, calls: 20, ..Measured::default() };
        Taken { spans: made - 3, faults: [1; Fault::ALL.len()], metrics }
    }

    /// A run of which every check holds.
    fn good() -> Run {
        let sample = |at: u64| Sample {
            at: Duration::from_secs(at),
            told: told(100 + at),
            process: Process { resident_kib: 30_000, threads: 10, descriptors: 50 },
            taken: taken(100 + at),
        };
        let came = Came { expected: 9, unexpected: 0, first: None };
        Run {
            before: sample(0),
            samples: (0..90).map(sample).collect(),
            came: [((Kind::Normal, Version::Http1), came)].into(),
            quiet: sample(90),
            told: told(200),
            taken: taken(200),
        }
    }

    fn failed(change: impl FnOnce(&mut Run)) -> Vec<&'static str> {
        let mut run = good();
        change(&mut run);
        of(&run).into_iter().filter(|check| !check.holds).map(|check| check.what).collect()
    }

    #[test]
    fn a_good_run_passes() {
        assert_eq!(failed(|_| {}), Vec::<&str>::new());
    }

    #[test]
    fn each_check_can_fail() {
        type Change = fn(&mut Run);
        let changes: [(Change, &str); 19] = [
            (|run| run.told.reached += 1, "spans exported or counted as lost = requests and calls"),
            (|run| run.told.unknown = 1, "spans whose fate is unknown"),
            (
                |run| run.taken.spans -= 1,
                "every span said to be exported was taken by the collector",
            ),
            (
                |run| run.taken.spans += 2,
                "every span said to be exported was taken by the collector",
            ),
            (
                |run| run.taken.spans -= 1,
                "every span that the collector did not take is counted as lost",
            ),
            (|run| run.taken.metrics.requests -= 1, "durations of requests = requests"),
            (|run| run.taken.metrics.calls += 1, "durations of calls = calls"),
            (
                |run| run.taken.metrics.active_series = 2,
                "active requests are 0 at the end, in every series",
            ),
            (|run| run.samples[7].told.exported += 1, "never more spans than requests and calls"),
            (|run| run.samples[7].told.reached += 999, "never more without a span than callers"),
            (|run| run.samples[7].taken.spans -= 1, "never more exported than the collector took"),
            (
                |run| run.samples[7].taken.metrics.negative_series = 1,
                "never fewer than 0 active requests, nor more than callers",
            ),
            (|run| grow(run, |s| s.process.resident_kib += 20_000), "memory is flat"),
            (|run| grow(run, |s| s.process.threads += 5), "threads do not grow"),
            (|run| grow(run, |s| s.process.descriptors += 30), "descriptors do not grow"),
            (|run| grow(run, |s| s.told.tasks += 30), "tasks do not grow"),
            (
                |run| run.quiet.told.tasks += 1,
                "without callers, no task, and no thread or descriptor beyond senders, is left",
            ),
            (
                |run| run.came.values_mut().for_each(|came| came.unexpected = 1),
                "every caller was answered as without telemetry",
            ),
            (|run| run.taken.faults[3] = 0, "the collector faltered in every way"),
        ];
        for (change, what) in changes {
            assert!(failed(change).contains(&what), "{what}");
        }
        let (failed_none, what) = (
            |run: &mut Run| {
                run.told.dropped += run.told.failed;
                run.told.failed = 0;
            },
            "spans failed, and spans found no place in the queue",
        );
        assert_eq!(failed(failed_none), [what]);
    }

    fn grow(run: &mut Run, change: impl Fn(&mut Sample)) {
        run.samples[60..].iter_mut().for_each(change);
    }
}
