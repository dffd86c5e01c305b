//! The module behind the load scenarios: items, counters, and the persons who connect.
//! It keeps to what every server has: tables, indexes, reducers, lifecycle reducers.
use spacetimedb::{reducer, table, Identity, ReducerContext, Table, Timestamp};

#[table(accessor = item, public)]
pub struct Item {
    #[primary_key]
    #[auto_inc]
    id: u64,
    #[index(btree)]
    grp: u32,
    name: String,
}

#[table(accessor = counter, public)]
pub struct Counter {
    #[primary_key]
    id: u32,
    value: u64,
}

#[table(accessor = person, public, index(accessor = by_name_age, btree(columns = [name, age])))]
pub struct Person {
    #[primary_key]
    ident: Identity,
    name: String,
    age: u8,
    online: bool,
    seen: Timestamp,
}

#[reducer(init)]
pub fn init(ctx: &ReducerContext) {
    for i in 0..10_000u32 {
        ctx.db.counter().insert(Counter { id: i, value: 0 });
    }
}

#[reducer(client_connected)]
pub fn connected(ctx: &ReducerContext) {
    let me = ctx.sender();
    match ctx.db.person().ident().find(me) {
        Some(p) => {
            ctx.db.person().ident().update(Person { online: true, seen: ctx.timestamp, ..p });
        }
        None => {
            ctx.db.person().insert(Person { ident: me, name: "anon".into(), age: 0, online: true, seen: ctx.timestamp });
        }
    }
}

#[reducer(client_disconnected)]
pub fn disconnected(ctx: &ReducerContext) {
    if let Some(p) = ctx.db.person().ident().find(ctx.sender()) {
        ctx.db.person().ident().update(Person { online: false, seen: ctx.timestamp, ..p });
    }
}

#[reducer]
pub fn insert_item(ctx: &ReducerContext, grp: u32, name: String) {
    ctx.db.item().insert(Item { id: 0, grp, name });
}

/// Insert `n` rows in one transaction.
#[reducer]
pub fn insert_many(ctx: &ReducerContext, grp: u32, n: u32) {
    for i in 0..n {
        ctx.db.item().insert(Item { id: 0, grp, name: format!("item {i}") });
    }
}

#[reducer]
pub fn update_item(ctx: &ReducerContext, id: u64, name: String) -> Result<(), String> {
    let it = ctx.db.item().id().find(id).ok_or_else(|| format!("no item {id}"))?;
    ctx.db.item().id().update(Item { name, ..it });
    Ok(())
}

#[reducer]
pub fn delete_item(ctx: &ReducerContext, id: u64) -> Result<(), String> {
    if ctx.db.item().id().delete(id) { Ok(()) } else { Err(format!("no item {id}")) }
}

#[reducer]
pub fn delete_grp(ctx: &ReducerContext, grp: u32) {
    let n = ctx.db.item().grp().delete(grp);
    log::info!("deleted {n}");
}

#[reducer]
pub fn bump(ctx: &ReducerContext, id: u32) -> Result<(), String> {
    let c = ctx.db.counter().id().find(id).ok_or("no counter")?;
    ctx.db.counter().id().update(Counter { value: c.value + 1, ..c });
    Ok(())
}

#[reducer]
pub fn transfer(ctx: &ReducerContext, from: u32, to: u32, amount: u64) -> Result<(), String> {
    let a = ctx.db.counter().id().find(from).ok_or("no from")?;
    let b = ctx.db.counter().id().find(to).ok_or("no to")?;
    ctx.db.counter().id().update(Counter { value: a.value.wrapping_sub(amount), ..a });
    ctx.db.counter().id().update(Counter { value: b.value.wrapping_add(amount), ..b });
    Ok(())
}

#[reducer]
pub fn noop(_ctx: &ReducerContext) {}
