//! Writes OTLP as lines of JSON, as the OTLP file exporter of the specification has them.

use super::file::OtlpFile;
use crate::{
    diagnostics::{output::Output, shown::Shown},
    error::ExportError,
    pipeline::{
        deadline::{Deadline, after},
        failure::{ErrorType, Failure},
    },
};
use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

/// Writes lines. Blocks the calling thread, at most for the time limit where that is stdout.
#[derive(Debug)]
pub(crate) struct Lines {
    to: OtlpFile,
    /// `None` is no limit.
    timeout: Option<Duration>,
    deadline: Arc<Deadline>,
}

impl Lines {
    /// # Errors
    ///
    /// The file cannot be opened for writing.
    pub(super) fn new(
        to: OtlpFile,
        timeout: Option<Duration>,
        deadline: Arc<Deadline>,
    ) -> Result<Self, ExportError> {
        if let OtlpFile::Path(path) = &to {
            let shown = Shown::path(&path.to_string_lossy());
            let failed = |error: io::Error| {
                ExportError::shown("file", &shown, &format!("it cannot be written: {error}"))
            };
            open(path).map_err(failed)?;
        }
        Ok(Self { to, timeout, deadline })
    }

    /// Writes `body`, which has no line break, as a line.
    pub(super) fn write(&self, mut body: Vec<u8>) -> Result<(), Failure> {
        body.push(b'\n');
        match &self.to {
            OtlpFile::Path(path) => append(path, &body)
                .map_err(|error| Failure::all(format!("the file cannot be written: {error}"))),
            OtlpFile::Stdout => self.print(body),
        }
    }

    fn print(&self, line: Vec<u8>) -> Result<(), Failure> {
        let line = String::from_utf8(line).map_err(|_| Failure::all("it is no text"))?;
        let (tell, told) = mpsc::channel();
        Output::stdout().send_then(line, move |result| drop(tell.send(result)));
        let end = self.deadline.at_most(after(self.timeout.unwrap_or(Duration::MAX)));
        match told.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(result) => result.map_err(|reason| Failure::all(format!("stdout: {reason}"))),
            Err(_) => Err(Failure::of(ErrorType::Timeout, "stdout is not being read")),
        }
    }
}

/// Opens the file for lines at its end.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    // A pipe takes a few lines and then blocks, and what nobody has read is lost when it is closed again.
    match is_pipe(&file.metadata()?) {
        true => Err(io::Error::other("it is a pipe, not a file; the word for stdout is `stdout`")),
        false => Ok(file),
    }
}

#[cfg(unix)]
fn is_pipe(file: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&file.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &Metadata) -> bool {
    false
}

/// Appends a line. After one that was cut off, by a full disk or a crash, it begins on a line of its own.
fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    // A line is written with several calls where a disk is slow, and signals may share a file.
    static WRITING: Mutex<()> = Mutex::new(());
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file = open(path)?;
    if is_cut_off(&mut file) {
        return file.write_all(&[b"\n", line].concat());
    }
    file.write_all(line)
}

/// Whether the last line has no end. A line that another process is just writing gets its end soon.
fn is_cut_off(file: &mut File) -> bool {
    const LOOKS: u32 = 10;
    const PAUSE: Duration = Duration::from_millis(10);
    let mut seen = None;
    for _ in 0..LOOKS {
        let mut last = [b'\n'];
        // What cannot be sought, such as a terminal, has no line before.
        let Ok(end) = file.seek(SeekFrom::End(-1)) else { return false };
        if file.read_exact(&mut last).is_err() || last == *b"\n" {
            return false;
        }
        if seen.replace(end) == Some(end) {
            break; // nobody is writing it
        }
        std::thread::sleep(PAUSE);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A file of its own, removed at the end.
    struct Temporary(PathBuf);

    impl Temporary {
        fn new(name: &str) -> Self {
            let name = format!("tracewire-otlp-file-{}-{name}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        fn lines(&self) -> Result<Lines, ExportError> {
            let to = OtlpFile::Path(self.0.clone());
            Lines::new(to, Some(Duration::from_secs(5)), Arc::default())
        }

        fn text(&self) -> String {
            std::fs::read_to_string(&self.0).unwrap()
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn lines_are_appended_even_after_one_that_was_cut_off() {
        let file = Temporary::new("cut");
        std::fs::write(&file.0, "{\"cut").unwrap();
        let lines = file.lines().unwrap();
        lines.write(b"{}".to_vec()).unwrap();
        lines.write(b"{}".to_vec()).unwrap();
        assert_eq!(file.text(), "{\"cut\n{}\n{}\n");
    }

    #[test]
    fn a_file_that_was_moved_away_is_made_again() {
        let (file, moved) = (Temporary::new("moved"), Temporary::new("moved-away"));
        let lines = file.lines().unwrap();
        lines.write(b"1".to_vec()).unwrap();
        std::fs::rename(&file.0, &moved.0).unwrap();
        lines.write(b"2".to_vec()).unwrap();
        assert_eq!((moved.text(), file.text()), ("1\n".to_owned(), "2\n".to_owned()));
    }

    #[test]
    fn lines_of_many_threads_stay_whole() {
        let file = Temporary::new("threads");
        std::thread::scope(|scope| {
            for digit in 0..8_u8 {
                let file = &file;
                scope.spawn(move || {
                    let lines = file.lines().unwrap();
                    for _ in 0..20 {
                        lines.write(vec![b'0' + digit; 10_000]).unwrap();
                    }
                });
            }
        });
        let text = file.text();
        let is_whole =
            |line: &str| line.len() == 10_000 && line.bytes().all(|b| b == line.as_bytes()[0]);
        assert!(text.lines().count() == 160 && text.lines().all(is_whole));
    }

    /// Set where this program runs as another process of the test: the file that it writes.
    const OTHER: &str = "TRACEWIRE_TEST_LINES_OF_ANOTHER_PROCESS";

    #[test]
    fn lines_of_two_processes_stay_whole() {
        const LINES: usize = 200;
        let write = |path: PathBuf, byte: u8| {
            let lines = Lines::new(OtlpFile::Path(path), None, Arc::default()).unwrap();
            for number in 0..LINES {
                lines.write(vec![byte; 1 + number * 5_000 % 200_000]).unwrap();
            }
        };
        if let Some(path) = std::env::var_os(OTHER) {
            return write(path.into(), b'b');
        }
        let file = Temporary::new("processes");
        let mut other = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["lines_of_two_processes_stay_whole", "--test-threads=1"])
            .env(OTHER, &file.0)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        write(file.0.clone(), b'a');
        assert!(other.wait().unwrap().success());
        let text = file.text();
        // Where both write at once, an empty line may stand between two of theirs.
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        let is_whole = |line: &&&str| line.bytes().all(|byte| byte == line.as_bytes()[0]);
        assert_eq!(lines.len(), 2 * LINES);
        assert_eq!(lines.iter().filter(is_whole).count(), 2 * LINES);
        let bytes: usize = (0..LINES).map(|number| 1 + number * 5_000 % 200_000).sum();
        assert_eq!(lines.iter().map(|line| line.len()).sum::<usize>(), 2 * bytes);
    }

    #[test]
    fn a_folder_is_an_error() {
        let to = OtlpFile::Path(std::env::temp_dir());
        let error = Lines::new(to, None, Arc::default()).unwrap_err().to_string();
        assert!(error.contains("cannot be written"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_an_error_and_one_in_place_of_the_file_a_failure() {
        let (file, pipe) = (Temporary::new("before-pipe"), Temporary::new("pipe"));
        let made = std::process::Command::new("mkfifo").arg(&pipe.0).status().unwrap();
        assert!(made.success());
        let error = pipe.lines().unwrap_err().to_string();
        assert!(error.contains("it is a pipe"), "{error}");
        let lines = file.lines().unwrap();
        std::fs::rename(&pipe.0, &file.0).unwrap();
        let failure = lines.write(b"1".to_vec()).unwrap_err();
        assert!(failure.reason.contains("it is a pipe"), "{failure:?}");
    }

    #[test]
    fn a_file_in_no_folder_is_an_error_and_a_folder_that_is_gone_a_failure() {
        let folder = Temporary::new("folder");
        let inside = Temporary(folder.0.join("a.jsonl"));
        let error = inside.lines().unwrap_err();
        assert_eq!(error.setting(), Some("file"));
        std::fs::create_dir(&folder.0).unwrap();
        let lines = inside.lines().unwrap();
        std::fs::remove_dir_all(&folder.0).unwrap();
        assert!(lines.write(b"1".to_vec()).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_a_failure() {
        let to = OtlpFile::Path("/dev/full".into());
        let lines = Lines::new(to, Some(Duration::from_secs(5)), Arc::default()).unwrap();
        let failure = lines.write(b"1".to_vec()).unwrap_err();
        assert!(failure.reason.contains("No space left"), "{failure:?}");
    }
}
