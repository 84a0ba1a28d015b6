//! Long streams, in either direction and in both.

use super::{
    Version,
    caller::{Caller, chain, empty},
    expect,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Channel};
use std::{convert::Infallible, time::Duration};
use tokio::time::sleep;

const CHUNK: &[u8] = &[b'x'; 8 * 1024];

pub(super) async fn perform(caller: &mut Caller, number: usize) -> Result<(), String> {
    match (number % 4, caller.version) {
        // One in twenty is listened to for half a minute.
        (0, _) => events(caller, if number % 80 == 40 { 600 } else { 40 }).await,
        (1, _) => upload(caller).await,
        (2, Version::Http2) => pipe(caller).await,
        _ => download(caller).await,
    }
}

/// Server-sent events, which the caller leaves when it has so many.
async fn events(caller: &mut Caller, count: usize) -> Result<(), String> {
    let request = caller.request("GET", "/events").body(empty()).map_err(|error| chain(&error))?;
    let mut response = caller.send(request).await?;
    for _ in 0..count {
        let frame = response.body_mut().frame().await;
        let is_data = matches!(&frame, Some(Ok(frame)) if frame.is_data());
        expect(is_data, || format!("{frame:?} instead of an event"))?;
    }
    drop(response);
    if caller.version == Version::Http1 {
        caller.disconnect();
    }
    Ok(())
}

async fn upload(caller: &mut Caller) -> Result<(), String> {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(4);
    let request = caller.request("POST", "/upload").body(body.boxed_unsync());
    let request = request.map_err(|error| chain(&error))?;
    let send = async move {
        for _ in 0..100 {
            sleep(Duration::from_millis(10)).await;
            let _ = sender.send_data(Bytes::from_static(CHUNK)).await;
        }
    };
    let (answer, ()) = tokio::join!(caller.ask(request), send);
    let answer = answer?;
    expect(answer.body == "819200", || format!("a long upload: {answer:?}"))
}

async fn download(caller: &mut Caller) -> Result<(), String> {
    let request = caller.request("GET", "/download/100").body(empty());
    let answer = caller.ask(request.map_err(|error| chain(&error))?).await?;
    let bytes = answer.body.len();
    expect(bytes == 100 * 16 * 1024, || format!("a download of {bytes} bytes"))
}

/// Each piece comes back before the next is sent.
async fn pipe(caller: &mut Caller) -> Result<(), String> {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    let request = caller.request("POST", "/pipe").body(body.boxed_unsync());
    let mut response = caller.send(request.map_err(|error| chain(&error))?).await?;
    for _ in 0..50 {
        let _ = sender.send_data(Bytes::from_static(b"ping")).await;
        let frame = response.body_mut().frame().await;
        let is_same = matches!(&frame, Some(Ok(f)) if f.data_ref().is_some_and(|d| d == "ping"));
        expect(is_same, || format!("{frame:?} came back"))?;
    }
    drop(sender);
    // An empty frame may carry the end.
    while let Some(frame) = response.body_mut().frame().await {
        let is_empty = matches!(&frame, Ok(f) if f.data_ref().is_some_and(Bytes::is_empty));
        expect(is_empty, || format!("{frame:?} after the end"))?;
    }
    Ok(())
}
