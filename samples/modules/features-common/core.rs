// What crates have had from 1.1 on: tables, schedules, lifecycle reducers, row-level security; and reducers that misbehave.
// The crates' `lib.rs` define what differs between them: `sender`, `connection`, `database`, `NAME_OF_THE_CRATE`.

macro_rules! core_tables {
    ($name:ident) => {
        /// Every row is a call of `run_timer`.
        #[table($name = timer, public, scheduled(run_timer))]
        #[derive(Clone)]
        pub struct Timer {
            #[primary_key]
            #[auto_inc]
            pub scheduled_id: u64,
            pub scheduled_at: ScheduleAt,
            #[index(btree)]
            pub label: String,
            /// What the run does after it has noted itself.
            pub how: String,
        }

        /// Join partner of `timer`: one row per timer ever started.
        #[table($name = timer_tag, public)]
        pub struct TimerTag {
            #[primary_key]
            pub timer: u64,
            #[index(btree)]
            pub tag: String,
        }

        /// One row per run of a schedule.
        #[table($name = tick, public)]
        pub struct Tick {
            #[primary_key]
            #[auto_inc]
            pub id: u64,
            #[index(btree)]
            pub label: String,
            pub timer: u64,
            pub at: Timestamp,
            pub by_database: bool,
            pub has_connection: bool,
        }

        /// One row, made by `init`.
        #[table($name = born, public)]
        pub struct Born {
            #[primary_key]
            pub id: u32,
            pub crate_version: String,
            pub by: Identity,
            pub has_connection: bool,
            pub at: Timestamp,
        }

        /// Switches of what should go wrong.
        #[table($name = gate)]
        pub struct Gate {
            #[primary_key]
            pub name: String,
        }

        /// Who came and went, while the gate "visits" is open.
        #[table($name = visit, public)]
        pub struct Visit {
            #[primary_key]
            #[auto_inc]
            pub id: u64,
            pub who: Identity,
            pub conn: Option<ConnectionId>,
            pub came: bool,
        }

        /// Shown to its owner only.
        #[table($name = diary, public)]
        pub struct Diary {
            #[primary_key]
            #[auto_inc]
            pub id: u64,
            #[index(btree)]
            pub owner: Identity,
            pub text: String,
        }

        /// Members see their own rows.
        #[table($name = seat, public)]
        pub struct Seat {
            #[primary_key]
            #[auto_inc]
            pub id: u64,
            #[index(btree)]
            pub room: u32,
            #[index(btree)]
            pub who: Identity,
        }

        /// Shown to those with a seat in its room; room 0 to everybody.
        #[table($name = post, public)]
        pub struct Post {
            #[primary_key]
            pub id: u32,
            #[index(btree)]
            pub room: u32,
            pub text: String,
        }

        #[table($name = pile, public)]
        pub struct Pile {
            #[primary_key]
            pub id: u64,
            pub text: String,
        }

        /// For the imports called directly: a unique index, two ordered ones, a sequence.
        #[table($name = abi_row, index($name = by_a_b, btree(columns = [a, b])))]
        #[derive(Clone, Debug, PartialEq)]
        pub struct AbiRow {
            #[primary_key]
            #[auto_inc]
            pub id: u32,
            #[unique]
            pub code: u32,
            pub a: u32,
            pub b: u32,
        }
    };
}

#[client_visibility_filter]
const DIARY_OF_OWNER: Filter = Filter::Sql("SELECT * FROM diary WHERE owner = :sender");
#[client_visibility_filter]
const OWN_SEAT: Filter = Filter::Sql("SELECT * FROM seat WHERE who = :sender");
#[client_visibility_filter]
const POST_OF_ROOM: Filter = Filter::Sql("SELECT post.* FROM post JOIN seat ON post.room = seat.room");
#[client_visibility_filter]
const POST_FOR_ALL: Filter = Filter::Sql("SELECT * FROM post WHERE room = 0");

// ---- lifecycle ----

#[reducer(init)]
pub fn init(ctx: &ReducerContext) {
    ctx.db.born().insert(Born {
        id: 1,
        crate_version: NAME_OF_THE_CRATE.into(),
        by: sender(ctx),
        has_connection: connection(ctx).is_some(),
        at: ctx.timestamp,
    });
}

fn is_open(ctx: &ReducerContext, gate: &str) -> bool {
    ctx.db.gate().name().find(gate.to_owned()).is_some()
}

fn note_visit(ctx: &ReducerContext, came: bool) {
    if is_open(ctx, "visits") {
        ctx.db.visit().insert(Visit { id: 0, who: sender(ctx), conn: connection(ctx), came });
    }
}

#[reducer(client_connected)]
pub fn connected(ctx: &ReducerContext) -> Result<(), String> {
    note_visit(ctx, true);
    if is_open(ctx, "panic on connect") {
        panic!("nobody comes in");
    }
    if is_open(ctx, "refuse") { Err("closed today".into()) } else { Ok(()) }
}

#[reducer(client_disconnected)]
pub fn disconnected(ctx: &ReducerContext) -> Result<(), String> {
    note_visit(ctx, false);
    if is_open(ctx, "panic on disconnect") {
        panic!("nobody leaves in peace");
    }
    if is_open(ctx, "fail disconnect") { Err("nobody leaves".into()) } else { Ok(()) }
}

/// Opens or closes the gate called `name`.
#[reducer]
pub fn set_gate(ctx: &ReducerContext, name: String, open: bool) {
    ctx.db.gate().name().delete(name.clone());
    if open {
        ctx.db.gate().insert(Gate { name });
    }
}

// ---- schedules ----

fn after(ctx: &ReducerContext, micros: i64, repeat: bool) -> ScheduleAt {
    if repeat {
        ScheduleAt::Interval(TimeDuration::from_micros(micros))
    } else {
        ScheduleAt::Time(Timestamp::from_micros_since_unix_epoch(ctx.timestamp.to_micros_since_unix_epoch() + micros))
    }
}

fn note_tick(ctx: &ReducerContext, label: &str, timer: u64) {
    ctx.db.tick().insert(Tick {
        id: 0,
        label: label.to_owned(),
        timer,
        at: ctx.timestamp,
        by_database: sender(ctx) == database(ctx),
        has_connection: connection(ctx).is_some(),
    });
}

fn arm(ctx: &ReducerContext, label: String, how: String, scheduled_at: ScheduleAt) -> u64 {
    let timer = ctx.db.timer().insert(Timer { scheduled_id: 0, scheduled_at, label: label.clone(), how });
    ctx.db.timer_tag().insert(TimerTag { timer: timer.scheduled_id, tag: label });
    timer.scheduled_id
}

/// One call after so many microseconds, or one every so many.
#[reducer]
pub fn start_timer(ctx: &ReducerContext, label: String, how: String, micros: i64, repeat: bool) {
    arm(ctx, label, how, after(ctx, micros, repeat));
}

/// The timer is armed, then its transaction fails.
#[reducer]
pub fn start_timer_and_fail(ctx: &ReducerContext, label: String, micros: i64) -> Result<(), String> {
    arm(ctx, label, String::new(), after(ctx, micros, false));
    Err("armed in vain".into())
}

#[reducer]
pub fn move_timers(ctx: &ReducerContext, label: String, micros: i64, repeat: bool) {
    let found: Vec<Timer> = ctx.db.timer().label().filter(&label).collect();
    for timer in found {
        ctx.db.timer().scheduled_id().update(Timer { scheduled_at: after(ctx, micros, repeat), ..timer });
    }
}

#[reducer]
pub fn stop_timers(ctx: &ReducerContext, label: String) {
    ctx.db.timer().label().delete(&label);
}

#[reducer]
pub fn run_timer(ctx: &ReducerContext, timer: Timer) -> Result<(), String> {
    log::info!("timer {} runs", timer.label);
    note_tick(ctx, &timer.label, timer.scheduled_id);
    let id = timer.scheduled_id;
    match timer.how.as_str() {
        "error" => return Err(format!("timer {} fails", timer.label)),
        "panic" => panic!("timer {} panics", timer.label),
        // Re-arms itself: by a new row, which stays, and by its own, which does not.
        "insert" => {
            arm(ctx, format!("{} again", timer.label), String::new(), after(ctx, 10_000, false));
        }
        "postpone" => {
            ctx.db.timer().scheduled_id().update(Timer { scheduled_at: after(ctx, 10_000, false), ..timer });
        }
        "repeat" => {
            ctx.db.timer().scheduled_id().update(Timer { scheduled_at: after(ctx, 20_000, true), how: "3".into(), ..timer });
        }
        "delete" => {
            ctx.db.timer().scheduled_id().delete(id);
        }
        "slower" => {
            ctx.db.timer().scheduled_id().update(Timer { scheduled_at: after(ctx, 600_000_000, true), ..timer });
        }
        "spin" => act_up("loop"),
        "" => {}
        // A number: stops itself after so many runs.
        runs => {
            if ctx.db.tick().label().filter(&timer.label).count() >= runs.parse().unwrap() {
                ctx.db.timer().scheduled_id().delete(id);
            }
        }
    }
    Ok(())
}

#[reducer]
pub fn tick_now(ctx: &ReducerContext, label: String) {
    note_tick(ctx, &label, 0);
}

/// An immediate call, which runs whatever becomes of this transaction.
#[reducer]
pub fn tick_soon(ctx: &ReducerContext, label: String, fail: bool) -> Result<(), String> {
    note_tick(ctx, &format!("{label} was asked for"), 0);
    spacetimedb::volatile_nonatomic_schedule_immediate!(tick_now(label));
    if fail { Err("it runs all the same".into()) } else { Ok(()) }
}

// ---- row-level security ----

#[reducer]
pub fn write_diary(ctx: &ReducerContext, text: String) {
    ctx.db.diary().insert(Diary { id: 0, owner: sender(ctx), text });
}

#[reducer]
pub fn tear_diary(ctx: &ReducerContext) {
    ctx.db.diary().owner().delete(sender(ctx));
}

#[reducer]
pub fn take_seat(ctx: &ReducerContext, room: u32) {
    ctx.db.seat().insert(Seat { id: 0, room, who: sender(ctx) });
}

#[reducer]
pub fn leave_room(ctx: &ReducerContext, room: u32) {
    let mine: Vec<u64> = ctx.db.seat().room().filter(room).filter(|seat| seat.who == sender(ctx)).map(|seat| seat.id).collect();
    for id in mine {
        ctx.db.seat().id().delete(id);
    }
}

#[reducer]
pub fn write_post(ctx: &ReducerContext, id: u32, room: u32, text: String) {
    ctx.db.post().id().delete(id);
    ctx.db.post().insert(Post { id, room, text });
}

// ---- containment ----

#[allow(unconditional_recursion)]
fn deeper(n: u64) -> u64 {
    std::hint::black_box(n) + std::hint::black_box(deeper(std::hint::black_box(n + 1)))
}

/// Ways to misbehave that need no tables.
fn act_up(how: &str) {
    match how {
        "panic" => panic!("told to panic"),
        "trap" => core::arch::wasm32::unreachable(),
        "recursion" => log::debug!("{}", deeper(1)),
        "loop" => loop {
            std::hint::black_box(());
        },
        "memory" => {
            let mut all = Vec::new();
            loop {
                all.push(std::hint::black_box(vec![1u8; 1 << 24]));
            }
        }
        "log flood" => {
            for i in 0..20_000 {
                log::info!("line {i} of a flood");
            }
        }
        "long line" => log::info!("{}", "long ".repeat(2_000_000)),
        _ => {}
    }
}

/// What is written before must be gone afterwards, if the way is one that fails.
#[reducer]
pub fn misbehave(ctx: &ReducerContext, how: String) -> Result<(), String> {
    ctx.db.pile().insert(Pile { id: 0, text: how.clone() });
    match how.as_str() {
        "error" => return Err("told to fail".into()),
        "duplicate" => {
            ctx.db.pile().insert(Pile { id: 0, text: "another".into() });
        }
        "giant row" => {
            ctx.db.pile().insert(Pile { id: 1, text: "giant ".repeat(10_000_000) });
        }
        "open iterators" => {
            for _ in 0..100_000 {
                std::mem::forget(ctx.db.pile().iter());
            }
        }
        "many rows" => {
            for id in 1..=200_000 {
                ctx.db.pile().insert(Pile { id, text: String::new() });
            }
        }
        how => act_up(how),
    }
    Ok(())
}

#[reducer]
pub fn clear_pile(ctx: &ReducerContext) {
    let all: Vec<u64> = ctx.db.pile().iter().map(|row| row.id).collect();
    for id in all {
        ctx.db.pile().id().delete(id);
    }
}

/// Lasts so many rounds of one multiplication each.
#[reducer]
pub fn spin(_ctx: &ReducerContext, rounds: u64) {
    let mut x = 1u64;
    for i in 0..rounds {
        x = std::hint::black_box(x.wrapping_mul(31).wrapping_add(i));
    }
    log::debug!("{x}");
}

/// A global, which lives as long as the instance: never to be relied on.
static CALLS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

#[reducer]
pub fn count_calls(ctx: &ReducerContext, label: String) {
    note_tick(ctx, &label, CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1);
}

/// Random numbers come from the call's timestamp: twice the same call gives what the timestamps give.
#[reducer]
pub fn draw(ctx: &ReducerContext, label: String) {
    use spacetimedb::rand::Rng;
    let drawn: u64 = ctx.rng().gen();
    note_tick(ctx, &label, drawn);
}
