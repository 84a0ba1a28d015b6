//! Callers that take their time: to send a head, to send a body, to read.

use super::{
    Version,
    caller::{Caller, chain, empty},
    expect, raw,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Channel};
use std::{convert::Infallible, time::Duration};
use tokio::time::sleep;

/// How long they take from one piece to the next.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn perform(caller: &mut Caller, number: usize) -> Result<(), String> {
    match (number % 3, caller.version) {
        (0, Version::Http1) => head(caller).await,
        (1, _) => body(caller).await,
        _ => reader(caller).await,
    }
}

async fn head(caller: &Caller) -> Result<(), String> {
    let mut stream = raw::connect(caller.service).await?;
    for piece in b"GET /users/slow HTTP/1.1\r\nhost: soak\r\nconnection: close\r\n\r\n".chunks(5) {
        raw::write(&mut stream, piece).await;
        sleep(PAUSE).await;
    }
    let status = raw::status(&mut stream).await;
    expect(status == Some(200), || format!("a slow head: {status:?}"))
}

async fn body(caller: &mut Caller) -> Result<(), String> {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    let request = caller.request("POST", "/upload").body(body.boxed_unsync());
    let request = request.map_err(|error| chain(&error))?;
    let send = async move {
        for _ in 0..10 {
            sleep(PAUSE).await;
            let _ = sender.send_data(Bytes::from_static(b"a few")).await;
        }
    };
    let (answer, ()) = tokio::join!(caller.ask(request), send);
    let answer = answer?;
    expect(answer.body == "50", || format!("a slow body: {answer:?}"))
}

async fn reader(caller: &mut Caller) -> Result<(), String> {
    let request = caller.request("GET", "/download/50").body(empty());
    let mut response = caller.send(request.map_err(|error| chain(&error))?).await?;
    let (mut bytes, mut next) = (0, 0);
    while let Some(frame) = response.body_mut().frame().await {
        bytes += frame.map_err(|error| chain(&error))?.data_ref().map_or(0, Bytes::len);
        // Twenty pauses in all.
        if bytes > next {
            next += 50 * 16 * 1024 / 20;
            sleep(PAUSE).await;
        }
    }
    expect(bytes == 50 * 16 * 1024, || format!("a slow reader got {bytes} bytes"))
}
