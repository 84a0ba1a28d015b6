//! A program of this workspace that runs.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running program, ended when it is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Program {
    /// Builds a program and starts it, with no more telemetry settings than these.
    pub fn start(package: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(build(package));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("OTEL_") || name.starts_with("TRACEWIRE_") {
                command.env_remove(&*name);
            }
        }
        command.args(arguments).envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it was built");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, output }
    }

    /// Returns what follows `text` in the first line from here on that has it, up to a blank.
    pub fn said(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("it says something");
            assert!(read > 0, "it ended before it said {text:?}");
            if let Some((_, rest)) = line.split_once(text) {
                let rest = rest.split_whitespace().next().unwrap_or_default();
                return rest.trim_end_matches('.').to_owned();
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds a binary beside that of a test, which lies in `deps`, or of a program.
fn build(package: &str) -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", package, "--bin", package]);
    let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(status.expect("cargo runs").success(), "{package} does not build");
    let test = std::env::current_exe().expect("a test knows where it lies");
    let mut profile = test.parent().expect("it lies in a directory");
    if profile.ends_with("deps") {
        profile = profile.parent().expect("`deps` lies in a profile's directory");
    }
    profile.join(package)
}
