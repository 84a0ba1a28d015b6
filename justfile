# The steps of continuous integration, each for a claim it proves. `.ci/run` runs them all.

# Every crate that is published.
published := `printf -- '-p %s ' $(ls crates)`

# Everything that must pass.
ci: test unbound formats models (soak "2m") instructions lint spelling features docs api package minimal deny interop

# The README's test command.
test:
    cargo test --workspace --all-features

# The live page in Chromium, with pictures of every view. `test` runs it too, where there is a browser.
browser:
    #!/usr/bin/env bash
    set -euo pipefail
    export TRACEWIRE_BROWSER_PICTURES="${TRACEWIRE_BROWSER_PICTURES:-$PWD/target/browser-pictures}"
    cargo test -p browser -- --test-threads=2

# Takes the picture of the live page that stands in the README.
picture:
    #!/usr/bin/env bash
    set -euo pipefail
    export TRACEWIRE_BROWSER_TESTS=required TRACEWIRE_BROWSER_PICTURES="$PWD/docs/images"
    cargo test -q -p browser --test programs the_picture_of_the_readme_is_taken

# Together with all features durations go through bound instruments; here as everybody's do.
unbound:
    cargo test -q -p tracewire-http -p tracewire-tower -p tracewire-reqwest -p contract

# Each header format alone is the default set: features unite within a workspace, so one at a time.
formats:
    #!/usr/bin/env bash
    set -euo pipefail
    for format in tracecontext baggage b3 jaeger xray datadog elastic gcp grpc-trace-bin; do
        cargo test -q -p tracewire-propagation --no-default-features --features "$format" \
            --test default_set
    done

# Models of threads: loom tries the orders of the small ones, with at most three preemptions in most, and
# shuttle many random ones of the queue, the live page, the sampler, reloads and look-ups of providers. Only
# the crate that is modelled is built anew. `MODEL_ORDERS` says how many orders shuttle tries.
models:
    #!/usr/bin/env bash
    set -euo pipefail
    model() {
        echo "models: $2 under $1"
        messages=$(cargo rustc -q -p "$2" --lib --profile test --all-features \
            --message-format=json-render-diagnostics -- --cfg "$1")
        program=$(grep -o '"executable":"[^"]*"' <<<"$messages" | tail -n 1 | cut -d '"' -f 4)
        "$program" --quiet model:: models:: --skip tests::
    }
    model loom tracewire-propagation
    model loom tracewire-http
    model shuttle tracewire-http
    model loom tracewire-export
    model shuttle tracewire-export
    model shuttle tracewire-live
    model shuttle tracewire-sampling
    model shuttle tracewire-init

# Random requests against the model, this many over each protocol, built with optimizations.
# `test` tries 1,000 of each.
lifecycle cases="100000":
    LIFECYCLE_CASES={{cases}} cargo test --release -p lifecycle --test random

# Traffic of every kind for so long (90s, 2m, 1h) against a collector that falters: nothing is lost uncounted,
# and nothing grows. Needs Linux.
soak time="1h":
    cargo run --quiet -p soak -- {{time}}

# Formatted, and nothing for clippy to say.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# Each feature of each published crate builds alone, without the dev-dependencies' features.
features:
    RUSTFLAGS="-D warnings" cargo hack check --each-feature --no-dev-deps \
        --ignore-private --workspace --exclude-features __presets,__rustls

# The documentation as docs.rs builds it: no warning, no dead link, and badges on what needs a feature.
docs:
    #!/usr/bin/env bash
    set -euo pipefail
    if ! rustc +nightly --version >/dev/null 2>&1; then
        echo "docs: WITHOUT BADGES AND LINKS, because no nightly toolchain is installed"
        RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features {{published}}
        exit
    fi
    document() {
        RUSTDOCFLAGS="--cfg docsrs -D warnings" cargo +nightly doc --no-deps --all-features "$@" \
            -Z rustdoc-map --config 'doc.extern-map.registries.crates-io="https://docs.rs/{pkg_name}/{version}"'
    }
    rm -rf target/doc
    document --quiet -p tracewire-text # cargo empties the folder the first time
    mkdir -p $(ls crates | tr - _ | sed s,^,target/doc/,) # rustdoc links to our crates only if these exist
    document {{published}}
    grep -rq "Available on .*crate feature" target/doc/tracewire --include=*.html
    cargo run -q -p api -- links target/doc

# The public API is what crates/*/api.txt record, and every page has an example. `just api record`
# records it. Needs a nightly toolchain for rustdoc's JSON, and says so where none is installed.
api word="check":
    #!/usr/bin/env bash
    set -euo pipefail
    if ! rustc +nightly --version >/dev/null 2>&1; then
        echo "api: NOT CHECKED, because no nightly toolchain is installed"
        exit
    fi
    RUSTDOCFLAGS="-Z unstable-options --output-format json --cap-lints allow" \
        cargo +nightly doc -q --no-deps --all-features {{published}}
    cargo run -q -p api -- {{word}} target/doc
    cargo run -q -p api -- examples target/doc

# The published crates can be packaged from what is committed. The packages are not built: that takes a
# second build of everything they depend on. RELEASING.md has the command that does.
package:
    cargo package --no-verify --quiet {{published}}

# The published crates build with the oldest versions of their dependencies that Cargo.toml allows.
# Needs a nightly toolchain to choose them, and says so where none is installed.
minimal:
    #!/usr/bin/env bash
    set -euo pipefail
    if ! rustc +nightly --version >/dev/null 2>&1; then
        echo "minimal: NOT CHECKED, because no nightly toolchain is installed"
        exit
    fi
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
    cp -rL crates Cargo.toml "$copy"
    cd "$copy"
    sed -i '/^members = \[/,/^\]/c members = ["crates/*"]' Cargo.toml
    for manifest in crates/*/Cargo.toml; do
        awk '/^\[/ { skip = /dev-dependencies/ } !skip' "$manifest" >without && mv without "$manifest"
    done
    cargo +nightly update -q -Z direct-minimal-versions
    cargo check -q --workspace --all-features --target-dir "$copy/target"

# No spelling mistakes. `_typos.toml` lists what is none.
spelling:
    #!/usr/bin/env bash
    set -euo pipefail
    typos=target/typos/bin/typos
    if ! [ -x "$typos" ]; then
        python3 -m venv target/typos
        target/typos/bin/pip install --quiet "typos>=1.52,<2"
    fi
    "$typos"

# The suite beside real systems: installs each from its registry, and prints what was checked.
interop *words:
    cargo run --quiet -p interop -- {{words}}

# Licenses, bans and sources of all dependencies, and their advisories where the RustSec database can
# be had: it is a Git repository, and no package carries it. Says so where it cannot.
deny:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo deny --version >/dev/null 2>&1 || cargo install --locked --quiet cargo-deny
    cargo deny check licenses bans sources
    copies="${CARGO_HOME:-$HOME/.cargo}/advisory-dbs"
    fetched=yes
    why=$(timeout 300 cargo deny fetch db 2>&1) || fetched=no
    copy=$(find "$copies" -mindepth 1 -maxdepth 1 -name 'advisory-db-*' -print -quit 2>/dev/null || true)
    if [ "$fetched" = yes ]; then
        cargo deny check advisories
    elif [ -n "$copy" ] && date=$(git -C "$copy" show -s --format=%cs HEAD 2>/dev/null); then
        cargo deny --offline check advisories
        echo "advisories: checked against a copy of $date, because no newer one can be had"
    else
        echo "advisories: NOT CHECKED, because the RustSec database cannot be had:"
        tail -n 1 <<<"$why" | sed 's/^/    /'
    fi

# Fuzzes each target for so many seconds (needs a nightly toolchain and cargo-fuzz).
fuzz seconds="600":
    #!/usr/bin/env bash
    set -euo pipefail
    cd fuzz
    for target in $(cargo +nightly fuzz list); do
        cargo +nightly fuzz run "$target" -- -max_total_time={{seconds}} -max_len=20000
    done

# The unit tests of crates that are pure, under Miri, for undefined behavior below us. Each crate gets so many
# seconds, and says how many of its tests passed in them: Miri is a few hundred times slower, and property tests
# try one case. Fails if Miri or a test does. Needs a nightly toolchain with the component `miri`, and says so
# where there is none.
miri seconds="900":
    #!/usr/bin/env bash
    set -euo pipefail
    if ! cargo +nightly miri --version >/dev/null 2>&1; then
        echo "miri: NOT RUN, because no nightly toolchain with miri is installed"
        exit
    fi
    mkdir -p target
    export MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-ignore-leaks" PROPTEST_CASES=1
    for crate in tracewire-text tracewire-propagation tracewire-exemplar tracewire-sampling tracewire-http; do
        cargo +nightly miri test -q -p "$crate" --lib --no-run
        status=0
        timeout {{seconds}} cargo +nightly miri test -q -p "$crate" --lib -- \
            --test-threads=1 --format=pretty >target/miri.log 2>&1 || status=$?
        passed=$(grep -c '^test .* ok$' target/miri.log || true)
        case $status in
        0) echo "miri: $crate: all $passed tests passed" ;;
        124) echo "miri: $crate: $passed tests passed in {{seconds}} seconds, the others were not run" ;;
        *) tail -n 60 target/miri.log && exit "$status" ;;
        esac
    done

# A CycloneDX bill of materials for each published crate, in target/sbom.
sbom:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo cyclonedx --version >/dev/null 2>&1 || cargo install --locked --quiet cargo-cyclonedx
    rm -rf target/sbom
    mkdir -p target/sbom
    # It writes beside each manifest.
    for crate in $(ls crates); do
        cargo cyclonedx -q --manifest-path "crates/$crate/Cargo.toml" --format json --all-features \
            --override-filename tracewire-sbom
        mv "crates/$crate/tracewire-sbom.json" "target/sbom/$crate.cdx.json"
        find . -path ./target -prune -o -name tracewire-sbom.json -exec rm {} +
    done
    ls target/sbom

# How often `unsafe` stands in what the published crates are built on; in ours it never does.
unsafe:
    cargo run --quiet -p supply

# The instructions of the main cases against recorded figures, with 3 % room; says so where valgrind
# is missing. `just instructions -- record` records them.
instructions *words:
    cargo bench -q -p benches --bench instructions {{words}}

# What it costs, beside today's crates: headers, a request and a call, and end to end (the last
# needs `wrk`; instructions need valgrind). Prints tables, and writes them as JSON.
bench:
    cargo bench -p benches --features peers --no-fail-fast
