//! One trace through two services: a shop asks an inventory for prices.
//!
//! `cargo run -p quickstart` starts both, sends the shop three requests, prints their traces with a link to each,
//! and keeps running, so that you can send more. `--once` stops after the three requests and serves no page.
//! `SHOP_LISTEN` sets the shop's address (default `127.0.0.1:3000`); every `OTEL_*` variable works as usual.

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
    ClientMiddleware, InitError, Telemetry,
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
    // Before the page is announced: if a port is taken, that is all there is to say.
    let inventory = listen("127.0.0.1:0").await?;
    let inventory_url = format!("http://{}", inventory.local_addr()?);
    let shop_address = env::var("SHOP_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let shop = listen(&shop_address).await?;
    let shop_url = format!("http://{}", shop.local_addr()?);
    let telemetry = set_up(once)?;

    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(ClientMiddleware::new())
        .build();
    let shop_app = shop::app(client, inventory_url);
    let inventory_app = inventory::app(&telemetry.inventory);
    let inventory = axum::serve(inventory, with_peer(inventory_app))
        .with_graceful_shutdown(tracewire::shutdown_signal());
    let shop =
        axum::serve(shop, with_peer(shop_app)).with_graceful_shutdown(tracewire::shutdown_signal());
    let services =
        tokio::spawn(async { tokio::try_join!(inventory.into_future(), shop.into_future()) });

    visit(&shop_url, &telemetry).await?;
    if !once {
        invite(&shop_url, telemetry.shop.live_url().as_deref());
        services.await??; // until Ctrl-C or SIGTERM; requests in flight still get their responses
    }
    telemetry.inventory.shutdown();
    telemetry.shop.shutdown();
    Ok(())
}

/// One for each service, as if each were a process of its own.
struct Services {
    shop: Telemetry,
    inventory: Telemetry,
}

/// Prints traces to the console and, while the shop keeps running, shows them on one live page. Metrics are not
/// exported. All of these are defaults that the environment can override.
fn set_up(once: bool) -> Result<Services, InitError> {
    let builder = |service: &str, live: Live| {
        let service = service.to_owned();
        Telemetry::builder().defaults(move |defaults| {
            let defaults =
                defaults.service_name(service).traces([TracesExporter::console()]).metrics([]);
            if once { defaults } else { defaults.live(live) }
        })
    };
    // The shop's is global: every layer, middleware and span without a provider of its own uses it.
    let shop = builder("shop", Live::new().listen("true")).init()?;
    let inventory = builder("inventory", Live::new().shared_with(&shop)).build()?;
    Ok(Services { shop, inventory })
}

fn is_on_console() -> bool {
    env::var("OTEL_TRACES_EXPORTER").map_or(true, |exporter| exporter == "console")
}

async fn listen(address: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{address} is taken by another program; choose another port, for example\n\n  \
             SHOP_LISTEN=127.0.0.1:3001 cargo run -p quickstart\n"
        ),
        _ => format!("cannot listen on {address}: {error}; set SHOP_LISTEN to another host:port"),
    })
}

/// Tells each service the address of its callers.
fn with_peer(
    app: axum::Router,
) -> axum::extract::connect_info::IntoMakeServiceWithConnectInfo<axum::Router, SocketAddr> {
    app.into_make_service_with_connect_info()
}

/// Sends three requests, which start traces of their own, and prints each trace below its request.
async fn visit(shop_url: &str, telemetry: &Services) -> Result<(), Box<dyn Error>> {
    let customer = ClientWithMiddleware::from(reqwest::Client::new());
    for item in ["lamp", "chair", "unicorn"] {
        say(&format!("GET {shop_url}/items/{item}"));
        customer.get(format!("{shop_url}/items/{item}")).send().await?.bytes().await?;
        if is_on_console() {
            telemetry.inventory.flush();
            telemetry.shop.flush();
        }
    }
    Ok(())
}

/// Says what to try next.
fn invite(shop_url: &str, page: Option<&str>) {
    if let Some(page) = page {
        say(&format!("See all traces at {page}\n"));
    }
    say(&format!(
        "The shop keeps running at {shop_url}. Continue a trace of your own, whose span the shop\n\
         then shows as its remote parent:\n\n  \
         curl -H 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' \
         {shop_url}/items/lamp\n\n\
         Press Ctrl-C to stop.\n"
    ));
}

/// Prints a line. Not with `println!`, which panics if stdout is closed or full.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
