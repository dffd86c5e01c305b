#!/usr/bin/env bash
# The load kit against a server, by one command.
# usage: bench/load/run.sh [URL]     without URL: the packaged server (mvn package -Pdist) on a free port, with a data directory of its own
# env: SECS=10 a scenario, WARMUP=2, PROTOS="v2 v3", ONLY=word (scenarios whose name has it), REPORT=file for the figures as JSON,
#      JVM_OPTIONS="-XX:+UseParallelGC ..." for the packaged server besides its own
# Needs Rust (Debian: rustc-web cargo-web, or any newer one in PATH) once, to build the load generator; wrk adds the HTTP figures.
exec python3 "$(dirname "$0")/suite.py" "$@"
