// What all points of this life have: `add`, which fills `thing`, and a view of it. `thing(id, name)` makes a row.
use spacetimedb::{reducer, table, view, AnonymousViewContext, ReducerContext, ScheduleAt, SpacetimeType, Table};

#[derive(SpacetimeType)]
pub struct Count {
    pub things: u64,
}

#[reducer]
pub fn add(ctx: &ReducerContext, name: String) {
    ctx.db.thing().insert(thing(0, name));
}

#[reducer]
pub fn remove_all(ctx: &ReducerContext) {
    ctx.db.thing().clear();
}

/// Which point this is.
#[reducer]
pub fn which(_ctx: &ReducerContext) -> Result<(), String> {
    Err(WHICH.into())
}

#[view(accessor = how_many, public)]
pub fn how_many(ctx: &AnonymousViewContext) -> Vec<Count> {
    vec![Count { things: count(ctx.db.thing().count()) }]
}

/// Once a second, noted in the log.
#[table(accessor = pulse, public, scheduled(beat))]
pub struct Pulse {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    pub scheduled_at: ScheduleAt,
}

#[reducer]
pub fn beat(_ctx: &ReducerContext, _pulse: Pulse) {
    log::info!("beat of {WHICH}");
}
