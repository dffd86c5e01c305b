// The reducers both test modules have; `sender`, `connection`, `module_identity` and `update_by` hide what differs between the crates.
// Those without `test_` are the ones of the golden vectors' module.

#[reducer(init)]
pub fn init(ctx: &ReducerContext) {
    log::info!("init runs");
    for (id, name) in [(1, "red"), (2, "blue")] {
        ctx.db.team().insert(Team { id, name: name.into() });
    }
}

#[reducer(client_connected)]
pub fn connected(ctx: &ReducerContext) -> Result<(), String> {
    if ctx.db.banned().ident().find(sender(ctx)).is_some() {
        return Err("you are banned".into());
    }
    note_session(ctx, true)
}

#[reducer(client_disconnected)]
pub fn disconnected(ctx: &ReducerContext) -> Result<(), String> {
    note_session(ctx, false)
}

fn note_session(ctx: &ReducerContext, came: bool) -> Result<(), String> {
    let on = |name: &str| ctx.db.test_switch().name().find(name.to_owned()).is_some();
    if on("sessions") {
        ctx.db.test_session().insert(TestSession { id: 0, who: sender(ctx), conn: connection(ctx), at: ctx.timestamp, came });
    }
    if !came && on("fail disconnect") {
        return Err("nobody leaves".into());
    }
    Ok(())
}

#[reducer]
#[allow(clippy::too_many_arguments)]
pub fn add_scalars(
    ctx: &ReducerContext,
    b: bool,
    n_u8: u8,
    n_i8: i8,
    n_u16: u16,
    n_i16: i16,
    n_u32: u32,
    n_i32: i32,
    n_u64: u64,
    n_i64: i64,
    n_u128: u128,
    n_i128: i128,
    n_u256: u256,
    n_i256: i256,
    f_32: f32,
    f_64: f64,
    s: String,
) {
    ctx.db.scalars().insert(Scalars {
        id: 0, b, n_u8, n_i8, n_u16, n_i16, n_u32, n_i32, n_u64, n_i64, n_u128, n_i128, n_u256, n_i256, f_32, f_64, s,
    });
}

#[reducer]
pub fn add_compounds(ctx: &ReducerContext, row: Compounds) {
    ctx.db.compounds().insert(row);
}

#[reducer]
pub fn set_nan(ctx: &ReducerContext) {
    ctx.db.scalars().insert(Scalars {
        id: 0, b: false, n_u8: 0, n_i8: 0, n_u16: 0, n_i16: 0, n_u32: 0, n_i32: 0, n_u64: 0, n_i64: 0, n_u128: 0,
        n_i128: 0, n_u256: 0u8.into(), n_i256: 0i8.into(), f_32: f32::NAN, f_64: f64::INFINITY, s: String::new(),
    });
}

#[reducer]
#[allow(non_snake_case)]
pub fn addPlayer1(ctx: &ReducerContext, playerId: u32, nickName: String, teamId: u32, level: u8, slot: u16) {
    ctx.db.PlayerScore2D().insert(PlayerScore { playerId, nickName, teamId, level, slot1: slot, bonus: 0 });
}

#[reducer]
pub fn add_member(ctx: &ReducerContext, id: u32, team_id: u32, name: String, active: bool) {
    ctx.db.member().insert(Member { id, team_id, name, active });
}

#[reducer]
pub fn rename_member(ctx: &ReducerContext, id: u32, name: String) -> Result<(), String> {
    let m = ctx.db.member().id().find(id).ok_or_else(|| format!("no member {id}"))?;
    ctx.db.member().id().update(Member { name, ..m });
    Ok(())
}

#[reducer]
pub fn delete_member(ctx: &ReducerContext, id: u32) {
    ctx.db.member().id().delete(id);
}

#[reducer]
pub fn add_note(ctx: &ReducerContext, text: String) {
    ctx.db.note().insert(Note { id: 0, owner: sender(ctx), text });
}

#[reducer]
pub fn add_secret(ctx: &ReducerContext, id: u32, text: String) {
    ctx.db.secret().insert(Secret { id, text });
}

#[reducer]
pub fn emit_flash(ctx: &ReducerContext, tag: String, value: u64) {
    ctx.db.flash().insert(Flash { tag, value });
}

#[reducer]
pub fn add_blob(ctx: &ReducerContext, id: u32, size: u32) {
    ctx.db.blob().insert(Blob { id, text: "abcdefgh".repeat(size as usize / 8) });
}

#[reducer]
pub fn add_job(ctx: &ReducerContext, at: ScheduleAt, label: String) {
    ctx.db.job().insert(Job { scheduled_id: 0, scheduled_at: at, label });
}

#[reducer]
pub fn run_job(ctx: &ReducerContext, job: Job) {
    log::info!("job {} ran, sender is self: {}", job.label, sender(ctx) == module_identity(ctx));
}

#[reducer]
pub fn ban(ctx: &ReducerContext, ident: Identity) {
    ctx.db.banned().insert(Banned { ident });
}

#[reducer]
pub fn nothing(_ctx: &ReducerContext) {}

#[reducer]
pub fn fail(_ctx: &ReducerContext, text: String) -> Result<(), String> {
    Err(text)
}

#[reducer]
pub fn boom(_ctx: &ReducerContext) {
    panic!("boom goes the reducer");
}

#[reducer]
pub fn duplicate_key(ctx: &ReducerContext) {
    ctx.db.team().insert(Team { id: 1, name: "again".into() });
}

#[reducer]
pub fn spin(_ctx: &ReducerContext, n: u64) {
    let mut x = 1u64;
    for i in 0..n {
        x = std::hint::black_box(x.wrapping_mul(31).wrapping_add(i));
    }
    log::debug!("{x}");
}

#[reducer]
pub fn log_all(_ctx: &ReducerContext) {
    log::error!("an error");
    log::warn!("a warning");
    log::info!("an info");
    log::debug!("a debug");
    log::trace!("a trace");
}

// ---- more than the vectors have ----

fn found(ctx: &ReducerContext, label: &str, value: impl std::fmt::Display) {
    ctx.db.test_found().insert(TestFound { id: 0, label: label.to_owned(), value: value.to_string() });
}

fn ids(rows: impl Iterator<Item = TestIndex>) -> String {
    rows.map(|row| row.id.to_string()).collect::<Vec<_>>().join(" ")
}

fn sorted(rows: impl Iterator<Item = TestIndex>) -> String {
    let mut all: Vec<u32> = rows.map(|row| row.id).collect();
    all.sort();
    all.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}

/// The row that `test_fill` makes of `i`: small numbers of distinct values in the indexed columns.
fn index_row(i: u32) -> TestIndex {
    TestIndex {
        id: i,
        a: i % 4,
        b: ["ant", "bee", "cat"][(i / 4 % 3) as usize].into(),
        c: i as i64 - 12,
        code: format!("code {i}"),
        owner: Identity::from_byte_array([(i % 251) as u8, (i / 251) as u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        tag: format!("tag {}", i % 5),
        kind: (i % 3) as u8,
        slot: i * 2,
        signed: i as i16 % 10 - 5,
        wide: (i as i128 - 12) << 80,
        huge: u256::from(i) << 200,
        flag: i % 2 == 1,
        color: [Color::Red, Color::Green, Color::DarkBlue][(i % 3) as usize],
        title: format!("title {i:06}"),
        score: i as f64 / 4.0,
    }
}

/// Rows `from` to `to - 1` of `test_index`.
#[reducer]
pub fn test_fill(ctx: &ReducerContext, from: u32, to: u32) {
    for i in from..to {
        ctx.db.test_index().insert(index_row(i));
    }
}

/// Takes rows away through the index named by `by`, and notes how many.
#[reducer]
pub fn test_delete_by(ctx: &ReducerContext, label: String, by: String, value: i64) -> Result<(), String> {
    let t = ctx.db.test_index();
    let n = match by.as_str() {
        "id" => t.id().delete(value as u32) as u64,
        "code" => t.code().delete(format!("code {value}")) as u64,
        "slot" => t.slot().delete(value as u32) as u64,
        "tag" => t.tag().delete(&format!("tag {value}")),
        "signed" => t.signed().delete(value as i16),
        "signed from" => t.signed().delete(value as i16..),
        "a" => t.by_a_b_c().delete(value as u32),
        "flag" => t.flag().delete(value != 0),
        "row" => t.delete(index_row(value as u32)) as u64,
        _ => return Err(format!("no index {by}")),
    };
    found(ctx, &label, n);
    Ok(())
}

/// Changes one row through the index named by `by`: the row `value`, its column `a` set to `a`.
#[reducer]
pub fn test_update_by(ctx: &ReducerContext, by: String, value: u32, a: u32) -> Result<(), String> {
    let t = ctx.db.test_index();
    let row = match by.as_str() {
        "id" => t.id().find(value),
        "code" => t.code().find(format!("code {value}")),
        "owner" => t.owner().find(index_row(value).owner),
        "slot" => t.slot().find(value * 2),
        _ => return Err(format!("no unique index {by}")),
    };
    update_by(ctx, &by, TestIndex { a, ..row.ok_or_else(|| format!("no row {value}"))? });
    Ok(())
}

/// Notes the ids found by `a` alone, by `a` and `b`, and by `a`, `b` and a range of `c`, in index order.
#[reducer]
pub fn test_prefix(ctx: &ReducerContext, label: String, a: u32, b: String, from: i64, to: i64) {
    let index = ctx.db.test_index();
    found(ctx, &label, ids(index.by_a_b_c().filter(a)));
    found(ctx, &label, ids(index.by_a_b_c().filter((a, &b))));
    found(ctx, &label, ids(index.by_a_b_c().filter((a, &b, from..to))));
    found(ctx, &label, ids(index.by_a_b_c().filter((a, &b, from..=to))));
    found(ctx, &label, ids(index.by_a_b_c().filter((a, b.as_str()..))));
}

/// Notes the ids whose `signed` lies in the range, with every form of bounds.
#[reducer]
pub fn test_range(ctx: &ReducerContext, label: String, from: i16, to: i16) {
    let signed = ctx.db.test_index();
    found(ctx, &label, sorted(signed.signed().filter(from..to)));
    found(ctx, &label, sorted(signed.signed().filter(from..=to)));
    found(ctx, &label, sorted(signed.signed().filter(from..)));
    found(ctx, &label, sorted(signed.signed().filter(..to)));
    found(ctx, &label, sorted(signed.signed().filter(..=to)));
    found(ctx, &label, sorted(signed.signed().filter(from)));
}

#[reducer]
pub fn test_whoami(ctx: &ReducerContext, label: String) {
    found(ctx, &label, sender(ctx));
    found(ctx, &label, connection(ctx).map_or("none".into(), |c| c.to_string()));
    found(ctx, &label, module_identity(ctx));
    found(ctx, &label, ctx.timestamp.to_micros_since_unix_epoch());
}

/// Adds a row to `test_auto`; 0 asks the sequence.
#[reducer]
pub fn test_add_auto(ctx: &ReducerContext, id: i8, serial: u32, text: String) -> Result<(), String> {
    match ctx.db.test_auto().try_insert(TestAuto { id, serial, plain: 0, text }) {
        Ok(row) => {
            log::info!("row {} {} {}", row.id, row.serial, row.plain);
            Ok(())
        }
        Err(e) => Err(e.to_string()),
    }
}

#[reducer]
pub fn test_add_keys(ctx: &ReducerContext, ident: Identity, conn: ConnectionId, signed_wide: i128, small: i8, long: u64) {
    ctx.db.test_keys().insert(TestKeys { ident, conn, signed_wide, small, long });
}

/// Takes one row away by its value; an error if there is none.
#[reducer]
pub fn test_take_flash(ctx: &ReducerContext, tag: String, value: u64) -> Result<(), String> {
    if ctx.db.flash().delete(Flash { tag, value }) { Ok(()) } else { Err("no such flash".into()) }
}

/// Writes, then fails: nothing of it may stay.
#[reducer]
pub fn test_write_and_fail(ctx: &ReducerContext, how: String) -> Result<(), String> {
    ctx.db.secret().insert(Secret { id: 4_000_000, text: how.clone() });
    ctx.db.team().id().delete(1);
    ctx.db.test_auto().insert(TestAuto { id: 0, serial: 0, plain: 0, text: how.clone() });
    match how.as_str() {
        "panic" => panic!("after writing"),
        "trap" => core::arch::wasm32::unreachable(),
        "stack" => {
            log::debug!("{}", deep(1));
            Ok(())
        }
        "memory" => hoard(),
        "time" => loop {
            std::hint::black_box(());
        },
        _ => Err("after writing".into()),
    }
}

#[allow(unconditional_recursion)]
fn deep(n: u64) -> u64 {
    std::hint::black_box(n) + std::hint::black_box(deep(std::hint::black_box(n + 1)))
}

fn hoard() -> ! {
    let mut all = Vec::new();
    loop {
        all.push(std::hint::black_box(vec![1u8; 1 << 24]));
    }
}

/// Turns the switch called `name` on or off ("sessions": note who comes and goes; "fail disconnect").
#[reducer]
pub fn test_turn(ctx: &ReducerContext, name: String, on: bool) {
    ctx.db.test_switch().name().delete(name.clone());
    if on {
        ctx.db.test_switch().insert(TestSwitch { name });
    }
}

#[reducer]
pub fn test_log(_ctx: &ReducerContext, text: String, times: u32) {
    let _watch = spacetimedb::log_stopwatch::LogStopwatch::new("test_log");
    for _ in 0..times {
        log::info!("{text}");
    }
}

/// Fails with `what` if the two differ.
fn same<T: std::fmt::Debug + PartialEq>(what: &str, got: T, want: T) -> Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("{what}: got {got:?}, not {want:?}")) }
}

/// Every way to reach rows, in one transaction on top of whatever rows 0 to 23 of `test_index` are committed: makes them
/// what `test_fill(0, 24)` makes, changes them, looks at the result, and puts everything back at the end. Fails at the first
/// difference.
#[reducer]
pub fn test_everything(ctx: &ReducerContext) -> Result<(), String> {
    let t = ctx.db.test_index();
    let before = t.count();
    for i in 0..24 {
        if t.id().find(i).is_none() {
            t.insert(index_row(i));
        }
    }
    same("committed rows", before == 0 || before == 24, true)?;
    same("count", t.count(), 24)?;
    same("iter", sorted(t.iter()), (0..24).map(|i| i.to_string()).collect::<Vec<_>>().join(" "))?;

    // unique keys
    same("find by id", t.id().find(7), Some(index_row(7)))?;
    same("find by code", t.code().find("code 7".to_owned()), Some(index_row(7)))?;
    same("find by owner", t.owner().find(index_row(7).owner), Some(index_row(7)))?;
    same("find by slot", t.slot().find(14), Some(index_row(7)))?;
    same("no odd slot", t.slot().find(15), None)?;
    same("no id", t.id().find(24), None)?;

    // ordered indexes
    same("a", ids(t.by_a_b_c().filter(1u32)), "1 13 5 17 9 21".into())?;
    same("a b", ids(t.by_a_b_c().filter((1u32, "bee"))), "5 17".into())?;
    same("a b c", ids(t.by_a_b_c().filter((1u32, "bee", -7i64))), "5".into())?;
    same("a b c..", ids(t.by_a_b_c().filter((1u32, "bee", -6i64..))), "17".into())?;
    same("a b..=", ids(t.by_a_b_c().filter((1u32, "bee"..="cat"))), "5 17 9 21".into())?;
    same("a..", ids(t.by_a_b_c().filter(2u32..)), "2 14 6 18 10 22 3 15 7 19 11 23".into())?;
    same("signed", sorted(t.signed().filter(-5i16)), "0 10 20".into())?;
    same("signed range", sorted(t.signed().filter(-5i16..=-4)), "0 1 10 11 20 21".into())?;
    same("signed from", sorted(t.signed().filter(3i16..)), "8 9 18 19".into())?;
    same("signed to", sorted(t.signed().filter(..-4i16)), "0 10 20".into())?;
    same("wide", ids(t.wide().filter(..0i128)), "0 1 2 3 4 5 6 7 8 9 10 11".into())?;
    same("huge", ids(t.huge().filter(u256::from(21u8) << 200..)), "21 22 23".into())?;
    same("flag", sorted(t.flag().filter(true)), "1 3 5 7 9 11 13 15 17 19 21 23".into())?;
    same("color", sorted(t.color().filter(Color::DarkBlue)), "2 5 8 11 14 17 20 23".into())?;
    same("title", ids(t.title().filter("title 000020".."title 000022")), "20 21".into())?;
    same("empty range", sorted(t.signed().filter(2i16..2)), String::new())?;

    // hash indexes
    same("tag", sorted(t.tag().filter("tag 3")), "3 8 13 18 23".into())?;
    same("tag kind", sorted(t.by_tag_kind().filter(("tag 3", 2u8))), "8 23".into())?;
    same("no tag", sorted(t.tag().filter("tag 9")), String::new())?;

    // changes, seen by the same transaction
    t.id().update(TestIndex { a: 100, tag: "moved".into(), ..index_row(7) });
    same("moved in a", ids(t.by_a_b_c().filter(100u32)), "7".into())?;
    same("moved out of a", ids(t.by_a_b_c().filter((3u32, "bee"))), "19".into())?;
    same("moved in tag", sorted(t.tag().filter("moved")), "7".into())?;
    same("moved out of tag", sorted(t.tag().filter("tag 2")), "2 12 17 22".into())?;
    update_by(ctx, "slot", TestIndex { a: 3, tag: "tag 2".into(), ..index_row(7) });
    same("moved back", t.id().find(7), Some(index_row(7)))?;
    update_by(ctx, "code", TestIndex { id: 1007, ..index_row(7) });
    same("new id", t.id().find(1007).map(|row| row.slot), Some(14))?;
    same("old id", t.id().find(7), None)?;
    update_by(ctx, "owner", index_row(7));
    same("old id again", t.id().find(7), Some(index_row(7)))?;
    same("count after updates", t.count(), 24)?;

    // constraints; a refused row leaves no trace
    same("same row again", t.try_insert(index_row(7)).is_ok(), true)?;
    same("set of rows", t.count(), 24)?;
    same("taken id", t.try_insert(TestIndex { id: 7, ..index_row(50) }).is_err(), true)?;
    same("taken code", t.try_insert(TestIndex { code: "code 7".into(), ..index_row(50) }).is_err(), true)?;
    same("taken slot", t.try_insert(TestIndex { slot: 14, ..index_row(50) }).is_err(), true)?;
    same("no trace of it", t.tag().filter("tag 0").count() + t.slot().find(100).is_some() as usize, 5)?;

    // deletes
    same("delete by id", t.id().delete(7), true)?;
    same("again", t.id().delete(7), false)?;
    same("by code", t.code().find("code 7".to_owned()), None)?;
    t.insert(index_row(7));
    same("back", t.slot().find(14), Some(index_row(7)))?;
    same("delete by hash index", t.tag().delete("tag 3"), 5)?;
    same("delete by range", t.signed().delete(3i16..), 2)?;
    same("left of a = 1", ids(t.by_a_b_c().filter(1u32)), "1 5 17 21".into())?;
    same("delete by prefix", t.by_a_b_c().delete((1u32, "bee")), 2)?;
    same("delete a row", t.delete(index_row(0)), true)?;
    same("delete a row again", t.delete(index_row(0)), false)?;
    same("left", sorted(t.iter()), "1 2 4 6 7 10 11 12 14 15 16 20 21 22".into())?;
    for i in 0..24 {
        if t.id().find(i).is_none() {
            t.insert(index_row(i));
        }
    }
    same("all back", t.iter().filter(|row| *row == index_row(row.id)).count(), 24)?;
    if before == 0 {
        same("delete all", t.by_a_b_c().delete(0u32..), 24)?;
        same("none", t.count(), 0)?;
    }

    // sequences
    let first = ctx.db.test_auto().insert(TestAuto { id: 0, serial: 0, plain: 0, text: "one".into() });
    let second = ctx.db.test_auto().insert(TestAuto { id: 0, serial: 0, plain: 0, text: "two".into() });
    same("sequences", (second.id > first.id, second.serial > first.serial, second.plain > first.plain), (true, true, true))?;
    same("auto row", ctx.db.test_auto().serial().find(second.serial).map(|row| row.text), Some("two".into()))?;
    ctx.db.test_auto().id().delete(first.id);
    ctx.db.test_auto().id().delete(second.id);

    // a table without keys
    let flash = || Flash { tag: "everything".into(), value: 1 };
    ctx.db.flash().insert(flash());
    ctx.db.flash().insert(flash());
    same("twice is once", ctx.db.flash().iter().filter(|f| f.tag == "everything").count(), 1)?;
    same("delete it", ctx.db.flash().delete(flash()), true)?;
    same("gone", ctx.db.flash().iter().filter(|f| f.tag == "everything").count(), 0)
}
