use spacetimedb::{reducer, table, ConnectionId, Identity, ReducerContext, ScheduleAt, Table, Timestamp};

/// What the call of a job does besides writing a `run`.
#[table(accessor = job, public, scheduled(run_job))]
#[derive(Clone)]
pub struct Job {
    #[primary_key]
    #[auto_inc]
    pub scheduled_id: u64,
    pub scheduled_at: ScheduleAt,
    pub action: String,
    pub text: String,
}

/// One call of a job that committed.
#[table(accessor = run, public)]
pub struct Run {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    #[index(btree)]
    pub job: u64,
    pub text: String,
    pub at: Timestamp,
    pub sender: Identity,
    pub connection: Option<ConnectionId>,
    /// The job's own row, as the call finds it, is the argument.
    pub row_is_argument: bool,
}

/// Ids of jobs, for joins.
#[table(accessor = slot, public)]
pub struct Slot {
    #[primary_key]
    pub id: u64,
}

/// Somebody came or went.
#[table(accessor = visit, public)]
pub struct Visit {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    pub what: String,
    pub who: Identity,
    pub connection: Option<ConnectionId>,
    pub jwt: Option<String>,
}

/// Words that change what the lifecycle reducers do: "refuse", "refuse by trap", "fail leave", "trap leave", "spin leave".
#[table(accessor = mood)]
pub struct Mood {
    #[primary_key]
    pub name: String,
}

#[reducer(init)]
pub fn init(ctx: &ReducerContext) {
    arm(ctx, ScheduleAt::Time(Timestamp::UNIX_EPOCH), "".into(), "once, from init".into());
    arm(ctx, ScheduleAt::Interval(std::time::Duration::from_secs(3600).into()), "".into(), "hourly, from init".into());
}

#[reducer]
pub fn arm(ctx: &ReducerContext, at: ScheduleAt, action: String, text: String) {
    ctx.db.job().insert(Job { scheduled_id: 0, scheduled_at: at, action, text });
}

#[reducer]
pub fn arm_and_fail(ctx: &ReducerContext, at: ScheduleAt) -> Result<(), String> {
    arm(ctx, at, "".into(), "never committed".into());
    Err("changed my mind".into())
}

#[reducer]
pub fn rearm(ctx: &ReducerContext, id: u64, at: ScheduleAt) {
    let job = ctx.db.job().scheduled_id().find(id).expect("no such job");
    ctx.db.job().scheduled_id().update(Job { scheduled_at: at, ..job });
}

#[reducer]
pub fn disarm(ctx: &ReducerContext, id: u64) {
    ctx.db.job().scheduled_id().delete(id);
}

#[reducer]
pub fn disarm_all(ctx: &ReducerContext) {
    for job in ctx.db.job().iter() {
        ctx.db.job().delete(job);
    }
}

#[reducer]
pub fn open_slots(ctx: &ReducerContext, count: u64) {
    for id in 0..count {
        ctx.db.slot().insert(Slot { id });
    }
}

#[reducer]
pub fn run_job(ctx: &ReducerContext, job: Job) -> Result<(), String> {
    let found = ctx.db.job().scheduled_id().find(job.scheduled_id);
    ctx.db.run().insert(Run {
        id: 0,
        job: job.scheduled_id,
        text: job.text.clone(),
        at: ctx.timestamp,
        sender: ctx.sender(),
        connection: ctx.connection_id(),
        row_is_argument: found.is_some_and(|f| f.text == job.text && f.scheduled_at == job.scheduled_at),
    });
    let far = ScheduleAt::Time(ctx.timestamp + std::time::Duration::from_secs(3600));
    match job.action.as_str() {
        "fail" => return Err("the job fails".into()),
        "panic" => panic!("the job panics"),
        "spin" => loop {
            std::hint::black_box(0);
        },
        "delete" => disarm(ctx, job.scheduled_id),
        "once" => rearm(ctx, job.scheduled_id, far),
        "again" => arm(ctx, far, "".into(), "armed by a job".into()),
        "every second" => rearm(ctx, job.scheduled_id, ScheduleAt::Interval(std::time::Duration::from_secs(1).into())),
        _ => {}
    }
    Ok(())
}

#[reducer]
pub fn feel(ctx: &ReducerContext, name: String) {
    ctx.db.mood().insert(Mood { name });
}

#[reducer]
pub fn feel_nothing(ctx: &ReducerContext) {
    for mood in ctx.db.mood().iter() {
        ctx.db.mood().delete(mood);
    }
}

fn note(ctx: &ReducerContext, what: &str) {
    ctx.db.visit().insert(Visit {
        id: 0,
        what: what.into(),
        who: ctx.sender(),
        connection: ctx.connection_id(),
        jwt: ctx.sender_auth().jwt().map(|jwt| jwt.raw_payload().to_string()),
    });
}

#[reducer(client_connected)]
pub fn connected(ctx: &ReducerContext) -> Result<(), String> {
    note(ctx, "came");
    if ctx.db.mood().name().find("refuse".to_string()).is_some() {
        return Err("not today".into());
    }
    if ctx.db.mood().name().find("refuse by trap".to_string()).is_some() {
        panic!("go away");
    }
    Ok(())
}

#[reducer(client_disconnected)]
pub fn disconnected(ctx: &ReducerContext) -> Result<(), String> {
    note(ctx, "went");
    if ctx.db.mood().name().find("fail leave".to_string()).is_some() {
        return Err("stay".into());
    }
    if ctx.db.mood().name().find("trap leave".to_string()).is_some() {
        panic!("stay!");
    }
    if ctx.db.mood().name().find("spin leave".to_string()).is_some() {
        loop {
            std::hint::black_box(0);
        }
    }
    Ok(())
}
