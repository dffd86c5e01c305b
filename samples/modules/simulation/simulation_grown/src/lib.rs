//! What `simulation` has, and one table more.
include!("../../common.rs");

#[table(accessor = extra, public)]
pub struct Extra {
    #[primary_key]
    pub key: u32,
    pub value: u64,
}

#[reducer]
pub fn put_extra(ctx: &ReducerContext, key: u32, value: u64) {
    match ctx.db.extra().key().find(key) {
        Some(_) => drop(ctx.db.extra().key().update(Extra { key, value })),
        None => drop(ctx.db.extra().insert(Extra { key, value })),
    }
}
