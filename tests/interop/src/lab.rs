//! Where everything lies, and ours among the systems: the test service and the examples.

use crate::{peer::Peer, process::Process};
use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// How long a build of ours may take.
const BUILD: Duration = Duration::from_secs(15 * 60);

/// The folders of a run.
#[derive(Debug)]
pub(crate) struct Lab {
    binaries: PathBuf,
    cache: PathBuf,
}

impl Lab {
    /// A lab in the build folder that this program lies in.
    pub(crate) fn new() -> Self {
        let program = std::env::current_exe().expect("a program knows where it lies");
        let profile = program
            .ancestors()
            .find(|folder| folder.join("deps").is_dir())
            .expect("cargo builds into a folder that has `deps`");
        let target = profile.parent().expect("a profile's folder lies in the build folder");
        Self { binaries: profile.to_owned(), cache: target.join("interop") }
    }

    /// A path among what is kept between runs. Its folder exists.
    pub(crate) fn cache(&self, name: &str) -> PathBuf {
        let path = self.cache.join(name);
        let folder = path.parent().expect("a file in the cache has a folder");
        std::fs::create_dir_all(folder).expect("the build folder is writable");
        path
    }

    /// A program of the other side, in the sources.
    pub(crate) fn source(&self, name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
    }

    /// Where a process writes what it says.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        self.cache(&format!("logs/{name}.log"))
    }

    /// Builds a program of this workspace, and says where it is.
    pub(crate) fn build(&self, package: &str, binary: &str) -> Result<PathBuf, String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--package", package, "--bin", binary]);
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        if self.binaries.ends_with("release") {
            build.arg("--release");
        }
        let name = format!("build of {binary}");
        Process::start(&name, &mut build, &self.log(&name))?.finished(BUILD)?;
        Ok(self.binaries.join(binary))
    }

    /// Our test service: `/relay?to=URL` and the other routes of its page. Configured by
    /// environment alone.
    pub(crate) fn ours(&self, environment: &[(&str, &str)]) -> Result<Peer, String> {
        let service = self.build("tracewire-test-service", "tracewire-test-service")?;
        Peer::start(self, "ours", &mut Command::new(service), environment)
    }
}

/// A port of the loopback address that nobody listens on.
///
/// It lies below those that outgoing connections get by themselves: one of these could take it
/// before, or between two runs of, the system that it is meant for.
pub(crate) fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(97);
    (0..COUNT)
        .map(|_| FIRST + start.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .map(|port| u16::try_from(port).expect("all of them are below 32000"))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free port")
}
