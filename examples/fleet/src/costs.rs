//! What processes take: processor time, memory, and what they read.

use crate::process::Process;
use std::{fs, ops::Sub, time::Duration};

/// What one process, or several of one tier, have taken so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Processor time of all threads.
    pub(crate) processor: Duration,
    /// The most memory that each had, in KiB, summed.
    pub(crate) memory: u64,
    /// Bytes that `read` gave them. Go reads its sockets so, and Rust does not.
    pub(crate) read: u64,
}

impl Usage {
    /// The sum over these processes; what the system does not tell is zero.
    pub(crate) fn of<'a>(processes: impl IntoIterator<Item = &'a Process>) -> Self {
        processes.into_iter().fold(Self::default(), |sum, process| {
            let id = process.id();
            let file =
                |name: &str| fs::read_to_string(format!("/proc/{id}/{name}")).unwrap_or_default();
            Self {
                processor: sum.processor + processor(&file("stat")),
                memory: sum.memory + field(&file("status"), "VmHWM:"),
                read: sum.read + field(&file("io"), "rchar:"),
            }
        })
    }
}

/// What was taken between two looks. The most memory is the later one's.
impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            processor: self.processor.saturating_sub(before.processor),
            memory: self.memory,
            read: self.read.saturating_sub(before.read),
        }
    }
}

/// User and system time, the 14th and 15th field. The second, in parentheses, may contain blanks.
fn processor(stat: &str) -> Duration {
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn field(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc_are_read() {
        let stat = "12 (a b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 4 0 1 2 3";
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        assert_eq!(processor(stat), Duration::from_secs_f64(200.0 / ticks));
        assert_eq!(field("VmPeak:\t 9 kB\nVmHWM:\t  15 kB\n", "VmHWM:"), 15);
        assert_eq!((processor(""), field("", "VmHWM:")), (Duration::ZERO, 0));
    }
}
