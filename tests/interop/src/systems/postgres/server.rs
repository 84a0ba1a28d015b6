//! A server with a database of its own, which ends with its owner.

use crate::{
    lab::{Lab, free_port},
    process::Process,
};
use rustix::process::getuid;
use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Which package is unpacked where the server is not installed.
const PACKAGE: &str = "postgresql-15";
/// How long making the database, or starting the server, may take.
const START: Duration = Duration::from_secs(60);
/// Whom the server runs as if this program runs as root, which it refuses.
const NOBODY: u32 = 65_534;

pub(super) struct Postgres {
    // First, so that it has ended before its folder goes.
    _process: Process,
    _folder: Folder,
    version: String,
    pub(super) port: u16,
}

impl Postgres {
    pub(super) fn start(lab: &Lab) -> Result<Self, String> {
        let programs = programs(lab)?;
        let folder = Folder::new()?;
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(&folder.0).env_clear().arg("-D").arg(folder.0.join("data"));
            if getuid().is_root() {
                command.uid(NOBODY).gid(NOBODY);
            }
            command
        };
        let mut init = command("initdb");
        init.args(["--username=ada", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        Process::start("initdb", &mut init, &lab.log("initdb"))?.finished(START)?;
        let port = free_port();
        let mut server = command("postgres");
        server.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        server.args(["-c", "unix_socket_directories=", "-c", "fsync=off"]);
        let mut process = Process::start("postgres", &mut server, &lab.log("postgres"))?;
        process.listening(port, START)?;
        let ready = "database system is ready to accept connections";
        let log = lab.log("postgres");
        process.until(START, "is ready", || {
            fs::read_to_string(&log).is_ok_and(|said| said.contains(ready))
        })?;
        let version = fs::read_to_string(folder.0.join("data/PG_VERSION")).unwrap_or_default();
        let version = version.trim().to_owned();
        Ok(Self { _process: process, _folder: folder, version, port })
    }

    pub(super) fn version(&self) -> String {
        self.version.clone()
    }

    /// Where clients connect, with a password that the server does not ask for.
    pub(super) fn url(&self) -> String {
        format!("postgres://ada:SECRET@127.0.0.1:{}/postgres", self.port)
    }
}

/// The folder with the programs: that of the system, or of its package.
fn programs(lab: &Lab) -> Result<PathBuf, String> {
    let newest = |root: &Path| {
        let versions = fs::read_dir(root.join("usr/lib/postgresql")).ok()?;
        let programs = versions.flatten().map(|version| version.path().join("bin"));
        programs.filter(|programs| programs.join("initdb").is_file()).max()
    };
    if let Some(programs) = newest(Path::new("/")) {
        return Ok(programs);
    }
    let root = lab.debian(PACKAGE)?;
    newest(&root).ok_or_else(|| format!("{PACKAGE} has no programs"))
}

/// A folder of the server's own, for it to read and no one else.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("tracewire-postgres-{}", std::process::id()));
        let failed = |error| format!("cannot make {}: {error}", path.display());
        fs::create_dir(&path).map_err(failed)?;
        let folder = Self(path.clone());
        if getuid().is_root() {
            chown(&path, Some(NOBODY), Some(NOBODY)).map_err(failed)?;
        }
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
