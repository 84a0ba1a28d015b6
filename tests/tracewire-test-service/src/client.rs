//! Mode `client`: an uninstrumented listener that makes instrumented calls.

use crate::outgoing;
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    routing::post,
};
use reqwest::Response;
use reqwest_middleware::ClientWithMiddleware;
use serde_json::{Value, json};

pub(crate) fn app() -> Router {
    Router::new().route("/call", post(call)).with_state(outgoing::client())
}

/// Makes one call: `x-method` to `x-url` with the request's body.
async fn call(
    State(client): State<ClientWithMiddleware>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, (StatusCode, String)> {
    let method = header(&headers, "x-method")?;
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| (StatusCode::BAD_REQUEST, format!("x-method: {method:?} is no method")))?;
    let url = header(&headers, "x-url")?;
    Ok(Json(match send(&client, method, url, body).await {
        Ok(response) => {
            let status = response.status().as_u16();
            let read = response.bytes().await.is_ok();
            json!({ "status": status, "read": read })
        }
        Err(error) => json!({ "error": error }),
    }))
}

async fn send(
    client: &ClientWithMiddleware,
    method: Method,
    url: &str,
    body: Bytes,
) -> Result<Response, String> {
    let mut request = outgoing::request(method, url)?;
    if !body.is_empty() {
        *request.body_mut() = Some(body.into());
    }
    outgoing::send(client, request).await
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, (StatusCode, String)> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| (StatusCode::BAD_REQUEST, format!("{name}: missing, or not plain text")))
}
