//! A plain hyper server, traced: `ServerLayer` around a Tower service, without a framework.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use std::{
    convert::Infallible,
    env,
    error::Error,
    io::{self, Write},
    pin::pin,
};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt, service_fn};
use tracewire::{
    ServerLayer,
    server::{ExchangeHandle, PeerAddress},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = tracewire::init()?;
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await?;
    // Not `println!`, which panics if stdout is closed or full.
    let _ = writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?);

    let service = ServerLayer::new().layer(service_fn(answer));
    let connections = GracefulShutdown::new();
    let mut stop = pin!(tracewire::shutdown_signal());
    loop {
        let (socket, peer) = tokio::select! {
            connection = listener.accept() => connection?,
            () = &mut stop => break,
        };
        // hyper does not know the socket, so the layer gets the peer's address here.
        let service = service.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddress(peer));
            request
        });
        let http = auto::Builder::new(TokioExecutor::new());
        let connection =
            http.serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
        let connection = connections.watch(connection.into_owned());
        // An error here means a broken connection; its request has been recorded already.
        tokio::spawn(async move { drop(connection.await) });
    }
    drop(listener);
    connections.shutdown().await; // requests that are under way get their answers
    telemetry.shutdown();
    Ok(())
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match request.uri().path().strip_prefix("/hello/") {
        Some(name) => {
            // What a router would do: the span is named by the template, never by the path.
            if let Some(exchange) = request.extensions().get::<ExchangeHandle>() {
                exchange.set_route("/hello/{name}");
            }
            (StatusCode::OK, format!("Hello, {name}!\n"))
        }
        None => (StatusCode::NOT_FOUND, "Ask for /hello/{name}.\n".to_owned()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    Ok(response)
}
