#![no_main]
//! A proxy's answer is read as `httparse` reads it, and what follows it is left for the server behind.

use libfuzzer_sys::fuzz_target;
use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};
use tracewire_export::fuzzing::proxy_answer;
use tracewire_text::is_unsafe;

fuzz_target!(|data: &[u8]| {
    let read = pin!(proxy_answer(data));
    let Poll::Ready(read) = read.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("the answer is whole");
    };
    if let Err(why) = &read {
        assert!(why.len() < 200 && !why.chars().any(is_unsafe), "{why:?}");
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut answer = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(length)) = answer.parse(data) else { return };
    // It also takes empty lines before, and lines that end in a line feed alone.
    if !data.starts_with(b"HTTP/1.")
        || data[..length].windows(4).position(|end| end == b"\r\n\r\n") != Some(length - 4)
    {
        return;
    }
    let tunnels = answer.code.is_some_and(|code| (200..300).contains(&code));
    assert_eq!(read.is_ok(), tunnels && length <= 8 * 1024);
    assert!(read.is_err() || read == Ok(&data[length..]));
});
