#![no_main]
//! The numbers of a process are read behind its name, whatever that is.

use libfuzzer_sys::fuzz_target;
use tracewire_runtime::fuzzing::stat;

fuzz_target!(|data: (&[u8], [u64; 4])| {
    let (text, numbers) = data;
    stat(text);
    let [threads, started, bytes, pages] = numbers;
    let rest = format!(
        ") S 1 2 3 0 -1 4194560 11 0 7 0 5 6 0 0 20 0 {threads} 0 {started} {bytes} {pages} 18446744073709551615 1"
    );
    let written = [b"42 (", text, rest.as_bytes()].concat();
    assert_eq!(stat(&written), Some(numbers));
});
