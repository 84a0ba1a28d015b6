//! An example of ours, as a producer for the system that it is made for.

use crate::{lab::Lab, peer::without_tracers, process::Process};
use std::{process::Command, time::Duration};

const START: Duration = Duration::from_secs(30);
const LISTENING: &str = "listening on ";

/// A running example that listens on a free port, and says which.
#[derive(Debug)]
pub(crate) struct Example {
    process: Process,
    url: String,
}

impl Example {
    /// Builds it, and starts it with `environment` as all that it knows about telemetry.
    pub(crate) fn start(
        lab: &Lab,
        package: &str,
        environment: &[(&str, &str)],
    ) -> Result<Self, String> {
        let mut command = Command::new(lab.build(package, package)?);
        without_tracers(&mut command);
        command.env_remove("RUST_LOG").env("LISTEN", "127.0.0.1:0");
        command.envs(environment.iter().copied());
        let log = lab.log(package);
        let mut process = Process::start(package, &mut command, &log)?;
        process.until(START, "says where it listens", || {
            std::fs::read_to_string(&log).is_ok_and(|said| address(&said).is_some())
        })?;
        let url = address(&process.log()).unwrap_or_default();
        Ok(Self { process, url })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends it, after it has sent what it still holds. Gives back all it has said.
    pub(crate) fn stop(self) -> Result<String, String> {
        self.process.stop()
    }
}

/// The URL on the line that says where it listens, once that line is complete.
fn address(said: &str) -> Option<String> {
    let (_, rest) = said.split_once(LISTENING)?;
    rest.split_once('\n').map(|(url, _)| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_a_complete_line() {
        let said = "something else\nlistening on http://127.0.0.1:8\n";
        assert_eq!(address(said).as_deref(), Some("http://127.0.0.1:8"));
        assert_eq!(address("listening on http://127.0.0.1"), None);
        assert_eq!(address(""), None);
    }
}
