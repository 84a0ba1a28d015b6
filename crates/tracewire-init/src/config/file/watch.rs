//! When a file that is polled should be read again.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// What tells one state of a file from another without reading it.
///
/// It is that of the file that symbolic links lead to, so a link that is moved, as Kubernetes does with
/// mounted configuration, is a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stat {
    /// There is no such file, or it cannot be looked at.
    Missing,
    File {
        modified: Option<SystemTime>,
        size: u64,
        device: u64,
        inode: u64,
    },
}

impl Stat {
    pub(crate) fn of(path: &Path) -> Self {
        let Ok(metadata) = fs::metadata(path) else { return Self::Missing };
        let (device, inode) = identity(&metadata);
        Self::File { modified: metadata.modified().ok(), size: metadata.len(), device, inode }
    }
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Elsewhere time and size must do.
#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> (u64, u64) {
    (0, 0)
}

/// What is remembered from one poll to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watch {
    /// The state that was read last, whether it could be used or not.
    read: Stat,
    /// The state that the last poll saw.
    seen: Stat,
}

impl Watch {
    /// Watches a file that was read in this state. Take it before reading: what changes while the file
    /// is read is then noticed.
    pub(crate) fn new(read: Stat) -> Self {
        Self { read, seen: read }
    }

    /// Takes what a poll sees now, and says whether to read the file.
    ///
    /// That is so once for each new state, and only if two polls in a row see it, so that a file is not
    /// read while it is written. A file that cannot be used is not read again until it changes.
    pub(crate) fn poll(&mut self, now: Stat) -> bool {
        let is_settled = now == self.seen;
        self.seen = now;
        let is_due = is_settled && now != self.read;
        if is_due {
            self.read = now;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state(size: u64) -> Stat {
        Stat::File { modified: None, size, device: 1, inode: 1 }
    }

    /// Which of the polls read the file, after one in state 0.
    fn reads(polls: &[u64]) -> Vec<bool> {
        let mut watch = Watch::new(state(0));
        polls.iter().map(|&size| watch.poll(state(size))).collect()
    }

    #[test]
    fn a_new_state_is_read_once_two_polls_see_it() {
        assert_eq!(reads(&[0, 0, 1, 1, 1]), [false, false, false, true, false]);
    }

    #[test]
    fn a_file_that_is_being_written_is_left_alone() {
        assert_eq!(reads(&[1, 2, 3, 3]), [false, false, false, true]);
    }

    #[test]
    fn a_state_that_comes_back_in_time_is_no_change() {
        assert_eq!(reads(&[1, 0, 0, 0]), [false; 4]);
        assert_eq!(reads(&[1, 1, 0, 0]), [false, true, false, true]);
    }

    #[test]
    fn a_file_that_is_gone_is_noticed_once() {
        let mut watch = Watch::new(state(0));
        let polls = [Stat::Missing, Stat::Missing, Stat::Missing, state(0), state(0)];
        assert_eq!(polls.map(|now| watch.poll(now)), [false, true, false, false, true]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_moves_is_a_change() {
        let folder = std::env::temp_dir().join(format!("tracewire-watch-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for name in ["a", "b"] {
            fs::write(folder.join(name), "same").unwrap();
        }
        let link = folder.join("otel.yaml");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink("a", &link).unwrap();
        let before = Stat::of(&link);
        assert_eq!(before, Stat::of(&link));
        fs::remove_file(&link).unwrap();
        assert_eq!(Stat::of(&link), Stat::Missing);
        std::os::unix::fs::symlink("b", &link).unwrap();
        assert_ne!(Stat::of(&link), before);
        fs::remove_dir_all(&folder).unwrap();
    }

    proptest! {
        #[test]
        fn what_lasts_is_read_and_nothing_is_read_twice_in_a_row(
            polls in proptest::collection::vec(0_u64..3, 0..50),
        ) {
            let mut watch = Watch::new(state(0));
            let mut last_read = 0;
            for &now in &polls {
                if watch.poll(state(now)) {
                    prop_assert_ne!(now, last_read);
                    last_read = now;
                }
            }
            if let [.., before, last] = polls[..] && before == last {
                prop_assert_eq!(last_read, last);
            }
        }
    }
}
