//! Declares an event table and nothing else out of the ordinary.
use spacetimedb::{reducer, table, ReducerContext, Table};

#[table(accessor = flash, public, event)]
pub struct Flash {
    tag: String,
}

#[reducer]
pub fn emit(ctx: &ReducerContext, tag: String) {
    ctx.db.flash().insert(Flash { tag });
}
