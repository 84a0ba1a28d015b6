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
mod viewer;
mod zipkin;

use crate::row::System;

/// All of them, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static System> {
    let systems: [&[System]; 14] = [
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
        nginx::SYSTEMS,
        postgres::SYSTEMS,
    ];
    systems.into_iter().flatten()
}
