/**
 * Copies of a database that outlive it, and earlier states of it (docs/formats/backup.md). A backup is a few files with a
 * {@link dev.geodesic.engine.backup.Manifest} that says what they are; {@link dev.geodesic.engine.backup.BackupWriter} puts
 * them into a zip or into a directory, {@link dev.geodesic.engine.backup.BackupReader} takes them out again and believes
 * nothing that it has not checked. Both a backup and a running database are a {@link dev.geodesic.engine.backup.Past}, from
 * which {@link dev.geodesic.engine.backup.PastState} makes the state of one moment. What becomes of that state is the business
 * of {@code database}.
 */
package dev.geodesic.engine.backup;
