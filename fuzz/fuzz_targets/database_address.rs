#![no_main]
//! Of the address of a database host and port are exported, and nothing that could be a credential.

use libfuzzer_sys::fuzz_target;
use tracewire_span::database::Database;

const SECRET: &str = "M4RKED";

fuzz_target!(|data: (&str, &str, &str)| {
    let (before, after, host) = data;
    if [before, after, host].iter().any(|part| part.contains(SECRET)) {
        return;
    }
    let shown = |text: &str| format!("{:?}", Database::new("mysql").server(text, None));
    for text in [
        format!("{before}://ada:{SECRET}{after}@{host}"),
        format!("{before}:{SECRET}{after}@{host}"),
        format!("ada:{before}{SECRET}@tcp({host}:3306)/shop"),
        format!("host=db password={SECRET}{after}"),
        format!("Server={host};Password={SECRET}"),
        format!("{host}/shop?password={SECRET}{after}"),
    ] {
        assert!(!shown(&text).contains(SECRET), "{text}: {}", shown(&text));
    }
    // A host alone is the address, as far as there can be such a host.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if (1..=253).contains(&host.len()) && host.chars().all(is_plain) {
        assert!(shown(host).contains(host), "{host}");
        assert!(shown(&format!("x://{host}:1/")).contains(host), "{host}");
    }
    assert!(shown(before).len() < 2_000);
});
