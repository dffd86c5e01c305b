//! What `timers` has, with views over the schedule table and a scheduled procedure.
include!("../../common.rs");

use spacetimedb::{procedure, view, AnonymousViewContext, ProcedureContext};

/// A job that is called as a procedure.
#[table(accessor = errand, public, scheduled(run_errand))]
#[derive(Clone)]
pub struct Errand {
    #[primary_key]
    #[auto_inc]
    pub scheduled_id: u64,
    pub scheduled_at: ScheduleAt,
    pub action: String,
    pub text: String,
}

#[reducer]
pub fn send(ctx: &ReducerContext, at: ScheduleAt, action: String, text: String) {
    ctx.db.errand().insert(Errand { scheduled_id: 0, scheduled_at: at, action, text });
}

#[reducer]
pub fn resend(ctx: &ReducerContext, id: u64, at: ScheduleAt) {
    let errand = ctx.db.errand().scheduled_id().find(id).expect("no such errand");
    ctx.db.errand().scheduled_id().update(Errand { scheduled_at: at, ..errand });
}

#[procedure]
pub fn run_errand(ctx: &mut ProcedureContext, errand: Errand) -> String {
    if errand.action == "panic" {
        panic!("the errand panics");
    }
    if errand.action == "sleep" {
        ctx.sleep_until(ctx.timestamp + std::time::Duration::from_millis(300));
    }
    let (at, sender, connection) = (ctx.timestamp, ctx.sender(), ctx.connection_id());
    ctx.with_tx(|tx| {
        let found = tx.db.errand().scheduled_id().find(errand.scheduled_id);
        tx.db.run().insert(Run {
            id: 0,
            job: errand.scheduled_id,
            text: errand.text.clone(),
            at,
            sender,
            connection,
            row_is_argument: found.is_some_and(|f| f.text == errand.text && f.scheduled_at == errand.scheduled_at),
        });
    });
    "a result that nobody reads".into()
}

/// The jobs that are called "seen".
#[view(accessor = seen_jobs, public)]
pub fn seen_jobs(ctx: &AnonymousViewContext) -> Vec<Job> {
    (0..200).filter_map(|id| ctx.db.job().scheduled_id().find(id)).filter(|job| job.text == "seen").collect()
}

/// The errands that are called "seen".
#[view(accessor = seen_errands, public)]
pub fn seen_errands(ctx: &AnonymousViewContext) -> Vec<Errand> {
    (0..200).filter_map(|id| ctx.db.errand().scheduled_id().find(id)).filter(|errand| errand.text == "seen").collect()
}
