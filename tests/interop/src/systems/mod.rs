//! The systems, one file each with a list `SYSTEMS`.

mod backends;
mod collector;
mod datadog;
mod elastic;
mod example;
mod go;
mod jaeger;
mod java;
mod nginx;
mod node;
mod postgres;
mod prometheus;
mod python;
mod uptrace;
mod viewer;
mod zipkin;

use crate::row::System;

/// All of them, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static System> {
    let systems: [&[System]; 15] = [
        python::SYSTEMS,
        node::SYSTEMS,
        java::SYSTEMS,
        go::SYSTEMS,
        datadog::SYSTEMS,
        elastic::SYSTEMS,
        collector::SYSTEMS,
        jaeger::SYSTEMS,
        viewer::SYSTEMS,
        zipkin::SYSTEMS,
        prometheus::SYSTEMS,
        backends::SYSTEMS,
        uptrace::SYSTEMS,
        nginx::SYSTEMS,
        postgres::SYSTEMS,
    ];
    systems.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// What the page's table has in its first column.
    fn listed() -> BTreeSet<String> {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/systems.md");
        let page = std::fs::read_to_string(page).unwrap();
        let (_, results) = page.split_once("## Results").unwrap();
        let (table, _) = results.split_once("## Examples").unwrap();
        let cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
        cells.filter(|cell| *cell != "system").map(str::to_owned).collect()
    }

    #[test]
    fn the_page_lists_each_system_and_no_other() {
        let systems: BTreeSet<String> = super::all().map(|one| one.name.to_owned()).collect();
        let listed = listed();
        let missing: Vec<_> = systems.difference(&listed).collect();
        let gone: Vec<_> = listed.difference(&systems).collect();
        assert!(missing.is_empty() && gone.is_empty(), "missing {missing:?}, gone {gone:?}");
    }
}
