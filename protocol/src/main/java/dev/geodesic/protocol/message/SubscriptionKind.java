package dev.geodesic.protocol.message;

/** The four ways to subscribe. The kind of the request decides the form of the answer. */
public enum SubscriptionKind {
    /** v1 Subscribe: replaces the connection's one unnamed set; the query set id is 0 and means nothing. */
    LEGACY,
    /** v1 SubscribeSingle and Unsubscribe: exactly one query. */
    SINGLE,
    /** v1 SubscribeMulti and UnsubscribeMulti. */
    MULTI,
    /** v2 and v3. */
    SET
}
