//! A column of another type: not possible with data.
include!("../../common.rs");

const WHICH: &str = "retyped";

#[table(accessor = thing, public)]
pub struct Thing {
    #[primary_key]
    #[auto_inc]
    pub id: u32,
    pub name: u64,
}

fn thing(id: u32, name: String) -> Thing {
    Thing { id, name: name.len() as u64 }
}

fn count(things: u64) -> u64 {
    things
}
