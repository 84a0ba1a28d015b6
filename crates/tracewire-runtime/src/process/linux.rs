//! What Linux tells of a process, in `/proc/self`.

use super::Usage;
use nix::{
    time::{ClockId, clock_gettime},
    unistd::{SysconfVar, sysconf},
};
use std::{fs::File, os::unix::fs::FileExt, process, str, sync::LazyLock};

/// More than the longest `/proc/self/stat`: 52 numbers of at most 20 digits, and a name of 64 bytes.
const LONGEST: usize = 2048;

/// Kept open, because to find them takes longer than to read them.
static FILES: LazyLock<Option<Files>> = LazyLock::new(Files::open);

/// Reads memory, threads, descriptors and age; nothing where `/proc` is not there.
pub(super) fn read() -> Usage {
    // After a fork they are still those of the parent.
    let own = FILES.as_ref().filter(|files| files.process == process::id());
    own.and_then(Files::read).or_else(|| Files::open()?.read()).unwrap_or_default()
}

/// What is read of a process.
#[derive(Debug)]
struct Files {
    process: u32,
    stat: File,
    /// The folder of the descriptors.
    descriptors: File,
}

impl Files {
    fn open() -> Option<Self> {
        let open = |name| File::open(name).ok();
        let (stat, descriptors) = (open("/proc/self/stat")?, open("/proc/self/fd")?);
        Some(Self { process: process::id(), stat, descriptors })
    }

    fn read(&self) -> Option<Usage> {
        let mut text = [0; LONGEST];
        // The kernel writes it anew for each read from its beginning.
        let length = self.stat.read_at(&mut text, 0).ok()?;
        let stat = Stat::parse(text.get(..length)?)?;
        Some(Usage {
            memory: unit(SysconfVar::PAGE_SIZE).and_then(|page| {
                Some([stat.resident_pages.checked_mul(page)?, stat.virtual_bytes])
            }),
            threads: Some(stat.threads),
            file_descriptors: self.descriptors(),
            uptime: uptime(stat.started),
            ..Usage::default()
        })
    }

    /// The size of the folder is the number of descriptors since Linux 6.2, which takes no time; it was
    /// zero before, where they are counted instead.
    fn descriptors(&self) -> Option<u64> {
        self.descriptors.metadata().ok().map(|folder| folder.len()).filter(|number| *number > 0)
    }
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

/// Threads, the start, bytes of address space and resident pages, if this is a `/proc/self/stat`.
pub fn numbers_of_stat(text: &[u8]) -> Option<[u64; 4]> {
    let Stat { threads, started, virtual_bytes, resident_pages } = Stat::parse(text)?;
    Some([threads, started, virtual_bytes, resident_pages])
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
    fn parse(text: &[u8]) -> Option<Self> {
        // The second field is the program's name in parentheses, and may hold any byte.
        let end = text.iter().rposition(|&byte| byte == b')')?;
        let text = str::from_utf8(text.get(end + 1..)?).ok()?;
        // The first of them is the third one of the manual.
        let mut fields = text.split_ascii_whitespace().skip(20 - 3);
        let mut next = || fields.next()?.parse().ok();
        let (threads, _, started) = (next()?, next()?, next()?);
        Some(Self { threads, started, virtual_bytes: next()?, resident_pages: next()? })
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
            let text = format!("42 ({name}) {REST}\n");
            assert_eq!(Stat::parse(text.as_bytes()), expected(), "{name:?}");
        }
        // Cut by the kernel after 15 bytes, within a character.
        let cut = [b"42 (", &"Überwachungäü".as_bytes()[..15], b") ", REST.as_bytes()].concat();
        assert!(str::from_utf8(&cut).is_err());
        assert_eq!(Stat::parse(&cut), expected());
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
            assert_eq!(Stat::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<Vec<u8>>(), name in any::<Vec<u8>>()) {
            let _ = Stat::parse(&text);
            let text = [b"1 (", &*name, b") ", REST.as_bytes()].concat();
            prop_assert_eq!(Stat::parse(&text), expected());
        }
    }
}
