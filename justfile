# The steps of continuous integration, each for a claim it proves. `.ci/run` runs them all.

# Everything that must pass.
ci: test formats lint features docs

# The README's test command.
test:
    cargo test --workspace --all-features

# Each header format alone is the default set: features unite within a workspace, so one at a time.
formats:
    #!/usr/bin/env bash
    set -euo pipefail
    for format in tracecontext baggage b3 jaeger xray datadog elastic; do
        cargo test -q -p tracewire-propagation --no-default-features --features "$format" \
            --test default_set
    done

# Formatted, and nothing for clippy to say.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# Each feature of each published crate builds alone, without the dev-dependencies' features.
features:
    RUSTFLAGS="-D warnings" cargo hack check --each-feature --no-dev-deps \
        --ignore-private --workspace --exclude-features __presets,__rustls

# The documentation builds without a warning.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps

# Licenses and sources of all dependencies (needs cargo-deny).
deny:
    cargo deny check licenses bans sources

# Fuzzes each header parser for so many seconds (needs a nightly toolchain and cargo-fuzz).
fuzz seconds="600":
    #!/usr/bin/env bash
    set -euo pipefail
    cd fuzz
    for target in tracecontext baggage b3 jaeger xray datadog elastic all names; do
        cargo +nightly fuzz run "propagation_$target" -- -max_total_time={{seconds}} -max_len=20000
    done

# How fast headers are read and written, beside OpenTelemetry's own propagators.
bench:
    cargo bench -p tracewire-benches
