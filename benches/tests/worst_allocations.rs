//! No request makes the server allocate much more than a normal one does.

use benches::worst::{Case, cases};

/// What a request may take beyond a normal one, in bytes: a few values of full length (4 KiB), and
/// what is captured of headers, which is four of these at most, with the SDK's copies.
const MORE: u64 = 32 * 1024;

/// The same for a list: 16 KiB of `tracestate`, which the SDK of an application clones three times, or 8 KiB of
/// `baggage`, its table, and its text if it is not sorted.
const MORE_OF_A_LIST: u64 = 48 * 1024;

fn bytes(case: &Case) -> u64 {
    let mut prepared = case.prepare();
    let counts = (0..20).map(|_| {
        let request = case.request();
        allocation_counter::measure(|| prepared.send(request)).bytes_total
    });
    counts.min().expect("there are samples")
}

#[test]
fn the_worst_request_allocates_a_few_values_more_than_a_normal_one() {
    let cases = cases();
    let normal = bytes(&cases[0]);
    for case in &cases {
        let taken = bytes(case);
        let is_list = ["tracestate", "baggage"].iter().any(|list| case.name.starts_with(list));
        let more = if is_list { MORE_OF_A_LIST } else { MORE };
        assert!(taken <= normal + more, "{}: {taken} bytes, normally {normal}", case.name);
    }
}
