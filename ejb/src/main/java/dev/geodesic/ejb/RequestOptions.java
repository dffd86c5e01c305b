package dev.geodesic.ejb;

/**
 * How many HTTP requests are worked on at a time; more wait, and what is beyond that is refused.
 *
 * @param threads that run SQL and administration, of all databases together
 * @param threadsOfDatabase of these, those that one database may have
 * @param waitingOfDatabase requests of one database that are being worked on or wait
 * @param programs that are compiled at the same time
 */
public record RequestOptions(int threads, int threadsOfDatabase, int waitingOfDatabase, int programs) {

    private static final int PROCESSORS = Runtime.getRuntime().availableProcessors();

    public static final RequestOptions DEFAULTS =
            new RequestOptions(8 * Math.max(4, PROCESSORS), 4 * Math.max(2, PROCESSORS), 1024, Math.max(2, PROCESSORS));
}
