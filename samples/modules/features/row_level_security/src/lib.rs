//! Declares a row-level security filter: whoever ignored it would show everybody's notes to everybody.
use spacetimedb::{client_visibility_filter, reducer, table, Filter, Identity, ReducerContext, Table};

#[table(accessor = note, public)]
pub struct Note {
    #[primary_key]
    owner: Identity,
    text: String,
}

#[client_visibility_filter]
const OWN_NOTES: Filter = Filter::Sql("SELECT * FROM note WHERE owner = :sender");

#[reducer]
pub fn write(ctx: &ReducerContext, text: String) {
    ctx.db.note().insert(Note { owner: ctx.sender(), text });
}
