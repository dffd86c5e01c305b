#!/usr/bin/env bash
# Builds the published Rust clients of this directory, and the published command line tool, with the compiler of Debian:
#   apt-get install -y --no-install-recommends rustc-web cargo-web gcc make pkg-config libssl-dev
# usage: samples/interop/build.sh [clients] [cli]      default: both
# Result: target/clients/debug/client-1, client-2 and target/clients/bin/spacetimedb-cli, or below $GEODESIC_CLIENTS.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cargo=${CARGO:-/usr/bin/cargo}
for tool in "$cargo" /usr/bin/rustc pkg-config make; do
    command -v "$tool" >/dev/null || {
        echo "samples/interop/build.sh: $tool is missing: apt-get install rustc-web cargo-web gcc make pkg-config libssl-dev" >&2
        exit 2
    }
done
out=${GEODESIC_CLIENTS:-$here/../../target/clients}
mkdir -p "$out"
out=$(cd "$out" && pwd)
# As quick to build as can be: they need not be quick themselves.
export RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc CARGO_TARGET_DIR=$out
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_INCREMENTAL=0

[ $# -gt 0 ] || set -- clients cli
for part in "$@"; do
    case $part in
        clients) (cd "$here/rust" && "$cargo" build --quiet --locked) ;;
        # Locked by the file that is published with it.
        cli) "$cargo" install --quiet --locked --debug --root "$out" spacetimedb-cli --version 1.3.0 ;;
        *) echo "samples/interop/build.sh: clients or cli, not $part" >&2; exit 2 ;;
    esac
done
