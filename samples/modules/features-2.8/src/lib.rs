//! What a module of crate 2.8 may do: `../features-common`.
use spacetimedb::http::{handler, router, Body, HandlerContext, Request, Response, Router, Timeout};
use spacetimedb::{
    client_visibility_filter, procedure, reducer, table, view, AnonymousViewContext, ConnectionId, Filter, Identity,
    ProcedureContext, Query, ReducerContext, ScheduleAt, SpacetimeType, Table, TimeDuration, Timestamp, ViewContext,
};

const NAME_OF_THE_CRATE: &str = "2.8";

fn database(ctx: &ReducerContext) -> Identity {
    ctx.database_identity()
}

include!("../../features-common/dialect2.rs");
include!("../../features-common/core.rs");
core_tables!(accessor);
include!("../../features-common/abi.rs");
include!("../../features-common/views.rs");
view_tables!(accessor);
include!("../../features-common/two.rs");
include!("../../features-common/newest.rs");
