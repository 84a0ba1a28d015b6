//! The systems, one file each with a list `SYSTEMS`.

mod backends;
mod datadog;
mod elastic;
mod go;
mod java;
mod node;
mod prometheus;
mod python;
mod zipkin;

use crate::row::System;

/// All of them, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static System> {
    let systems: [&[System]; 9] = [
        python::SYSTEMS,
        node::SYSTEMS,
        java::SYSTEMS,
        go::SYSTEMS,
        datadog::SYSTEMS,
        elastic::SYSTEMS,
        zipkin::SYSTEMS,
        prometheus::SYSTEMS,
        backends::SYSTEMS,
    ];
    systems.into_iter().flatten()
}
