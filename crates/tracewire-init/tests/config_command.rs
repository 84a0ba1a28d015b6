//! The program `tracewire-config`, as people run it before a deployment.

#![cfg(feature = "command")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::path::PathBuf;
use std::process::{Command, Output};

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tracewire-config"))
        .args(arguments)
        .env_remove("OTEL_CONFIG_FILE")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tracewire-{name}-{}.yaml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn check_prints_the_plan_or_every_problem() {
    let good = file(
        "good",
        "file_format: '1.1'\ntracer_provider:\n  processors: [{simple: {exporter: {console: }}}]\n  \
         sampler:\n    parent_based: {root: {trace_id_ratio_based: {ratio: \"0\"}}}\n",
    );
    let output = run(&["check", good.to_str().unwrap()], &[]);
    // The ratio is in quotes, and so no number.
    assert_eq!(output.status.code(), Some(1));
    let problems = String::from_utf8(output.stderr).unwrap();
    assert!(problems.contains("ratio: \"0\" is not allowed"), "{problems}");

    let good =
        file("good", "file_format: '1.1'\nlog_level: ${LEVEL}\npropagator: {composite: []}\n");
    let output = run(&["check", good.to_str().unwrap()], &[("LEVEL", "debug")]);
    assert_eq!(output.status.code(), Some(1), "an empty list is a problem");

    let good = file("good", "file_format: '1.1'\nlog_level: ${LEVEL}\n");
    let output = run(&["check", good.to_str().unwrap()], &[("LEVEL", "debug"), ("OTEL_BSP_X", "")]);
    let plan = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{plan}");
    for line in [
        format!("OTEL_CONFIG_FILE = {} (from the command line)", good.display()),
        format!("OTEL_LOG_LEVEL = debug (from {}:2)", good.display()),
    ] {
        assert!(plan.lines().any(|found| found == line), "{line}\n{plan}");
    }
    assert!(!plan.contains("in code"), "{plan}");

    let output = run(
        &["check", good.to_str().unwrap()],
        &[("LEVEL", "debug"), ("OTEL_CONFIG_FILE", "other.yaml")],
    );
    let plan = String::from_utf8(output.stdout).unwrap();
    assert!(plan.contains("the command line names another file"), "{plan}");
    assert!(!plan.contains("in code"), "{plan}");

    let bad = file("bad", "file_format: '1.1'\ndisabled: maybe\nlog_level: loud\n");
    let output = run(&["check", bad.to_str().unwrap()], &[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let problems = String::from_utf8(output.stderr).unwrap();
    assert_eq!(problems.lines().count(), 2, "{problems}");
    for path in [good, bad] {
        std::fs::remove_file(path).unwrap();
    }

    let output = run(&["check", "/nowhere/otel.yaml"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let problem = String::from_utf8(output.stderr).unwrap();
    assert!(problem.starts_with("/nowhere/otel.yaml: the file cannot be read"), "{problem}");
}

#[test]
fn the_file_of_the_environment_can_be_checked() {
    let variables = [("OTEL_TRACES_EXPORTER", "console"), ("OTEL_SERVICE_NAME", "shop")];
    let output = run(&["from-environment"], &variables);
    assert_eq!(output.status.code(), Some(0));
    let path = file("printed", &String::from_utf8(output.stdout).unwrap());
    let output = run(&["check", path.to_str().unwrap()], &[]);
    let plan = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{plan}");
    assert!(plan.contains("service.name = shop"), "{plan}");
    assert!(plan.contains("OTEL_TRACES_EXPORTER = console"), "{plan}");
    let output = run(&["from-environment"], &[("OTEL_CONFIG_FILE", "a.yaml")]);
    assert_eq!(output.status.code(), Some(0), "a file that is set is not read");
    let output = run(
        &["from-environment"],
        &[("OTEL_TRACES_SAMPLER", "rules"), ("OTEL_TRACES_SAMPLER_ARG", ":")],
    );
    assert_eq!(output.status.code(), Some(0), "what init would refuse is said by check");
    // Other packages of the workspace may compile the format in.
    let refused = tracewire_propagation::from_names("jaeger").is_err();
    let output = run(&["from-environment"], &[("OTEL_PROPAGATORS", "jaeger")]);
    assert_eq!(output.status.success(), !refused, "a file without formats would propagate nothing");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn another_call_shows_how_it_is_called() {
    for arguments in [&[][..], &["check"], &["check", "a", "b"], &["verify", "a"]] {
        let output = run(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("usage: "));
    }
    assert_eq!(run(&["--help"], &[]).status.code(), Some(0));
}
