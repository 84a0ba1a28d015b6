//! One trace through two services: a shop asks an inventory for prices.
//!
//! `cargo run -p quickstart` starts both, sends the shop a few requests, prints their traces with a link
//! to each, and stays up for yours. With `--once` it ends after its own, without a page. `SHOP_LISTEN` says where the shop
//! listens (default `127.0.0.1:3000`); every `OTEL_*` variable works as usual.

mod inventory;
mod shop;

use reqwest_middleware::ClientWithMiddleware;
use std::{
    env,
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
};
use tokio::net::TcpListener;
use tracewire::{
    ClientMiddleware, Telemetry,
    setup::{Live, TracesExporter},
};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let once = match env::args().nth(1).as_deref() {
        None => false,
        Some("--once") => true,
        Some(other) => return Err(format!("unknown argument {other:?}; allowed: --once").into()),
    };
    let telemetry = set_up(once)?;

    let inventory = listen("127.0.0.1:0").await?;
    let inventory_url = format!("http://{}", inventory.local_addr()?);
    let shop_address = env::var("SHOP_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let shop = listen(&shop_address).await?;
    let shop_url = format!("http://{}", shop.local_addr()?);

    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(ClientMiddleware::new())
        .build();
    let shop_app = shop::app(client, inventory_url);
    let inventory = axum::serve(inventory, with_peer(inventory::app()))
        .with_graceful_shutdown(tracewire::shutdown_signal());
    let shop =
        axum::serve(shop, with_peer(shop_app)).with_graceful_shutdown(tracewire::shutdown_signal());
    let services =
        tokio::spawn(async { tokio::try_join!(inventory.into_future(), shop.into_future()) });

    visit(&shop_url, &telemetry).await?;
    if !once {
        say(&format!(
            "The shop stays open at {shop_url}. Join its trace with one of your own:\n\n  \
             curl -H 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' \
             {shop_url}/items/lamp\n\n\
             Ctrl-C closes it.\n"
        ));
        if let Some(page) = telemetry.live_url() {
            say(&format!("All traces are at {page}"));
        }
        services.await??; // until Ctrl-C or SIGTERM, and then until every request has its answer
    }
    telemetry.shutdown();
    Ok(())
}

/// Traces go to the console and, while the shop stays open, to the live page; metrics nowhere. The
/// environment may say otherwise.
fn set_up(once: bool) -> Result<Telemetry, tracewire::InitError> {
    Telemetry::builder()
        .defaults(|defaults| {
            let defaults =
                defaults.service_name("quickstart").traces([TracesExporter::console()]).metrics([]);
            if once { defaults } else { defaults.live(Live::new().listen("true")) }
        })
        .init()
}

fn is_on_console() -> bool {
    env::var("OTEL_TRACES_EXPORTER").map_or(true, |exporter| exporter == "console")
}

async fn listen(address: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| {
        format!("cannot listen on {address}: {error}; set SHOP_LISTEN to another host:port")
    })
}

/// So that each service knows the address of its callers.
fn with_peer(
    app: axum::Router,
) -> axum::extract::connect_info::IntoMakeServiceWithConnectInfo<axum::Router, SocketAddr> {
    app.into_make_service_with_connect_info()
}

/// Three requests without a trace of their own. Each is announced, and its trace shown below that.
async fn visit(shop_url: &str, telemetry: &Telemetry) -> Result<(), Box<dyn Error>> {
    let customer = ClientWithMiddleware::from(reqwest::Client::new());
    for item in ["lamp", "chair", "unicorn"] {
        say(&format!("GET {shop_url}/items/{item}"));
        customer.get(format!("{shop_url}/items/{item}")).send().await?.bytes().await?;
        if is_on_console() {
            telemetry.flush();
        }
    }
    Ok(())
}

/// Prints a line. Not with `println!`, which panics if stdout is closed or full.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
