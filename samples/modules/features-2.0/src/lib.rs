//! What a module of crate 2.0 may do: `../features-common`.
use spacetimedb::http::{Body, Request, Timeout};
use spacetimedb::{
    client_visibility_filter, procedure, reducer, table, view, AnonymousViewContext, ConnectionId, Filter, Identity,
    ProcedureContext, Query, ReducerContext, ScheduleAt, SpacetimeType, Table, TimeDuration, Timestamp, ViewContext,
};

const NAME_OF_THE_CRATE: &str = "2.0";

fn database(ctx: &ReducerContext) -> Identity {
    ctx.identity()
}

/// Views of this crate cannot ask how many rows a table has.
fn count_items(ctx: &AnonymousViewContext) -> u64 {
    ctx.db.item().weight().filter(i32::MIN..).count() as u64
}

fn check_abi_of_newest(_ctx: &ReducerContext) -> Result<(), String> {
    Ok(())
}

include!("../../features-common/dialect2.rs");
include!("../../features-common/core.rs");
core_tables!(accessor);
include!("../../features-common/abi.rs");
include!("../../features-common/views.rs");
view_tables!(accessor);
include!("../../features-common/two.rs");
