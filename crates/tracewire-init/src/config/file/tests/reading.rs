//! Files on disk.

use std::fs;
use std::path::PathBuf;

use super::*;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = format!("tracewire-config-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(folder);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn with(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_file_of_either_extension_is_read() {
    let folder = Folder::new("extensions");
    for name in ["a.yaml", "b.yml"] {
        let path = folder.with(name, b"\xef\xbb\xbffile_format: \"1.0\"\r\n");
        let file = ConfigFile::read(&path).unwrap();
        assert_eq!(*file.configuration.file_format, Version { major: 1, minor: 0 });
    }
}

#[test]
fn what_cannot_be_a_configuration_is_an_error_that_names_the_file() {
    let folder = Folder::new("errors");
    fs::create_dir_all(folder.0.join("d.yaml")).unwrap();
    let large = vec![b'#'; MOST_BYTES + 1];
    for (path, expected) in [
        (folder.with("a.json", b"{}"), "the name must end in .yaml or .yml"),
        (folder.with("a", b""), "the name must end in .yaml or .yml"),
        (folder.with("a.yaml.bak", b""), "the name must end in .yaml or .yml"),
        (folder.0.join("missing.yaml"), "the file cannot be read: "),
        (folder.0.join("d.yaml"), "this is no file"),
        (folder.with("large.yaml", &large), "the file has more than 1 MiB"),
        (
            folder.with("latin.yaml", b"a: b\nc: \xe4\n"),
            "the file must be UTF-8, and line 2 is not",
        ),
        (folder.with("empty.yaml", b""), "the file is empty"),
        (folder.with("list.yaml", b"- a\n"), "expected a mapping"),
    ] {
        let message = ConfigFile::read(&path).unwrap_err().to_string();
        assert!(
            message.starts_with(&*path.to_string_lossy()) || message.starts_with("(not shown)")
        );
        assert!(message.contains(expected), "{message}\n{expected}");
        assert_eq!(message.lines().count(), 1);
    }
}

#[test]
fn as_much_as_allowed_is_read() {
    let folder = Folder::new("size");
    let mut text = "file_format: '1.1'\n".to_owned();
    for number in 0..10 {
        text.push_str(&format!("x{number}: 1 # {}\n", "comment".repeat(10_000)));
    }
    let rest = MOST_BYTES - text.len();
    for number in 10..20 {
        text.push_str(&format!("x{number}: {}\n", "1".repeat(rest / 10 - 7)));
    }
    text.push_str(&"\n".repeat(MOST_BYTES - text.len()));
    let file = ConfigFile::read(folder.with("a.yaml", text.as_bytes())).unwrap();
    assert_eq!(file.warnings().len(), 20);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_file_and_is_not_waited_for() {
    let folder = Folder::new("pipe");
    let path = folder.0.join("pipe.yaml");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if made.is_ok_and(|status| status.success()) {
        let message = ConfigFile::read(&path).unwrap_err().to_string();
        assert!(message.contains("this is no file"), "{message}");
    }
}
