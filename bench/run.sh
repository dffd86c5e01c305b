#!/usr/bin/env bash
# Benchmarks; README.md says which there are.
#   bench/run.sh [JMH options and name patterns]     JMH, for instance  bench/run.sh Transaction
#   bench/run.sh --report [--quick | --full] [...]   one report of everything, load kit included; options: report.py --help
#   bench/run.sh --cpu                               what subscribers cost, in CPU time
#   bench/run.sh --recovery [rows...]                what a start costs: snapshots loaded, logs replayed
#   bench/run.sh --point [heap|chronicle] [rows...]  transactions of one row by key at growing sizes, in CPU time
#   bench/run.sh --memory [heap|chronicle] [rows...] what rows and index entries take, also after a day of changes
#   bench/run.sh --pause [rows, seconds, snapshots, directory]   how long a writer waits while snapshots are taken
# Compiles what it needs with Maven. JAVA_HOME may name the JDK 25; else the newest JDK found is taken.
set -euo pipefail
[ $# -gt 0 ] || set -- -wi 3 -w 2 -i 5 -r 2
cd "$(dirname "$0")/.."
java=${JAVA_HOME:+$JAVA_HOME/bin/java}
if [ -z "${java:-}" ] || ! "$java" -version 2>&1 | grep -q '"2[5-9]'; then
    java=$(ls -d /usr/lib/jvm/*25*/bin/java 2>/dev/null | tail -n 1)
fi
[ -n "$java" ] || { echo "no JDK 25 found; set JAVA_HOME" >&2; exit 1; }
if [ -z "${GEODESIC_BENCH_CLASSPATH:-}" ]; then
    [ -d bench/target/classes ] || mvn -q -pl bench -am package -DskipTests
    mvn -q -pl bench -am compile dependency:build-classpath -Dmdep.outputFile=target/classpath.txt
    GEODESIC_BENCH_CLASSPATH="bench/target/classes:$(cat bench/target/classpath.txt)"
fi
command=("$java" --enable-native-access=ALL-UNNAMED
    --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.lang.reflect=ALL-UNNAMED
    --add-opens=jdk.compiler/com.sun.tools.javac=ALL-UNNAMED --add-exports=jdk.compiler/com.sun.tools.javac.file=ALL-UNNAMED
    --sun-misc-unsafe-memory-access=allow -Dchronicle.analytics.disable=true -Dchronicle.announcer.disable=true
    -Dgeodesic.wasmtime.library="${GEODESIC_WASMTIME_LIBRARY:-engine/target/native}" -cp "$GEODESIC_BENCH_CLASSPATH")
jmh=(org.openjdk.jmh.Main -f 1 -prof dev.geodesic.bench.CpuTime)
case "$1" in
    --report) shift; exec python3 bench/report.py "$@" -- "${command[@]}" "${jmh[@]}" ;;
    --cpu) shift; main=(dev.geodesic.bench.SubscriberBench) ;;
    --recovery) shift; main=(dev.geodesic.bench.RecoveryBench) ;;
    --point) shift; main=(-Xmx4g dev.geodesic.bench.PointBench) ;;
    --memory) shift; main=(-Xmx5g -XX:+UseParallelGC dev.geodesic.bench.MemoryBench) ;;
    --pause) shift; main=(-Xmx6g dev.geodesic.bench.SnapshotPauseBench) ;;
    *) main=("${jmh[@]}") ;;
esac
exec "${command[@]}" "${main[@]}" "$@"
