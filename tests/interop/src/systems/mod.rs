//! The systems, one file each with a list `SYSTEMS`.

mod backends;
mod datadog;
mod elastic;
mod go;
mod java;
mod node;
mod python;
mod zipkin;

use crate::row::System;

/// All of them, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static System> {
    let systems: [&[System]; 8] = [
        python::SYSTEMS,
        node::SYSTEMS,
        java::SYSTEMS,
        go::SYSTEMS,
        datadog::SYSTEMS,
        elastic::SYSTEMS,
        zipkin::SYSTEMS,
        backends::SYSTEMS,
    ];
    systems.into_iter().flatten()
}
