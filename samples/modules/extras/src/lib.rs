//! What the tests of published clients need beyond the other test modules: rows of zero bytes, an event table with several rows a
//! transaction, a view by caller, procedures.
use spacetimedb::{procedure, reducer, table, view, Identity, ProcedureContext, ReducerContext, Table, ViewContext};

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

#[table(accessor = thing)]
pub struct Thing {
    #[primary_key]
    id: u32,
    #[index(btree)]
    owner: Identity,
    text: String,
}

/// The caller's things.
#[view(accessor = my_thing, public)]
pub fn my_thing(ctx: &ViewContext) -> Vec<Thing> {
    ctx.db.thing().owner().filter(ctx.sender()).collect()
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

/// Makes a thing of the caller's, or changes one.
#[reducer]
pub fn put(ctx: &ReducerContext, id: u32, text: String) {
    let row = Thing { id, owner: ctx.sender(), text };
    let things = ctx.db.thing();
    if things.id().find(id).is_some() {
        things.id().update(row);
    } else {
        things.insert(row);
    }
}

#[procedure]
pub fn sum(_ctx: &mut ProcedureContext, a: u32, b: u32) -> u64 {
    a as u64 + b as u64
}

/// Makes a thing of the caller's in a transaction of its own; tells how many there are.
#[procedure]
pub fn make(ctx: &mut ProcedureContext, id: u32, text: String) -> u64 {
    ctx.with_tx(|tx| {
        tx.db.thing().insert(Thing { id, owner: tx.sender(), text: text.clone() });
        tx.db.thing().count()
    })
}

#[procedure]
pub fn explode(_ctx: &mut ProcedureContext) -> u64 {
    panic!("as asked")
}
