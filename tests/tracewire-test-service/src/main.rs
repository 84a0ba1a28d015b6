//! Both sides of tracewire in one small program, driven by environment alone.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `SERVICE_LISTEN` | `host:port` to listen on | `127.0.0.1:$PORT` |
//! | `PORT` | the port, when `SERVICE_LISTEN` is not set | 8080 |
//! | `SERVICE_MODE` | `server`: instrumented routes; `client`: instrumented calls on request | `server` |
//! | `OTEL_PROPAGATORS` | any of the formats that tracewire knows | `tracecontext,baggage` |
//! | `OTEL_*` | everything else, as in any service | |
//!
//! It speaks HTTP/1.1 and HTTP/2 (prior knowledge) without TLS. SIGTERM and Ctrl-C end it with 0.

mod client;
mod config;
mod outgoing;
mod server;

use axum::{Router, ServiceExt, extract::Request};
use config::{Config, Mode};
use std::{
    future::pending,
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch};
use tracewire::Telemetry;

/// How long connections may take to finish once the service was told to stop.
const DRAIN: Duration = Duration::from_secs(7);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), String> {
    let config = Config::from_env()?;
    let builder = match config.propagator {
        Some(propagator) => Telemetry::builder().propagator(propagator),
        None => Telemetry::builder(),
    };
    let telemetry = builder.init().map_err(|error| error.to_string())?;
    let app = match config.mode {
        Mode::Server => server::app(),
        Mode::Client => client::app(),
    };
    // Before anybody can connect, so that a signal right after the first answer is not lost.
    let asked = tracewire::shutdown_signal();
    let listener = TcpListener::bind(&config.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", config.listen))?;
    serve(listener, app, asked).await?;
    telemetry.shutdown(); // says itself what was lost
    Ok(())
}

/// Serves until told to stop, then gives connections a while to finish.
async fn serve(
    listener: TcpListener,
    app: Router,
    asked: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let (stop, mut stopping) = watch::channel(false);
    let app = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(app);
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        asked.await;
        stop.send_replace(true);
    });
    let overdue = async {
        if stopping.wait_for(|stop| *stop).await.is_err() {
            pending::<()>().await;
        }
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        result = server => result.map_err(|error| error.to_string()),
        () = overdue => Ok(()),
    }
}

fn report(error: &str) {
    // A stderr that cannot be written to must not change the exit code.
    let _ = writeln!(io::stderr(), "tracewire-test-service: {error}");
}
