//! Which core a process runs on.

use std::{
    process::{self, Command, Stdio},
    thread,
};

/// Two cores, so that whoever asks takes nothing from the one who answers.
#[derive(Clone, Copy, Debug)]
pub enum Cores {
    /// The server has the first one, this process and what else it starts the second.
    Apart,
    /// Wherever the system puts them: there is one core, or no `taskset`.
    Shared,
}

impl Cores {
    /// Moves this process to its core, if that can be done. Threads started later stay there too.
    #[must_use]
    pub fn split() -> Self {
        let has_two = thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
        let own = process::id().to_string();
        let moved = || {
            Command::new("taskset")
                .args(["-a", "-c", "-p", "1", &own])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        if has_two && moved() { Self::Apart } else { Self::Shared }
    }

    /// A command for `program` on the server's core.
    pub(super) fn server(self, program: &str) -> Command {
        match self {
            Self::Apart => {
                let mut command = Command::new("taskset");
                command.args(["-c", "0", program]);
                command
            }
            Self::Shared => Command::new(program),
        }
    }
}
