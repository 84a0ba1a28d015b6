//! Installs systems from their package registries, once for each state of their lock files.

use crate::{lab::Lab, process::Process};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// How long one installation may take: building a large Go program takes minutes.
const INSTALL: Duration = Duration::from_secs(25 * 60);

impl Lab {
    /// A virtual environment with what this requirements file pins; gives back its `bin`.
    pub(crate) fn python(&self, requirements: &str) -> Result<PathBuf, String> {
        let file = self.source(requirements);
        let home = self.once(requirements, &[&file], |home| {
            self.run("python venv", Command::new("python3").args(["-m", "venv"]).arg(home))?;
            let mut pip = Command::new(home.join("bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
            self.run(&format!("pip for {requirements}"), pip.arg(&file))
        })?;
        Ok(home.join("bin"))
    }

    /// The packages that this folder's `package-lock.json` pins, beside a copy of its programs;
    /// gives back where.
    pub(crate) fn node(&self, folder: &str) -> Result<PathBuf, String> {
        let source = self.source(folder);
        let files = files(&source)?;
        self.once(folder, &files.iter().map(PathBuf::as_path).collect::<Vec<_>>(), |home| {
            copy(&files, home)?;
            let mut npm = Command::new("npm");
            npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(home);
            self.run(&format!("npm for {folder}"), &mut npm)
        })
    }

    /// The program of this package, built in the Go module of this folder.
    pub(crate) fn go(&self, folder: &str, package: &str) -> Result<PathBuf, String> {
        let source = self.source(folder);
        let files = files(&source)?;
        let paths: Vec<_> = files.iter().map(PathBuf::as_path).collect();
        let home = self.once(&format!("{folder}-{package}"), &paths, |home| {
            let mut go = Command::new("go");
            go.args(["build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o"]);
            go.arg(home.join("program")).arg(package).current_dir(&source);
            go.env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local").env("GOFLAGS", "");
            self.run(&format!("go build of {package}"), &mut go)
        })?;
        Ok(home.join("program"))
    }

    /// A file of these coordinates (`group:artifact:version[:packaging[:classifier]]`).
    pub(crate) fn maven(&self, coordinates: &str) -> Result<PathBuf, String> {
        let home = self.once(&format!("maven-{coordinates}"), &[], |home| {
            let mut maven = Command::new("mvn");
            maven.args(["--batch-mode", "--quiet"]);
            maven.arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy");
            maven.arg(format!("-Dartifact={coordinates}"));
            maven.arg(format!("-DoutputDirectory={}", home.display())).current_dir(home);
            self.run(&format!("maven for {coordinates}"), &mut maven)
        })?;
        let jar = files(&home)?.into_iter().find(|file| file.extension().is_some());
        jar.ok_or_else(|| format!("maven copied nothing for {coordinates}"))
    }

    /// The files of a Debian package, unpacked and not installed; gives back their root.
    ///
    /// Its version is what the system's package lists name, and what it depends on must be there.
    pub(crate) fn debian(&self, package: &str) -> Result<PathBuf, String> {
        let home = self.once(&format!("debian-{package}"), &[], |home| {
            let name = format!("apt for {package}");
            let download = || {
                let mut apt = Command::new("apt-get");
                self.run(&name, apt.args(["download", package]).current_dir(home))
            };
            // A fresh container has no lists yet.
            download().or_else(|_| {
                self.run("apt lists", Command::new("apt-get").args(["update", "--quiet"]))?;
                download()
            })?;
            for file in files(home)? {
                let mut unpack = Command::new("dpkg-deb");
                self.run(&name, unpack.arg("--extract").arg(&file).arg(home.join("root")))?;
            }
            Ok(())
        })?;
        Ok(home.join("root"))
    }

    /// Runs a tool to its end.
    pub(crate) fn run(&self, name: &str, command: &mut Command) -> Result<(), String> {
        Process::start(name, command, &self.log(name))?.finished(INSTALL)
    }

    /// A folder that `install` has filled to the end, now or in an earlier run with the same
    /// content of these files.
    fn once(
        &self,
        name: &str,
        files: &[&Path],
        install: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Result<PathBuf, String> {
        let mut hasher = DefaultHasher::new();
        for file in files {
            file.file_name().hash(&mut hasher);
            read(file)?.hash(&mut hasher);
        }
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let complete = self.cache(&format!("{name}-{:016x}/complete", hasher.finish()));
        let home = complete.parent().expect("it was just put into a folder").to_owned();
        if !complete.exists() {
            let failed = |error| format!("cannot write {}: {error}", home.display());
            std::fs::remove_dir_all(&home).map_err(failed)?; // an earlier try, half done
            std::fs::create_dir_all(&home).map_err(failed)?;
            install(&home)?;
            std::fs::write(&complete, "").map_err(failed)?;
        }
        Ok(home)
    }
}

/// The files of a folder, itself only, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("cannot read {}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn copy(files: &[PathBuf], to: &Path) -> Result<(), String> {
    for file in files {
        let name = file.file_name().ok_or("a file has a name")?;
        std::fs::write(to.join(name), read(file)?)
            .map_err(|error| format!("cannot write into {}: {error}", to.display()))?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}
