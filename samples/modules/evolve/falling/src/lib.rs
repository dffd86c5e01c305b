//! The view panics, but on an empty table.
include!("../../common.rs");

const WHICH: &str = "falling";

#[table(accessor = thing, public)]
pub struct Thing {
    #[primary_key]
    #[auto_inc]
    pub id: u32,
    pub name: String,
}

fn thing(id: u32, name: String) -> Thing {
    Thing { id, name }
}

fn count(things: u64) -> u64 {
    if things > 0 { panic!("the view falls") } else { 0 }
}
