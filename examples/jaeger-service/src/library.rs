//! The library: a search for a book calls the shelves, another route of this service, over HTTP.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use reqwest_middleware::ClientWithMiddleware;
use tracewire::{
    ServerLayer,
    span::{self, Event, span},
};

#[derive(Clone)]
struct Library {
    client: ClientWithMiddleware,
    url: String,
    pages: String,
}

pub(crate) fn app(client: ClientWithMiddleware, url: String, pages: String) -> Router {
    Router::new()
        .route("/books/{title}", get(book))
        .route("/shelves/{title}", get(shelf))
        .layer(ServerLayer::new())
        .with_state(Library { client, url, pages })
}

async fn book(
    State(library): State<Library>,
    Path(title): Path<String>,
) -> Result<String, (StatusCode, String)> {
    let trace_id = span::current().span_context().trace_id();
    let trace = format!("{}/trace/{trace_id}\n", library.pages);
    match span("find book").attribute("book.title", title.clone()).run(find(&library, &title)).await
    {
        Ok(shelf) => Ok(format!("It stands on shelf {shelf}: {trace}")),
        Err(_) => Err((StatusCode::BAD_GATEWAY, format!("Nobody found it: {trace}"))),
    }
}

/// Asks the shelves. An error is recorded automatically on the span around this call.
async fn find(library: &Library, title: &str) -> Result<String, reqwest_middleware::Error> {
    let response = library.client.get(format!("{}/shelves/{title}", library.url)).send().await?;
    // The client span has the URL already.
    let response = response.error_for_status().map_err(reqwest::Error::without_url)?;
    let shelf = response.text().await?;
    span::current().add_event(Event::new("found").attribute("book.shelf", shelf.clone()));
    Ok(shelf)
}

async fn shelf(Path(title): Path<String>) -> Result<&'static str, StatusCode> {
    match title.as_str() {
        "emma" => Ok("1"),
        "ulysses" => Ok("2"),
        // to show a failed request
        "necronomicon" => Err(StatusCode::INTERNAL_SERVER_ERROR),
        _ => Err(StatusCode::NOT_FOUND),
    }
}
