//! Files that others write, read so that none of them holds the start up.

use std::fs::OpenOptions;
use std::io::Read;

/// Bytes of a file that are read. The table of mounts is the longest one.
const LONGEST: u64 = 256 * 1024;

/// Reads the beginning of a file as text. `None` if it is not there, is no regular file, or is not UTF-8
/// as far as it is read.
///
/// A pipe that nobody writes to is not waited for.
pub(super) fn read(path: &str) -> Option<String> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // O_NONBLOCK and O_NOCTTY, which are other numbers on MIPS and SPARC: there a pipe holds the
        // start up.
        #[cfg(not(any(target_arch = "mips", target_arch = "mips64", target_arch = "sparc64")))]
        options.custom_flags(0o4000 | 0o400);
    }
    let file = options.open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    // Where it was cut, a character may be cut too.
    let whole = match std::str::from_utf8(&bytes) {
        Ok(_) => bytes.len(),
        Err(error) if bytes.len() as u64 == LONGEST && error.error_len().is_none() => {
            error.valid_up_to()
        }
        Err(_) => return None,
    };
    bytes.truncate(whole);
    String::from_utf8(bytes).ok()
}

/// Reads a file with one value in it, without white space around. `None` for an empty one too.
pub(super) fn line(path: &str) -> Option<String> {
    let text = read(path)?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_not_read() {
        for path in ["/", "/dev/null", "/dev/zero", "/nowhere", "", "a\0b"] {
            assert_eq!(read(path), None, "{path:?}");
        }
    }

    #[test]
    fn a_long_file_is_cut_and_text_that_is_none_is_not_read() {
        let folder = std::env::temp_dir().join(format!("tracewire-files-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("file");
        let at = path.to_str().unwrap();
        for (content, expected) in [
            ("é".repeat(300_000).into_bytes(), Some(262_144)),
            (["x".to_owned(), "é".repeat(300_000)].concat().into_bytes(), Some(262_143)),
            (b" a\n".to_vec(), Some(3)),
            (Vec::new(), Some(0)),
            (b"\xff\xfe".to_vec(), None),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(read(at).map(|text| text.len()), expected);
        }
        std::fs::write(&path, " a \n").unwrap();
        assert_eq!(line(at).as_deref(), Some("a"));
        std::fs::write(&path, " \n").unwrap();
        assert_eq!(line(at), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_that_nobody_writes_to_is_not_waited_for() {
        let folder = std::env::temp_dir().join(format!("tracewire-pipe-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        if made.is_ok_and(|status| status.success()) {
            assert_eq!(read(path.to_str().unwrap()), None);
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
