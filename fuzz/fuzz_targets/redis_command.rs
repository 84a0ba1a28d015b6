#![no_main]
//! No key and no value of a command is exported, and of a server's errors a code at most.

use libfuzzer_sys::fuzz_target;
use redis::cmd;
use tracewire_redis::fuzzing::{command, error};

fuzz_target!(|data: (&str, Vec<&[u8]>, &[u8])| {
    let (name, arguments, answer) = data;
    let mut sent = cmd(name);
    for argument in &arguments {
        sent.arg(*argument);
    }
    let shown = command(&sent);
    let is_word = (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    assert_eq!(shown, if is_word { name.to_ascii_uppercase() } else { "_OTHER".to_owned() });

    let failed = match redis::parse_redis_value(answer) {
        Ok(value) => value.extract_error().err(),
        Err(error) => Some(error),
    };
    if let Some(failed) = failed {
        let shown = error(&failed);
        let is_code = |code: &str| {
            (1..=16).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase())
        };
        match shown.strip_prefix("Code(\"").and_then(|rest| rest.strip_suffix("\")")) {
            Some(code) => assert!(is_code(code), "{shown}"),
            None => assert!(shown == "Other" || shown.starts_with("Named("), "{shown}"),
        }
    }
});
