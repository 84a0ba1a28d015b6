//! Every framework that tracewire traces, and the scenarios it must pass: an adapter each.
#![allow(clippy::unwrap_used)] // a test fails by panicking

// Servers.
mod actix_web;
mod axum;
mod hyper;
mod tonic;

// Clients.
mod hyper_util;
mod reqwest;
mod tonic_channel;

// What only some have: calls of gRPC, services that fail, layers of others.
mod grpc;
mod tower_http_layers;
mod tower_services;

// What the adapters for Tower share.
mod layers;
