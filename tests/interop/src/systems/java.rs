//! OpenTelemetry for Java: its agent around a plain server and client of the JDK.

use crate::{
    lab::Lab,
    peer::Peer,
    relay::{self, B3, B3_MULTI, JAEGER, W3C, XRAY},
    row::{Checks, System},
};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

pub(crate) const SYSTEMS: &[System] = &[System { name: "Java: OpenTelemetry agent", check }];

const AGENT: &str = "io.opentelemetry.javaagent:opentelemetry-javaagent:2.33.1";
/// What the program looks at its span with.
const API: [&str; 3] = [
    "io.opentelemetry:opentelemetry-api:1.67.0",
    "io.opentelemetry:opentelemetry-common:1.67.0",
    "io.opentelemetry:opentelemetry-context:1.67.0",
];

fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    let (_, version) = AGENT.rsplit_once(':').ok_or("coordinates end with a version")?;
    checks.version(format!("opentelemetry-javaagent {version}"));
    let agent = lab.maven(AGENT)?;
    let class_path = compile(lab)?;
    for format in [W3C, B3, B3_MULTI, JAEGER, XRAY] {
        let start = |environment: &[(&str, &str)]| start(lab, &agent, &class_path, environment);
        relay::check(lab, checks, &start, format)?;
    }
    Ok(())
}

/// Compiles the program, and gives back what it runs with.
fn compile(lab: &Lab) -> Result<String, String> {
    let jars: Vec<PathBuf> = API.iter().map(|api| lab.maven(api)).collect::<Result<_, _>>()?;
    let classes = lab.cache("java-classes/Service.class").with_file_name("");
    let shown = |paths: &[PathBuf]| {
        let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        paths.join(":")
    };
    let mut compiler = Command::new("javac");
    compiler.arg("-d").arg(&classes).args(["-cp", &shown(&jars)]);
    compiler.arg(lab.source("java").join("Service.java"));
    lab.run("javac", &mut compiler)?;
    Ok(shown(&[&[classes], &jars[..]].concat()))
}

fn start(
    lab: &Lab,
    agent: &Path,
    class_path: &str,
    environment: &[(&str, &str)],
) -> Result<Peer, String> {
    let mut java = Command::new("java");
    // It lives for seconds: no use for the slower, better compiler.
    java.args(["-XX:TieredStopAtLevel=1", "-Xmx256m"]);
    java.arg(format!("-javaagent:{}", agent.display())).args(["-cp", class_path, "Service"]);
    Peer::start(lab, "java", &mut java, environment)
}
