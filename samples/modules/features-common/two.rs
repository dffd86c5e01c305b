// From crate 2.0 on: event tables, views that return a query.

/// Sent, not stored.
#[table(accessor = spark, public, event)]
pub struct Spark {
    #[primary_key]
    pub id: u32,
    pub text: String,
}

#[reducer]
pub fn emit(ctx: &ReducerContext, id: u32, text: String) {
    ctx.db.spark().insert(Spark { id, text });
}

/// Within its transaction an event table is a table: returns by failing what it has found.
#[reducer]
pub fn emit_and_look(ctx: &ReducerContext, id: u32, fail: bool) -> Result<(), String> {
    let before = ctx.db.spark().count();
    ctx.db.spark().insert(Spark { id, text: "first".into() });
    let twice = ctx.db.spark().try_insert(Spark { id, text: "second".into() }).is_err();
    let found = ctx.db.spark().id().find(id).map(|spark| spark.text);
    same("events", (before, twice, found, ctx.db.spark().count()), (0, true, Some("first".into()), 1))?;
    if fail { Err("nothing is sent".into()) } else { Ok(()) }
}

/// An event that is taken back in its transaction.
#[reducer]
pub fn emit_and_delete(ctx: &ReducerContext, id: u32) {
    ctx.db.spark().insert(Spark { id, text: "taken back".into() });
    ctx.db.spark().id().delete(id);
}

#[view(accessor = light_items, public)]
pub fn light_items(ctx: &AnonymousViewContext) -> impl Query<Item> {
    log::info!("view light_items runs");
    ctx.from.item().filter(|item| item.weight.lt(10))
}

/// The tags of the timers that are still there.
#[view(accessor = tags_of_timers, public)]
pub fn tags_of_timers(ctx: &AnonymousViewContext) -> impl Query<TimerTag> {
    ctx.from.timer().right_semijoin(ctx.from.timer_tag(), |timer, tag| timer.scheduled_id.eq(tag.timer))
}
