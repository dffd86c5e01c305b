/**
 * JMH benchmarks of the engine's layers: codec, store, transaction, a whole reducer call. Run them with
 * {@code bench/run.sh}; figures and machine go to {@code docs/performance.md}. Compare within one run only.
 */
package dev.geodesic.bench;
