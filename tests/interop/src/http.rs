//! Requests without a tracer.

use std::{fmt::Write as _, time::Duration};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Gets a URL with these headers; anything but 2xx is an error that quotes the answer.
pub(crate) fn get(url: &str, headers: &[(&str, &str)]) -> Result<String, String> {
    let mut request = agent().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = request.call().map_err(|error| format!("GET {url}: {error}"))?;
    let body = response
        .body_mut()
        .read_to_string()
        .map_err(|error| format!("GET {url}: its answer: {error}"))?;
    match response.status().is_success() {
        true => Ok(body),
        false => Err(format!("GET {url}: {}: {body}", response.status())),
    }
}

/// Posts JSON to a URL; anything but 2xx is an error that quotes the answer.
pub(crate) fn post_json(url: &str, body: &serde_json::Value) -> Result<(), String> {
    let request = agent().post(url).header("content-type", "application/json");
    let mut response =
        request.send(body.to_string()).map_err(|error| format!("POST {url}: {error}"))?;
    match response.status().is_success() {
        true => Ok(()),
        false => {
            let body = response.body_mut().read_to_string().unwrap_or_default();
            Err(format!("POST {url}: {}: {body}", response.status()))
        }
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into()
}

/// Gets a URL whose answer is JSON.
pub(crate) fn get_json(url: &str) -> Result<serde_json::Value, String> {
    let body = get(url, &[])?;
    serde_json::from_str(&body).map_err(|error| format!("GET {url}: {error}: {body}"))
}

/// Text as a value in a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_url_within_a_url_is_encoded() {
        assert_eq!(super::encoded("http://a/b?c=d&e=ü"), "http%3A%2F%2Fa%2Fb%3Fc%3Dd%26e%3D%C3%BC");
    }
}
