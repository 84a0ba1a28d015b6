//! docs/troubleshooting.md: a service that operators can redirect, and that waits a while at its end.
#![allow(clippy::print_stdout)] // a small program may

mod defaults {
    use tracewire::{InitError, Telemetry, setup::TracesExporter};

    pub(super) fn set_up() -> Result<Telemetry, InitError> {
        Telemetry::builder()
            .defaults(|defaults| {
                // OTEL_SERVICE_NAME and OTEL_TRACES_EXPORTER still work
                defaults.service_name("shop").traces([TracesExporter::console()]).metrics([])
            })
            .init()
    }
}

mod end {
    use axum::Router;
    use std::{io, time::Duration};
    use tokio::net::TcpListener;

    pub(super) async fn serve(listener: TcpListener, app: Router) -> io::Result<()> {
        let stop = tracewire::shutdown_signal();
        let server = axum::serve(listener, app).with_graceful_shutdown(stop);
        let signal = tracewire::shutdown_signal(); // called here, so the signal is handled from now on
        let limit = async {
            signal.await;
            tokio::time::sleep(Duration::from_secs(20)).await;
        };
        tokio::select! {
            result = server => result,
            () = limit => Ok(()), // requests that are still open lose their spans
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = defaults::set_up()?;
    let listener = tokio::net::TcpListener::bind(std::env::var("LISTEN")?).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = axum::Router::new().layer(tracewire::ServerLayer::new());
    end::serve(listener, app).await?;
    telemetry.shutdown();
    Ok(())
}
