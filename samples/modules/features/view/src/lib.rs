//! Declares a view and nothing else out of the ordinary.
use spacetimedb::{table, view, AnonymousViewContext};

#[table(accessor = thing, public)]
pub struct Thing {
    #[primary_key]
    id: u32,
}

#[view(accessor = first_thing, public)]
pub fn first_thing(ctx: &AnonymousViewContext) -> Option<Thing> {
    ctx.db.thing().id().find(1)
}
