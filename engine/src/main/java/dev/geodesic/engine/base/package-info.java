/**
 * What every other package of the engine stands on: the error catalogue ({@link dev.geodesic.engine.base.ErrorCode},
 * {@link dev.geodesic.engine.base.EngineException}), {@link dev.geodesic.engine.base.Invariants} and
 * {@link dev.geodesic.engine.base.Limits}. Imports nothing of the engine.
 */
package dev.geodesic.engine.base;
