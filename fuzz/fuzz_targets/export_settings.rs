#![no_main]
//! Addresses and proxies are read or refused, and nothing that is shown of them is a secret.

use libfuzzer_sys::fuzz_target;
use tracewire_export::{
    NoProxy, Proxy,
    wiring::{Shown, is_loopback},
};
use tracewire_text::is_unsafe;

fuzz_target!(|data: (&str, &str)| {
    let (first, second) = data;
    let proxy = Proxy::parse(first);
    if let Some(proxy) = &proxy {
        assert!(!proxy.host().is_empty(), "{first}");
    }
    let exceptions = NoProxy::parse(second);
    if let Ok(url) = url::Url::parse(first) {
        let _ = (exceptions.excludes(&url), is_loopback(&url));
        assert_eq!(NoProxy::parse("*").excludes(&url), url.has_host());
    }
    for shown in
        [Shown::value(first), Shown::directives(first), Shown::path(first), Shown::endpoint(first)]
    {
        assert!(!shown.text().chars().any(is_unsafe), "{shown:?}");
        assert!(shown.text().len() < 8_000);
    }
    // What stands as user information is a secret, whatever is around it.
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain(first) && plain(second) {
        let url = format!("http://ada:M4RKED@{first}.example/{second}?token=M4RKED");
        assert!(!Shown::endpoint(&url).text().contains("M4RKED"), "{url}");
        assert!(!format!("{:?}", Proxy::parse(&url)).contains("M4RKED"), "{url}");
    }
});
