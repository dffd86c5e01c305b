//! What the tests of published clients need beyond the other test modules: rows of zero bytes, and an event table with several rows
//! a transaction.
use spacetimedb::{reducer, table, ReducerContext, Table};

#[table(accessor = no_columns, public)]
pub struct NoColumns {}

#[table(accessor = unit_column, public)]
pub struct UnitColumn {
    nothing: (),
}

#[table(accessor = spark, public, event)]
pub struct Spark {
    tag: String,
    at: u32,
}

/// Puts a row into both tables, or takes it away.
#[reducer]
pub fn set_empty(ctx: &ReducerContext, there: bool) {
    if there {
        ctx.db.no_columns().insert(NoColumns {});
        ctx.db.unit_column().insert(UnitColumn { nothing: () });
    } else {
        ctx.db.no_columns().delete(NoColumns {});
        ctx.db.unit_column().delete(UnitColumn { nothing: () });
    }
}

#[reducer]
pub fn strike(ctx: &ReducerContext, tag: String, from: u32, to: u32) {
    for at in from..to {
        ctx.db.spark().insert(Spark { tag: tag.clone(), at });
    }
}
