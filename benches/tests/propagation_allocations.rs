//! Allocations of header propagation, which unlike times are exact.

use benches::propagation::cases;

#[test]
fn every_case_keeps_to_its_allocations() {
    let mut missed = Vec::new();
    println!("{:<36} {:>5} {:>6} {:>6}", "case", "ours", "theirs", "target");
    for mut case in cases() {
        let ours = allocations(&mut case.ours);
        let theirs = case.theirs.as_mut().map(allocations);
        let theirs = theirs.map_or_else(|| "-".to_owned(), |theirs| theirs.to_string());
        let target = case.allocations.map_or_else(|| "-".to_owned(), |target| target.to_string());
        println!("{:<36} {ours:>5} {theirs:>6} {target:>6}", case.name);
        if case.allocations.is_some_and(|target| ours > target) {
            missed.push(case.name);
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}

fn allocations(run: &mut Box<dyn FnMut()>) -> u64 {
    run(); // what is set up once is not counted
    allocation_counter::measure(&mut *run).count_total
}
