//! An index, a table and a reducer more; the view counts otherwise. Clients need not notice.
include!("../../common.rs");

const WHICH: &str = "more";

#[table(accessor = thing, public)]
pub struct Thing {
    #[primary_key]
    #[auto_inc]
    pub id: u32,
    #[index(btree)]
    pub name: String,
}

fn thing(id: u32, name: String) -> Thing {
    Thing { id, name }
}

fn count(things: u64) -> u64 {
    things * 10
}

#[table(accessor = tag, public)]
pub struct Tag {
    #[primary_key]
    pub text: String,
}

#[reducer]
pub fn add_tag(ctx: &ReducerContext, text: String) {
    ctx.db.tag().insert(Tag { text });
}
