//! Mode `server`: the instrumented routes.

use crate::outgoing;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE},
    response::Redirect,
    routing::{any, get, post},
};
use reqwest::Response;
use reqwest_middleware::ClientWithMiddleware;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use tracewire::{
    ServerLayer,
    opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState},
    span::{Event, current, span},
};

pub(crate) fn app() -> Router {
    let api = Router::new().route("/items/{item_id}", get(item));
    Router::new()
        .route("/users/{id}", get(user))
        .route("/orders", post(order))
        .route("/boom", get(boom))
        .route("/charge", get(charge))
        .route("/any/{x}", any(async || "any"))
        .route("/search", get(async || "found"))
        .route("/missing-item/{id}", get(async || StatusCode::NOT_FOUND))
        .route("/old", get(async || Redirect::temporary("/users/1")))
        .route("/hang", get(hang))
        .route("/panic", get(panicking))
        .route("/test", post(test))
        .route("/relay", get(relay))
        .nest("/api/v1", api)
        .layer(ServerLayer::new())
        .with_state(outgoing::client())
}

async fn user(Path(id): Path<String>) -> Json<Value> {
    Json(json!({ "id": id }))
}

async fn item(Path(item_id): Path<String>) -> Json<Value> {
    Json(json!({ "item": item_id }))
}

async fn order(_body: Bytes) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({ "order": 1 })))
}

async fn boom() -> (StatusCode, &'static str) {
    (StatusCode::INTERNAL_SERVER_ERROR, "boom")
}

/// A custom span with everything that a back end may show of one: an event, an error, a link, and the names by
/// which Datadog calls it.
async fn charge() -> StatusCode {
    let order = SpanContext::new(
        TraceId::from(42),
        SpanId::from(7),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let work = async {
        current().add_event(Event::new("declined").attribute("attempt", 2));
        Err::<(), _>("no funds")
    };
    let charged = span("charge")
        .attribute("operation.name", "payment.charge")
        .attribute("resource.name", "charge card")
        .attribute("span.type", "worker")
        .link(order)
        .run(work)
        .await;
    charged.map_or(StatusCode::PAYMENT_REQUIRED, |()| StatusCode::OK)
}

async fn hang() -> &'static str {
    tokio::time::sleep(Duration::from_secs(30)).await;
    "at last"
}

#[allow(clippy::panic)] // it is what the route is for
async fn panicking() -> &'static str {
    panic!("on purpose")
}

/// One step of a trace: whom to call, and with what.
#[derive(Deserialize)]
struct Step {
    url: String,
    arguments: Value,
}

/// What came of a step.
#[derive(Serialize)]
struct Answer {
    url: String,
    status: Option<u16>,
}

/// Calls every URL with its arguments, one after the other.
async fn test(
    State(client): State<ClientWithMiddleware>,
    Json(steps): Json<Vec<Step>>,
) -> Json<Vec<Answer>> {
    let mut answers = Vec::with_capacity(steps.len());
    for Step { url, arguments } in steps {
        let status = match step(&client, &url, &arguments).await {
            Ok(response) => {
                let status = response.status().as_u16();
                // The step is over when its answer was read, or failed to be.
                response.bytes().await.is_ok().then_some(status)
            }
            Err(_) => None,
        };
        answers.push(Answer { url, status });
    }
    Json(answers)
}

async fn step(
    client: &ClientWithMiddleware,
    url: &str,
    arguments: &Value,
) -> Result<Response, String> {
    let mut request = outgoing::request(Method::POST, url)?;
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(CONTENT_TYPE, json);
    *request.body_mut() = Some(arguments.to_string().into());
    outgoing::send(client, request).await
}

#[derive(Deserialize)]
struct Relay {
    to: String,
}

async fn relay(
    State(client): State<ClientWithMiddleware>,
    Query(Relay { to }): Query<Relay>,
) -> Result<Bytes, StatusCode> {
    let request = outgoing::request(Method::GET, &to).map_err(|_| StatusCode::BAD_GATEWAY)?;
    let response = outgoing::send(&client, request).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    response.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)
}
