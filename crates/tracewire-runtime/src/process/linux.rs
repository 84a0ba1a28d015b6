//! What Linux tells of a process, in `/proc/self`.

use super::Usage;
use nix::{
    time::{ClockId, clock_gettime},
    unistd::{SysconfVar, sysconf},
};
use std::fs;

/// Reads memory, threads, descriptors and age; nothing where `/proc` is not there.
pub(super) fn read() -> Usage {
    let stat = fs::read_to_string("/proc/self/stat").ok();
    let Some(stat) = stat.as_deref().and_then(Stat::parse) else { return Usage::default() };
    Usage {
        memory: unit(SysconfVar::PAGE_SIZE)
            .and_then(|page| Some([stat.resident_pages.checked_mul(page)?, stat.virtual_bytes])),
        threads: Some(stat.threads),
        file_descriptors: descriptors(),
        uptime: uptime(stat.started),
        ..Usage::default()
    }
}

/// The size of the folder is the number of descriptors since Linux 6.2, which takes no time; it was zero
/// before, where they are counted instead.
fn descriptors() -> Option<u64> {
    fs::metadata("/proc/self/fd").ok().map(|folder| folder.len()).filter(|number| *number > 0)
}

/// Seconds since the start, which the kernel tells in ticks since it booted.
fn uptime(started: u64) -> Option<f64> {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?;
    let now = now.tv_sec() as f64 + now.tv_nsec() as f64 / 1e9;
    Some((now - started as f64 / unit(SysconfVar::CLK_TCK)? as f64).max(0.0))
}

fn unit(of: SysconfVar) -> Option<u64> {
    sysconf(of).ok()??.try_into().ok().filter(|unit| *unit > 0)
}

/// What `/proc/self/stat` says, as proc_pid_stat(5) has it.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    threads: u64,
    /// In ticks since boot.
    started: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The second field is the program's name in parentheses, and may hold any character.
        let (_, text) = text.rsplit_once(')')?;
        let fields: Vec<_> = text.split_ascii_whitespace().collect();
        // The first of them is the third one of the manual.
        let field = |number: usize| fields.get(number - 3)?.parse().ok();
        Some(Self {
            threads: field(20)?,
            started: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REST: &str = "S 1 2 3 0 -1 4194560 11 0 7 0 5 6 0 0 20 0 9 0 1234 56789 321 99";

    fn expected() -> Option<Stat> {
        Some(Stat { threads: 9, started: 1234, virtual_bytes: 56_789, resident_pages: 321 })
    }

    #[test]
    fn the_name_of_a_program_may_look_like_the_rest() {
        for name in ["shop", "a b", ") S 1 (", "(", ")", ""] {
            assert_eq!(Stat::parse(&format!("42 ({name}) {REST}\n")), expected(), "{name:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        for text in [
            "",
            "42",
            "42 (a)",
            "42 (a) S 1",
            ")",
            "42 (a) S x x x x x x x x x x x x x x x x x x x x x",
        ] {
            assert_eq!(Stat::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), name in any::<String>()) {
            let _ = Stat::parse(&text);
            prop_assert_eq!(Stat::parse(&format!("1 ({name}) {REST}")), expected());
        }
    }
}
