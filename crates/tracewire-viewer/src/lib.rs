//! Receives OTLP and shows traces in the browser: the parts of the program `tracewire-viewer`.
//!
//! This is no library to build on. It exists so that the receiver can be fuzzed.

mod arguments;
mod export;
mod file;
#[doc(hidden)]
pub mod fuzzing;
mod intake;
mod json;
mod messages;
mod metrics;
mod receiver;
mod signal;
mod tallies;

use std::fmt::Write as _;
use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;

use tracewire_live::{Listen, Live, LivePage, Recorder, Server};

use self::arguments::{Arguments, Command};
use self::intake::Intake;
use self::receiver::{Listeners, Receiver};

/// Runs the program with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    let outcome = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Print(text)) => {
            say(&text);
            Ok(())
        }
        Ok(Command::Run(arguments)) => run(&arguments),
        Err(error) => Err(format!("{error}; see tracewire-viewer --help")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "tracewire-viewer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let recorder = Live::new()
        .memory_mib(arguments.memory_mib)
        .value_kib(64)
        // What arrives is encoded already, so only memory limits what is kept.
        .rate(0, 1)
        .service("tracewire-viewer", env!("CARGO_PKG_VERSION"))
        .build();
    let intake = Intake::new(&recorder);
    let mut first_trace = None;
    for path in &arguments.files {
        let trace = file::open(path, &intake)?;
        first_trace = first_trace.or(trace);
    }
    let page = page(&recorder, arguments)?;
    // Before the page, as it moves to another port if its own is taken, which these do not.
    let listeners = if arguments.files.is_empty() {
        Listeners::bind(&arguments.host, [arguments.grpc_port, arguments.http_port])?
    } else {
        Listeners::default()
    };
    let server = Server::start(page.clone(), &listen(arguments)).map_err(|e| e.to_string())?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        // Before anything is printed, so that a reader of it may end the program.
        let ended = ended().map_err(|error| format!("cannot wait for signals: {error}"))?;
        say(&greeting(&server, &listeners, first_trace.as_deref()));
        tokio::select! {
            result = receiver::serve(listeners, Receiver::new(intake, page)) => result,
            () = ended => Ok(()),
        }
    })
}

fn page(recorder: &Recorder, arguments: &Arguments) -> Result<LivePage, String> {
    let mut page = recorder.own_page();
    if let Some(token) = &arguments.token {
        page = page.token(token).map_err(|error| error.to_string())?;
    }
    Ok(arguments.hosts.iter().fold(page, |page, host| page.allow_host(host)))
}

fn listen(arguments: &Arguments) -> Listen {
    // The name may stand for an IPv6 address first, which makes a longer link.
    let host = if arguments.host == "localhost" { "127.0.0.1" } else { &arguments.host };
    Listen::new(host, arguments.page_port)
}

fn greeting(server: &Server, listeners: &Listeners, trace: Option<&str>) -> String {
    let mut text = match trace {
        Some(id) => format!("trace: {}trace/{id}", server.url()),
        None => format!("page: {}", server.url()),
    };
    for address in listeners.addresses() {
        let _ = write!(text, "\nOTLP: http://{address} (gRPC and HTTP)");
    }
    text
}

/// Ends when the process is asked to.
#[cfg(unix)]
fn ended() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ends when the process is asked to.
#[cfg(not(unix))]
fn ended() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}

/// Prints a line. Not with `println!`, which panics if stdout is closed or full.
fn say(line: &str) {
    let mut output = io::stdout();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
