#![no_main]
//! Whatever file is opened in the viewer is shown or refused, and a downloaded trace opens as the same trace.

use libfuzzer_sys::fuzz_target;
use tracewire_text::is_unsafe;
use tracewire_viewer::fuzzing::open;

fuzz_target!(|data: &[u8]| match open(data) {
    Ok(downloaded) => {
        let again = open(downloaded.as_bytes());
        assert_eq!(again.as_deref(), Ok(&*downloaded));
    }
    Err(why) => {
        assert!(why.len() < 4_000, "{why}");
        assert!(!why.chars().any(is_unsafe), "{why:?}");
    }
});
