#!/usr/bin/env bash
# Compiles the Rust modules of samples and bench to wasm, with the Rust tool chain of Debian:
#   apt-get install -y --no-install-recommends rustc-web cargo-web rust-web-src lld-22
# usage: samples/build.sh [--check] [directory of a module ...]      default: every module
#   --check   leave the committed .wasm files alone; only show that the sources compile
# Build directory: $GEODESIC_RUST_TARGET, default target/rust at the top of the project.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)

# directory, then the wasm files it makes ("crate" or "crate:file to write")
modules="
samples/chat/module       chat
samples/modules/v1        kitchen_v1
samples/modules/v2        kitchen_v2
samples/modules/procedures procedures
samples/modules/golden-v1 golden_v1
samples/modules/golden-v2 golden_v2
samples/modules/features  event_table http_handler procedure row_level_security schedule view
samples/modules/evolve    evolve_first evolve_more evolve_grown evolve_retyped evolve_unique evolve_falling evolve_stillborn
samples/modules/features-1.1 features_1_1
samples/modules/features-1.12 features_1_12
samples/modules/features-2.0 features_2_0
samples/modules/features-2.8 features_2_8
samples/modules/features-2.11 features_2_11
samples/modules/extras    extras
samples/modules/timers    timers timers_all
samples/modules/simulation simulation simulation_grown
bench/load/module         loadmod
bench/load/bank           bank
bench/load/hostcalls      hostcalls
"

check=
if [ "${1:-}" = --check ]; then check=yes; shift; fi

cargo=${CARGO:-/usr/bin/cargo}
for tool in "$cargo" /usr/bin/rustc wasm-ld-22; do
    command -v "$tool" >/dev/null || {
        echo "samples/build.sh: $tool is missing: apt-get install rustc-web cargo-web rust-web-src lld-22" >&2
        exit 2
    }
done
export RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22
export CARGO_UNSTABLE_BUILD_STD=std,panic_abort CARGO_BUILD_TARGET=wasm32-unknown-unknown
export CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback
export CARGO_TARGET_DIR=${GEODESIC_RUST_TARGET:-$top/target/rust}
# the wasm must not carry the paths of the machine it was built on
cargo_home=${CARGO_HOME:-$HOME/.cargo}
export CARGO_HOME=$cargo_home
out=$CARGO_TARGET_DIR/wasm32-unknown-unknown/release

while read -r dir crates; do
    [ -n "$dir" ] || continue
    if [ $# -gt 0 ]; then
        case " $* " in *" $dir "*|*" $dir/ "*) ;; *) continue ;; esac
    fi
    locked=--locked
    [ -f "$top/$dir/Cargo.lock" ] || locked=
    echo "== $dir"
    (
        cd "$top/$dir"
        "$cargo" fetch --quiet $locked
        remap=--remap-path-prefix=$top=.
        for sources in "$cargo_home"/registry/src/*; do
            remap+=$'\x1f'--remap-path-prefix=$sources=crates
        done
        CARGO_ENCODED_RUSTFLAGS=$remap "$cargo" build --release --quiet $locked
    )
    for crate in $crates; do
        file=$crate.wasm
        if [ -z "$check" ]; then
            install -m 644 "$out/$file" "$top/$dir/$file"
        fi
        printf '%8d  %s\n' "$(stat -c %s "$out/$file")" "$dir/$file"
    done
done <<< "$modules"
