//! Test module for crate 2.x (definition version 10): every column type, constraint and index kind, lifecycle reducers, errors,
//! traps. No views, schedules, procedures, row-level security, HTTP handlers or event tables.
#![allow(non_snake_case)] // some names are there to be converted
use spacetimedb::sats::{i256, u256};
use spacetimedb::{
    reducer, table, ConnectionId, Identity, ReducerContext, ScheduleAt, SpacetimeType, Table, TimeDuration, Timestamp, Uuid,
};

include!("../../shared/tables.rs");
common_tables!(accessor);
include!("../../shared/reducers.rs");

fn sender(ctx: &ReducerContext) -> Identity {
    ctx.sender()
}

fn connection(ctx: &ReducerContext) -> Option<ConnectionId> {
    ctx.connection_id()
}

fn module_identity(ctx: &ReducerContext) -> Identity {
    ctx.database_identity()
}

/// Crate 2.x updates by the primary key; for the other unique columns the old row is deleted and the new one inserted.
fn update_by(ctx: &ReducerContext, by: &str, row: TestIndex) {
    let t = ctx.db.test_index();
    match by {
        "id" => {
            t.id().update(row);
            return;
        }
        "code" => t.code().delete(row.code.clone()),
        "owner" => t.owner().delete(row.owner),
        _ => t.slot().delete(row.slot),
    };
    t.insert(row);
}

/// Special types.
#[table(accessor = specials, public)]
pub struct Specials {
    #[primary_key]
    pub id: u32,
    pub ident: Identity,
    pub conn: ConnectionId,
    pub at: Timestamp,
    pub dur: TimeDuration,
    pub uuid: Uuid,
    pub sched: ScheduleAt,
}

/// Compound types.
#[table(accessor = compounds, public)]
pub struct Compounds {
    #[primary_key]
    pub id: u32,
    pub color: Color,
    pub shape: Shape,
    pub point: Point,
    pub opt_text: Option<String>,
    pub opt_num: Option<u64>,
    pub opt_point: Option<Point>,
    pub res: Result<u32, String>,
    pub bytes: Vec<u8>,
    pub nums: Vec<i32>,
    pub words: Vec<String>,
    pub points: Vec<Point>,
    pub nested: Vec<Vec<u8>>,
}

/// Renamed explicitly.
#[table(accessor = renamed_src, name = "RenamedTable", public)]
pub struct RenamedSrc {
    #[primary_key]
    pub id: u32,
    pub v: String,
}

#[reducer]
#[allow(clippy::too_many_arguments)]
pub fn add_specials(
    ctx: &ReducerContext,
    id: u32,
    ident: Identity,
    conn: ConnectionId,
    at: Timestamp,
    dur: TimeDuration,
    uuid: Uuid,
    sched: ScheduleAt,
) {
    ctx.db.specials().insert(Specials { id, ident, conn, at, dur, uuid, sched });
}

/// Keys of types that only crate 2.x can index.
#[table(accessor = test_times, public)]
pub struct TestTimes {
    #[primary_key]
    pub uuid: Uuid,
    #[index(btree)]
    pub at: Timestamp,
}

#[reducer]
pub fn test_add_time(ctx: &ReducerContext, label: String, uuid: Uuid, at: Timestamp) {
    let times = ctx.db.test_times();
    times.insert(TestTimes { uuid, at });
    found(ctx, &label, times.at().filter(..=at).count());
}
