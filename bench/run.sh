#!/usr/bin/env bash
# Runs the JMH benchmarks: bench/run.sh [JMH options and name patterns], for instance  bench/run.sh Transaction
# bench/run.sh --cpu measures what subscribers cost, in CPU time.
# bench/run.sh --recovery [rows...] measures what a start costs: snapshots loaded, logs replayed.
# bench/run.sh --pause [rows, seconds, snapshots, directory] measures how long a writer waits while snapshots are taken.
# Needs a build (mvn -q -pl bench -am package -DskipTests). JAVA_HOME may name the JDK 25; else the newest JDK found is taken.
set -euo pipefail
[ $# -gt 0 ] || set -- -wi 3 -w 2 -i 5 -r 2
cd "$(dirname "$0")/.."
java=${JAVA_HOME:+$JAVA_HOME/bin/java}
if [ -z "${java:-}" ] || ! "$java" -version 2>&1 | grep -q '"2[5-9]'; then
    java=$(ls -d /usr/lib/jvm/*25*/bin/java 2>/dev/null | tail -n 1)
fi
[ -n "$java" ] || { echo "no JDK 25 found; set JAVA_HOME" >&2; exit 1; }
[ -d bench/target/classes ] || mvn -q -pl bench -am package -DskipTests
mvn -q -pl bench -am compile dependency:build-classpath -Dmdep.outputFile=target/classpath.txt
opens="--add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.lang.reflect=ALL-UNNAMED \
--add-opens=jdk.compiler/com.sun.tools.javac=ALL-UNNAMED --add-exports=jdk.compiler/com.sun.tools.javac.file=ALL-UNNAMED"
main="org.openjdk.jmh.Main -f 1"
if [ "$1" = --cpu ]; then
    # CPU time of one thread, for a machine that does other things too.
    shift
    main=dev.geodesic.bench.SubscriberBench
elif [ "$1" = --recovery ]; then
    shift
    main=dev.geodesic.bench.RecoveryBench
elif [ "$1" = --pause ]; then
    shift
    main="-Xmx6g dev.geodesic.bench.SnapshotPauseBench"
fi
exec "$java" --enable-native-access=ALL-UNNAMED $opens -Dchronicle.analytics.disable=true -Dchronicle.announcer.disable=true \
    -Dgeodesic.wasmtime.library="${GEODESIC_WASMTIME_LIBRARY:-engine/target/native}" \
    -cp "bench/target/classes:$(cat bench/target/classpath.txt)" $main "$@"
