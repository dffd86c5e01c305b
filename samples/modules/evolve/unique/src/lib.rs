//! A constraint more, which the data may break.
include!("../../common.rs");

const WHICH: &str = "unique";

#[table(accessor = thing, public)]
pub struct Thing {
    #[primary_key]
    #[auto_inc]
    pub id: u32,
    #[unique]
    pub name: String,
}

fn thing(id: u32, name: String) -> Thing {
    Thing { id, name }
}

fn count(things: u64) -> u64 {
    things
}
