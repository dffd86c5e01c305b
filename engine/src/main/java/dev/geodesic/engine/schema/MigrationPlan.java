package dev.geodesic.engine.schema;

import java.util.List;

/** What replacing one definition by another does, in the order in which it is done. {@link MigrationText} shows it. */
public record MigrationPlan(List<MigrationStep> steps) {

    public MigrationPlan {
        steps = List.copyOf(steps);
    }

    /** Whether clients lose their connections, to which the publisher must agree. */
    public boolean breaksClients() {
        return steps.stream().anyMatch(MigrationStep.DisconnectAll.class::isInstance);
    }
}
