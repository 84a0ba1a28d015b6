//! Allocations of decisions about spans, which unlike times are exact.

use benches::sampling::cases;

#[test]
fn every_decision_makes_the_allocations_of_its_trace_state_alone() {
    let mut found = Vec::new();
    for mut case in cases() {
        for number in 0..300 {
            (case.decide)(number + 1); // what is set up once is not counted
        }
        let counts =
            (0..20).map(|_| allocation_counter::measure(|| (case.decide)(7)).count_total).min();
        if counts != Some(case.allocations) {
            found.push((case.name, counts, case.allocations));
        }
    }
    assert_eq!(found, []);
}
