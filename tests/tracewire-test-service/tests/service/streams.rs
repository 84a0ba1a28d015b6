//! Streams that cannot be written to, or that nobody reads, change nothing for those who are served.

use crate::process::{Service, free_port};
use std::{
    fs::File,
    io::{PipeReader, Read, Write, pipe},
    process::{Command, Stdio},
};

/// What is wrong with a stream.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Every write fails, as on a full disk.
    Full,
    /// A pipe whose reader is gone.
    Broken,
    /// Closed before the program starts, as `2>&-` does.
    Closed,
    /// A pipe that is full, and that nobody reads.
    Unread,
}

const FAULTS: [Fault; 4] = [Fault::Full, Fault::Broken, Fault::Closed, Fault::Unread];

#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

/// Gives `command` a stream with this fault; what is returned has to live as long as the program.
fn break_stream(command: &mut Command, stream: Stream, fault: Fault) -> Option<PipeReader> {
    let mut give = |writer: Stdio| match stream {
        Stream::Stdout => drop(command.stdout(writer)),
        Stream::Stderr => drop(command.stderr(writer)),
    };
    match fault {
        Fault::Full => give(File::options().write(true).open("/dev/full").unwrap().into()),
        Fault::Broken => give(pipe().unwrap().1.into()),
        Fault::Unread => {
            let (reader, mut writer) = pipe().unwrap();
            // What a pipe holds on Linux; where it holds less, this would wait for ever.
            writer.write_all(&[b'\n'; 64 * 1024]).unwrap();
            give(writer.into());
            return Some(reader);
        }
        Fault::Closed => close(command, stream),
    }
    None
}

/// Lets a shell close the stream, as nothing in the standard library does.
fn close(command: &mut Command, stream: Stream) {
    let close = match stream {
        Stream::Stdout => "exec \"$0\" >&-",
        Stream::Stderr => "exec \"$0\" 2>&-",
    };
    let mut shell = Command::new("sh");
    shell.args(["-c", close]).arg(command.get_program()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    *command = shell;
}

/// Starts the service with a broken stream, serves requests, and ends it well.
fn serves(variables: &[(&str, &str)], stream: Stream, fault: Fault) {
    let mut reader = None;
    let service = Service::start_with(variables, |command| {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        reader = break_stream(command, stream, fault);
    });
    for _ in 0..30 {
        let answer = service.send("GET /users/1 HTTP/1.1");
        assert!(answer.starts_with("HTTP/1.1 200"), "{fault:?}: {answer}");
    }
    let panicking = service.send("GET /panic HTTP/1.1");
    assert!(panicking.is_empty(), "{fault:?}: {panicking}");
    assert!(service.send("GET /users/1 HTTP/1.1").starts_with("HTTP/1.1 200"), "{fault:?}");
    let status = service.terminate();
    assert!(status.success(), "{fault:?}: {status}");
    drop(reader);
}

#[test]
fn warnings_that_cannot_be_written_stop_neither_the_start_nor_a_request_nor_the_end() {
    let refused = format!("http://127.0.0.1:{}", free_port());
    let variables = [
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &refused),
        ("OTEL_LOG_LEVEL", "debug"),
        // Of each of these something is said at the start, or while requests are served.
        ("OTEL_BSP_SCHEDULE_DELAY", "abc"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2"),
    ];
    for fault in FAULTS {
        // The panic of a handler is printed by the standard library, which waits for a reader.
        if !matches!(fault, Fault::Unread) {
            serves(&variables, Stream::Stderr, fault);
        }
    }
}

#[test]
fn warnings_that_nobody_reads_hold_up_nobody() {
    let refused = format!("http://127.0.0.1:{}", free_port());
    let variables = [
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", refused.as_str()),
        ("OTEL_LOG_LEVEL", "debug"),
        ("OTEL_BSP_SCHEDULE_DELAY", "abc"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
    ];
    let mut reader = None;
    let service = Service::start_with(&variables, |command| {
        reader = break_stream(command, Stream::Stderr, Fault::Unread);
    });
    for _ in 0..30 {
        assert!(service.send("GET /users/1 HTTP/1.1").starts_with("HTTP/1.1 200"));
    }
    assert!(service.terminate().success());
    drop(reader);
}

#[test]
fn a_console_that_cannot_be_written_to_stops_neither_requests_nor_the_end() {
    for format in ["tree", "json"] {
        let variables = [
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_METRICS_EXPORTER", "console"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "10"),
            ("OTEL_LOGS_EXPORTER", "console"),
            ("TRACEWIRE_CONSOLE", format),
        ];
        for fault in FAULTS {
            serves(&variables, Stream::Stdout, fault);
        }
    }
}

#[test]
fn log_lines_that_cannot_be_written_stop_neither_requests_nor_the_end() {
    for format in ["text", "json"] {
        let variables = [("TRACEWIRE_LOG", format), ("RUST_LOG", "trace")];
        for fault in FAULTS {
            serves(&variables, Stream::Stdout, fault);
        }
    }
}

#[test]
fn log_lines_that_are_lost_are_told_on_stderr_once() {
    let (mut said, stderr) = pipe().unwrap();
    let service = Service::start_with(&[("TRACEWIRE_LOG", "text"), ("RUST_LOG", "trace")], |own| {
        break_stream(own, Stream::Stdout, Fault::Full);
        own.stderr(stderr);
    });
    assert!(service.send("GET /users/1 HTTP/1.1").starts_with("HTTP/1.1 200"));
    assert!(service.terminate().success());
    let mut text = String::new();
    said.read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("log lines to stdout: 1 lost (").count(), 1, "{text}");
}

#[test]
fn spans_that_the_console_cannot_show_are_counted_as_failed() {
    for fault in [Fault::Full, Fault::Broken] {
        for format in ["tree", "json"] {
            let (mut said, stderr) = pipe().unwrap();
            let variables = [("OTEL_TRACES_EXPORTER", "console"), ("TRACEWIRE_CONSOLE", format)];
            let service = Service::start_with(&variables, |command| {
                break_stream(command, Stream::Stdout, fault);
                command.stderr(stderr);
            });
            for _ in 0..3 {
                assert!(service.send("GET /users/1 HTTP/1.1").starts_with("HTTP/1.1 200"));
            }
            assert!(service.terminate().success());
            let mut text = String::new();
            said.read_to_string(&mut text).unwrap();
            let lost = "telemetry was lost: spans to console: 0 exported, 3 failed \
                        (the console cannot be written to: ";
            assert!(text.contains(lost), "{fault:?}, {format}: {text}");
        }
    }
}
