use spacetimedb::{
    procedure, reducer, table, view, AnonymousViewContext, ConnectionId, ProcedureContext, ReducerContext, ScheduleAt, Table,
    TimeDuration, Timestamp,
};

#[table(accessor = register, public)]
pub struct Register {
    #[primary_key]
    pub key: u32,
    pub value: u64,
}

#[table(accessor = account, public)]
pub struct Account {
    #[primary_key]
    pub id: u32,
    pub balance: i64,
}

#[table(accessor = entry, public)]
pub struct Entry {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    #[index(btree)]
    pub account: u32,
    pub amount: i64,
    pub at: Timestamp,
}

/// A call of a reducer; `how` says what it does besides counting.
#[table(accessor = job, public, scheduled(run_job))]
#[derive(Clone)]
pub struct Job {
    #[primary_key]
    #[auto_inc]
    pub scheduled_id: u64,
    pub scheduled_at: ScheduleAt,
    pub label: u64,
    pub how: u8,
}

/// A call of a procedure.
#[table(accessor = errand, public, scheduled(run_errand))]
#[derive(Clone)]
pub struct Errand {
    #[primary_key]
    #[auto_inc]
    pub scheduled_id: u64,
    pub scheduled_at: ScheduleAt,
    pub label: u64,
    pub how: u8,
}

/// How often the jobs and errands of a label were called, and when the last time.
#[table(accessor = ran, public)]
pub struct Ran {
    #[primary_key]
    pub label: u64,
    pub times: u32,
    pub at: Timestamp,
}

/// How often a connection came and went.
#[table(accessor = visit, public)]
pub struct Visit {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    #[unique]
    pub connection: ConnectionId,
    pub came: u32,
    pub went: u32,
}

#[table(accessor = spark, public, event)]
pub struct Spark {
    pub value: u64,
}

// ---- registers ----

fn put_register(ctx: &ReducerContext, key: u32, value: u64) {
    match ctx.db.register().key().find(key) {
        Some(_) => drop(ctx.db.register().key().update(Register { key, value })),
        None => drop(ctx.db.register().insert(Register { key, value })),
    }
}

fn get_register(ctx: &ReducerContext, key: u32) -> u64 {
    ctx.db.register().key().find(key).map_or(0, |r| r.value)
}

#[reducer]
pub fn put(ctx: &ReducerContext, key: u32, value: u64) {
    put_register(ctx, key, value);
}

#[reducer]
pub fn remove(ctx: &ReducerContext, key: u32) {
    ctx.db.register().key().delete(key);
}

#[reducer]
pub fn add(ctx: &ReducerContext, key: u32, value: u64) {
    put_register(ctx, key, get_register(ctx, key) + value);
}

#[reducer]
pub fn compare_and_set(ctx: &ReducerContext, key: u32, expected: u64, value: u64) -> Result<(), String> {
    if get_register(ctx, key) != expected {
        return Err("another value".into());
    }
    put_register(ctx, key, value);
    Ok(())
}

/// Writes one register if the other one holds nothing.
#[reducer]
pub fn put_unless(ctx: &ReducerContext, key: u32, value: u64, other: u32) -> Result<(), String> {
    if get_register(ctx, other) != 0 {
        return Err("the other one is taken".into());
    }
    put_register(ctx, key, value);
    Ok(())
}

// ---- accounts ----

#[reducer]
pub fn deposit(ctx: &ReducerContext, id: u32, amount: i64) {
    match ctx.db.account().id().find(id) {
        Some(a) => drop(ctx.db.account().id().update(Account { id, balance: a.balance + amount })),
        None => drop(ctx.db.account().insert(Account { id, balance: amount })),
    }
}

/// Writes before it knows whether it may.
#[reducer]
pub fn transfer(ctx: &ReducerContext, from: u32, to: u32, amount: i64) -> Result<(), String> {
    deposit(ctx, to, amount);
    deposit(ctx, from, -amount);
    if ctx.db.account().id().find(from).unwrap().balance < 0 {
        return Err("not enough".into());
    }
    Ok(())
}

#[view(accessor = rich, public)]
pub fn rich(ctx: &AnonymousViewContext) -> Vec<Account> {
    (0..8).filter_map(|id| ctx.db.account().id().find(id)).filter(|a| a.balance >= 100).collect()
}

// ---- entries ----

#[reducer]
pub fn record(ctx: &ReducerContext, account: u32, amount: i64, count: u32) {
    for _ in 0..count {
        ctx.db.entry().insert(Entry { id: 0, account, amount, at: ctx.timestamp });
    }
}

/// Takes numbers that nobody gets.
#[reducer]
pub fn record_and_fail(ctx: &ReducerContext, account: u32, count: u32, panic: bool) -> Result<(), String> {
    record(ctx, account, 0, count);
    if panic {
        panic!("as asked");
    }
    Err("as asked".into())
}

#[reducer]
pub fn forget(ctx: &ReducerContext, account: u32) {
    ctx.db.entry().account().delete(account);
}

#[reducer]
pub fn emit(ctx: &ReducerContext, value: u64) {
    ctx.db.spark().insert(Spark { value });
}

// ---- schedules ----

#[reducer]
pub fn arm(ctx: &ReducerContext, at: ScheduleAt, label: u64, how: u8) {
    ctx.db.job().insert(Job { scheduled_id: 0, scheduled_at: at, label, how });
}

#[reducer]
pub fn disarm(ctx: &ReducerContext, label: u64) {
    for job in ctx.db.job().iter().filter(|j| j.label == label) {
        ctx.db.job().delete(job);
    }
}

#[reducer]
pub fn send(ctx: &ReducerContext, at: ScheduleAt, label: u64, how: u8) {
    ctx.db.errand().insert(Errand { scheduled_id: 0, scheduled_at: at, label, how });
}

fn count_run(ctx: &ReducerContext, label: u64, at: Timestamp) {
    match ctx.db.ran().label().find(label) {
        Some(r) => drop(ctx.db.ran().label().update(Ran { label, times: r.times + 1, at })),
        None => drop(ctx.db.ran().insert(Ran { label, times: 1, at })),
    }
}

/// 1 fails, 2 panics, 3 deletes its row, 4 turns its row into one of about every second.
#[reducer]
pub fn run_job(ctx: &ReducerContext, job: Job) -> Result<(), String> {
    count_run(ctx, job.label, ctx.timestamp);
    match job.how {
        1 => return Err("as asked".into()),
        2 => panic!("as asked"),
        3 => drop(ctx.db.job().scheduled_id().delete(job.scheduled_id)),
        4 => drop(ctx.db.job().scheduled_id().update(Job {
            scheduled_at: ScheduleAt::Interval(TimeDuration::from_micros(1_000_000 + job.label as i64)),
            how: 0,
            ..job
        })),
        _ => {}
    }
    Ok(())
}

/// 1 panics before its transaction, 2 in it.
#[procedure]
pub fn run_errand(ctx: &mut ProcedureContext, errand: Errand) {
    if errand.how == 1 {
        panic!("as asked");
    }
    let at = ctx.timestamp;
    ctx.with_tx(|tx| {
        count_run(tx, errand.label, at);
        if errand.how == 2 {
            panic!("as asked");
        }
    });
}

// ---- procedures ----

/// What the register held before.
#[procedure]
pub fn swap(ctx: &mut ProcedureContext, key: u32, value: u64) -> u64 {
    ctx.with_tx(|tx| {
        let old = get_register(tx, key);
        put_register(tx, key, value);
        old
    })
}

#[procedure]
pub fn read_two(ctx: &mut ProcedureContext, a: u32, b: u32) -> Vec<u64> {
    ctx.with_tx(|tx| vec![get_register(tx, a), get_register(tx, b)])
}

/// Writes two registers in two transactions; the second one fails (1), or panics (2).
#[procedure]
pub fn two_steps(ctx: &mut ProcedureContext, key: u32, value: u64, how: u8) -> u32 {
    ctx.with_tx(|tx| put_register(tx, key, value));
    let second: Result<(), String> = ctx.try_with_tx(|tx| {
        put_register(tx, key + 1, value);
        match how {
            1 => Err("as asked".into()),
            2 => panic!("as asked"),
            _ => Ok(()),
        }
    });
    if second.is_ok() { 2 } else { 1 }
}

// ---- clients ----

#[reducer(client_connected)]
pub fn connected(ctx: &ReducerContext) {
    let connection = ctx.connection_id().unwrap();
    match ctx.db.visit().connection().find(connection) {
        Some(v) => drop(ctx.db.visit().id().update(Visit { came: v.came + 1, ..v })),
        None => drop(ctx.db.visit().insert(Visit { id: 0, connection, came: 1, went: 0 })),
    }
}

#[reducer(client_disconnected)]
pub fn disconnected(ctx: &ReducerContext) {
    let visit = ctx.db.visit().connection().find(ctx.connection_id().unwrap()).unwrap();
    ctx.db.visit().id().update(Visit { went: visit.went + 1, ..visit });
}
