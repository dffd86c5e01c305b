//! What a module of crate 1.1 may do: `../features-common`.
use spacetimedb::{
    client_visibility_filter, reducer, table, ConnectionId, Filter, Identity, ReducerContext, ScheduleAt, Table, TimeDuration,
    Timestamp,
};

const NAME_OF_THE_CRATE: &str = "1.1";

fn sender(ctx: &ReducerContext) -> Identity {
    ctx.sender
}

fn connection(ctx: &ReducerContext) -> Option<ConnectionId> {
    ctx.connection_id
}

fn database(ctx: &ReducerContext) -> Identity {
    ctx.identity()
}

/// No imports but those of 10.0.
fn check_abi_of_crate(_ctx: &ReducerContext) -> Result<(), String> {
    Ok(())
}

include!("../../features-common/core.rs");
core_tables!(name);
include!("../../features-common/abi.rs");
