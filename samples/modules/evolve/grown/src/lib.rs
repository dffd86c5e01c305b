//! A column more: clients have to go.
include!("../../common.rs");

const WHICH: &str = "grown";

#[table(accessor = thing, public)]
pub struct Thing {
    #[primary_key]
    #[auto_inc]
    pub id: u32,
    pub name: String,
    #[default(5)]
    pub stars: u32,
}

fn thing(id: u32, name: String) -> Thing {
    Thing { id, name, stars: 1 }
}

fn count(things: u64) -> u64 {
    things
}
