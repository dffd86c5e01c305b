#!/usr/bin/env bash
# Compiles every variant of the migration test module and writes their definitions, what __describe_module__ says, to
# engine/src/test/resources/golden/migration. Tool chain as in samples/build.sh; the engine's test classes describe.
# usage: samples/modules/migration/build.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
golden=$top/engine/src/test/resources/golden/migration

export RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22
export CARGO_UNSTABLE_BUILD_STD=std,panic_abort CARGO_BUILD_TARGET=wasm32-unknown-unknown
export CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback
export CARGO_TARGET_DIR=${GEODESIC_RUST_TARGET:-$top/target/rust}
work=$CARGO_TARGET_DIR/migration
mkdir -p "$work/crate/src" "$work/wasm"
cp "$here/Cargo.toml" "$here/Cargo.lock" "$work/crate/"

variants=$(sed -E 's/.*"old": "([^"]*)", "new": "([^"]*)".*/\1\n\2/' "$golden/migration.jsonl" | sort -u)
for variant in $variants; do
    python3 "$here/variants.py" "$variant" > "$work/crate/src/lib.rs"
    (cd "$work/crate" && "${CARGO:-/usr/bin/cargo}" build --release --quiet --locked)
    cp "$CARGO_TARGET_DIR/wasm32-unknown-unknown/release/mig.wasm" "$work/wasm/$variant.wasm"
done
(cd "$top" && mvn -q -o -pl engine -am test -Dtest=DescribeModules -Dsurefire.failIfNoSpecifiedTests=false \
    -Dgeodesic.describe="$work/wasm")
install -m 644 "$work"/wasm/*.bsatn "$golden/"
