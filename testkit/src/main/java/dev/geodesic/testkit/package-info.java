/**
 * What the tests of several modules share: {@link dev.geodesic.testkit.Seeds} for random tests that can be replayed,
 * {@link dev.geodesic.testkit.Vectors} for golden files, {@link dev.geodesic.testkit.Await} for what takes its time; the
 * package {@code history} checks what concurrent clients saw. Test scope only; imports no other module.
 */
package dev.geodesic.testkit;
