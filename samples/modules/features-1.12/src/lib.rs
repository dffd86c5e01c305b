//! What a module of crate 1.12 may do: `../features-common`.
use spacetimedb::http::{Body, Request, Timeout};
use spacetimedb::{
    client_visibility_filter, procedure, reducer, table, view, AnonymousViewContext, ConnectionId, Filter, Identity,
    ProcedureContext, ReducerContext, ScheduleAt, SpacetimeType, Table, TimeDuration, Timestamp, ViewContext,
};

const NAME_OF_THE_CRATE: &str = "1.12";

fn sender(ctx: &ReducerContext) -> Identity {
    ctx.sender
}

fn connection(ctx: &ReducerContext) -> Option<ConnectionId> {
    ctx.connection_id
}

fn database(ctx: &ReducerContext) -> Identity {
    ctx.identity()
}

fn viewer(ctx: &ViewContext) -> Identity {
    ctx.sender
}

fn caller(ctx: &ProcedureContext) -> Identity {
    ctx.sender
}

fn client(ctx: &ProcedureContext) -> Option<ConnectionId> {
    ctx.connection_id
}

/// Views of this crate cannot ask how many rows a table has.
fn count_items(ctx: &AnonymousViewContext) -> u64 {
    ctx.db.item().weight().filter(i32::MIN..).count() as u64
}

fn check_abi_of_newest(_ctx: &ReducerContext) -> Result<(), String> {
    Ok(())
}

include!("../../features-common/core.rs");
core_tables!(name);
include!("../../features-common/abi.rs");
include!("../../features-common/views.rs");
view_tables!(name);
