#!/usr/bin/env bash
# The load kit against a server, by one command.
# usage: bench/load/run.sh [URL]     without URL: the packaged server (mvn package -Pdist) on a free port, with a data directory of its own
# env: SECS=10 a scenario, WARMUP=2, PROTOS="v2 v3", ONLY=word (scenarios whose name has it), REPORT=file for the figures as JSON
# Needs Rust (Debian: rustc-web cargo-web, or any newer one in PATH) once, to build the load generator; wrk adds the HTTP figures.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
target=${GEODESIC_RUST_TARGET:-$top/target/rust}

stload=$target/stload/release/stload
if [ ! -x "$stload" ] || [ -n "$(find "$here/stload" -newer "$stload" -name '*.rs' -print -quit)" ]; then
    cargo=/usr/bin/cargo
    [ -x "$cargo" ] || cargo=$(command -v cargo) || { echo 'run.sh: Rust is missing (Debian: apt-get install rustc-web cargo-web)' >&2; exit 2; }
    echo "building the load generator" >&2
    rustc=$(dirname "$cargo")/rustc
    (cd "$here/stload" && RUSTC=$rustc CARGO_TARGET_DIR=$target/stload "$cargo" build --release --locked --quiet)
fi

url=${1:-}
if [ -z "$url" ]; then
    zip=$top/liberty-config/target/geodesic-server.zip
    [ -f "$zip" ] || { echo "run.sh: no packaged server at $zip: mvn package -Pdist -DskipTests, or give the URL of a running server" >&2; exit 2; }
    work=$(mktemp -d)
    server=
    finish() {
        if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
        rm -rf "$work"
    }
    trap finish EXIT
    python3 -m zipfile -e "$zip" "$work"
    chmod +x "$work"/wlp/bin/*
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
    url=http://localhost:$port
    if [ -z "${JAVA_HOME:-}" ]; then
        for jdk in /usr/lib/jvm/*25*; do [ -x "$jdk/bin/java" ] && export JAVA_HOME=$jdk; done
    fi
    (cd "$work" && HTTP_PORT=$port GEODESIC_DATA_DIRECTORY=$work/data exec wlp/bin/server run geodesic) > "$work/server.log" 2>&1 &
    server=$!
    for _ in $(seq 120); do
        curl -fs -o /dev/null "$url/v1/ping" && break
        kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; exit 1; }
        sleep 1
    done
    curl -fs -o /dev/null "$url/v1/ping" || { tail -50 "$work/server.log" >&2; exit 1; }
fi

STLOAD=$stload python3 "$here/suite.py" "$url"
