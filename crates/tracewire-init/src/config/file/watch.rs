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
    /// It could not be read, so whatever is seen next is new.
    Unread,
    File {
        modified: Option<SystemTime>,
        size: u64,
        identity: Identity,
    },
}

/// Tells apart two files of the same time and size, and one file before and after its permissions
/// changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    /// When its content or its permissions changed, in seconds and nanoseconds.
    changed: (i64, i64),
}

impl Stat {
    pub(crate) fn of(path: &Path) -> Self {
        let Ok(metadata) = fs::metadata(path) else { return Self::Missing };
        let (modified, size) = (metadata.modified().ok(), metadata.len());
        Self::File { modified, size, identity: identity(&metadata) }
    }
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    let changed = (metadata.ctime(), metadata.ctime_nsec());
    Identity { device: metadata.dev(), inode: metadata.ino(), changed }
}

/// Elsewhere time and size must do.
#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> Identity {
    Identity::default()
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

    /// Reads the file at the next poll again, whether it changes or not: what kept it from being read may
    /// be over then.
    pub(crate) fn retry(&mut self) {
        self.read = Stat::Unread;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state(size: u64) -> Stat {
        Stat::File { modified: None, size, identity: Identity::default() }
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

    #[test]
    fn a_file_that_could_not_be_read_is_read_at_each_poll_until_it_can() {
        let mut watch = Watch::new(state(0));
        assert_eq!([state(1), state(1)].map(|now| watch.poll(now)), [false, true]);
        for _ in 0..3 {
            watch.retry();
            assert!(watch.poll(state(1)));
        }
        assert!(!watch.poll(state(1)));
    }

    #[cfg(unix)]
    #[test]
    fn permissions_that_come_back_are_a_change() {
        use std::os::unix::fs::PermissionsExt as _;
        let name = format!("tracewire-permissions-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, "same").unwrap();
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        set(0o000);
        let before = Stat::of(&path);
        // The time of a change has the kernel's clock tick as its unit.
        let changed = (0..1_000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            set(0o644);
            Stat::of(&path) != before
        });
        fs::remove_file(&path).unwrap();
        assert!(changed);
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
