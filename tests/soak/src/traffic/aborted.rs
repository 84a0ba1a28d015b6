//! Callers that leave: in the head, before an answer, in the answer, in the body they send.

use super::{
    Version,
    caller::{Caller, chain, empty},
    expect, raw,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Channel};
use std::{convert::Infallible, time::Duration};
use tokio::time::{sleep, timeout};

/// How long they stay.
const STAY: Duration = Duration::from_millis(20);

pub(super) async fn perform(caller: &mut Caller, number: usize) -> Result<(), String> {
    match number % 6 {
        0 => in_head(caller).await,
        1 => before_answer(caller, "/wait").await,
        2 => in_answer(caller, "/events").await,
        3 => in_answer(caller, "/download/100000").await,
        4 => in_body(caller).await,
        _ => panicking(caller, number).await,
    }
}

/// Over HTTP/2 a head is a frame, so half a frame is what there is of it.
async fn in_head(caller: &mut Caller) -> Result<(), String> {
    let mut stream = raw::connect(caller.service).await?;
    let begun: &[u8] = match caller.version {
        Version::Http1 => b"GET /users/ada HTTP/1.1\r\nhost: so",
        Version::Http2 => {
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x40\x01\x05\x00"
        }
    };
    raw::write(&mut stream, begun).await;
    sleep(STAY).await;
    Ok(())
}

async fn before_answer(caller: &mut Caller, target: &str) -> Result<(), String> {
    let request = caller.request("GET", target).body(empty()).map_err(|error| chain(&error))?;
    let came = timeout(STAY, caller.send(request)).await;
    leave(caller);
    expect(came.is_err(), || format!("{target} answered: {came:?}"))
}

async fn in_answer(caller: &mut Caller, target: &str) -> Result<(), String> {
    let request = caller.request("GET", target).body(empty()).map_err(|error| chain(&error))?;
    let mut response = caller.send(request).await?;
    let frame = response.body_mut().frame().await;
    let is_data = matches!(&frame, Some(Ok(frame)) if frame.is_data());
    drop(response);
    leave(caller);
    expect(is_data, || format!("{target}: {frame:?} instead of data"))
}

async fn in_body(caller: &mut Caller) -> Result<(), String> {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(4);
    let request = caller.request("POST", "/upload").body(body.boxed_unsync());
    let request = request.map_err(|error| chain(&error))?;
    let _ = sender.send_data(Bytes::from_static(&[b'x'; 1_000])).await;
    let came = timeout(STAY, caller.send(request)).await;
    leave(caller);
    drop(sender);
    expect(came.is_err(), || format!("half an upload was answered: {came:?}"))
}

/// Not the caller leaves, but the handler, and not always alone: every other time the service is left by
/// a call of its own.
async fn panicking(caller: &mut Caller, number: usize) -> Result<(), String> {
    if number % 12 == 5 {
        let target = if number % 24 == 5 { "/impatient/1" } else { "/impatient/2" };
        let request = caller.request("GET", target).body(empty()).map_err(|error| chain(&error))?;
        let answer = caller.ask(request).await?;
        return expect(answer.status == 504, || format!("{target}: {answer:?}"));
    }
    let request = caller.request("GET", "/panic").body(empty()).map_err(|error| chain(&error))?;
    let came = caller.send(request).await;
    expect(came.is_err(), || format!("a panic was answered: {came:?}"))
}

/// HTTP/1.1 has no other way; over HTTP/2 the stream was reset, and the connection stays.
fn leave(caller: &mut Caller) {
    if caller.version == Version::Http1 {
        caller.disconnect();
    }
}
