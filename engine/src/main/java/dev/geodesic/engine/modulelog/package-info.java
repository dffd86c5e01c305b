/**
 * What modules write with their logging functions, and what the host adds: one file of JSON lines per day and database
 * (spec/execution.md section 9), bounded in length and rate, with followers.
 */
package dev.geodesic.engine.modulelog;
