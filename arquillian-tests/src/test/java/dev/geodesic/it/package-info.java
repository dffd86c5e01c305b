/**
 * Tests of the built EAR in Open Liberty. {@link dev.geodesic.it.Ear} makes the deployment: the
 * shipped EAR with one more module that holds the tests.
 */
package dev.geodesic.it;
