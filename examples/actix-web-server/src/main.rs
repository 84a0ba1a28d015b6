//! An actix-web server, traced through `tracewire-http` alone.

use actix_web::{App, HttpServer, web};
use actix_web_server::ServerMiddleware;
use std::{
    env,
    error::Error,
    io::{self, Write},
};

fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = tracewire::init()?;
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let traced = ServerMiddleware::default(); // one for all workers
    let server = HttpServer::new(move || {
        App::new().route("/hello/{name}", web::get().to(hello)).wrap(traced.clone())
    })
    .bind(&address)?;
    for address in server.addrs() {
        // Not `println!`, which panics if stdout is closed or full.
        let _ = writeln!(io::stdout(), "listening on http://{address}");
    }
    // actix-web handles Ctrl-C and SIGTERM itself, and waits for open requests.
    actix_web::rt::System::new().block_on(server.run())?;
    telemetry.shutdown();
    Ok(())
}

async fn hello(name: web::Path<String>) -> String {
    format!("Hello, {name}!\n")
}
