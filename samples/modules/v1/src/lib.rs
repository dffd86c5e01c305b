//! Test module for crate 1.12.0 (definition version 9): every column type, constraint and index kind, lifecycle reducers, errors,
//! traps. No views, schedules, procedures, row-level security or HTTP handlers.
#![allow(non_snake_case)] // some names are there to be converted
use spacetimedb::sats::{i256, u256};
use spacetimedb::{
    reducer, table, ConnectionId, Identity, ReducerContext, ScheduleAt, SpacetimeType, Table, TimeDuration, Timestamp,
};

include!("../../shared/tables.rs");
common_tables!(name);
include!("../../shared/reducers.rs");

fn sender(ctx: &ReducerContext) -> Identity {
    ctx.sender
}

fn connection(ctx: &ReducerContext) -> Option<ConnectionId> {
    ctx.connection_id
}

fn module_identity(ctx: &ReducerContext) -> Identity {
    ctx.identity()
}

/// Crate 1.x updates by every unique column.
fn update_by(ctx: &ReducerContext, by: &str, row: TestIndex) {
    let t = ctx.db.test_index();
    match by {
        "id" => t.id().update(row),
        "code" => t.code().update(row),
        "owner" => t.owner().update(row),
        _ => t.slot().update(row),
    };
}

/// Special types.
#[table(name = specials, public)]
pub struct Specials {
    #[primary_key]
    pub id: u32,
    pub ident: Identity,
    pub conn: ConnectionId,
    pub at: Timestamp,
    pub dur: TimeDuration,
    pub sched: ScheduleAt,
}

/// Compound types.
#[table(name = compounds, public)]
pub struct Compounds {
    #[primary_key]
    pub id: u32,
    pub color: Color,
    pub shape: Shape,
    pub point: Point,
    pub opt_text: Option<String>,
    pub opt_num: Option<u64>,
    pub opt_point: Option<Point>,
    pub bytes: Vec<u8>,
    pub nums: Vec<i32>,
    pub words: Vec<String>,
    pub points: Vec<Point>,
    pub nested: Vec<Vec<u8>>,
}

#[table(name = renamed_table, public)]
pub struct RenamedSrc {
    #[primary_key]
    pub id: u32,
    pub v: String,
}

#[reducer]
pub fn add_specials(
    ctx: &ReducerContext,
    id: u32,
    ident: Identity,
    conn: ConnectionId,
    at: Timestamp,
    dur: TimeDuration,
    sched: ScheduleAt,
) {
    ctx.db.specials().insert(Specials { id, ident, conn, at, dur, sched });
}
