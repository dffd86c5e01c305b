package dev.geodesic.engine.schema;

/**
 * What makes the rows of a table calls that the host makes when they are due (spec/execution.md section 5). The table's
 * primary key is a {@code u64}.
 *
 * @param atColumn column of type ScheduleAt
 * @param function canonical name of the reducer or procedure that takes the rows, as it was when the table was created
 */
public record ScheduleSchema(int scheduleId, String name, int atColumn, String function) {
}
