//! Procedures and HTTP handlers, in the normal case and in every failure.
use spacetimedb::http::{handler, router, Body, HandlerContext, Request, Response, Router, Timeout};
use spacetimedb::{procedure, reducer, table, ProcedureContext, ReducerContext, Table, TimeDuration};
use std::time::Duration;

#[table(accessor = item, public)]
pub struct Item {
    #[primary_key]
    pub id: u32,
    pub text: String,
}

#[reducer]
pub fn add(ctx: &ReducerContext, id: u32) {
    ctx.db.item().insert(Item { id, text: "reducer".into() });
}

/// Has a procedure called as soon as possible.
#[reducer]
pub fn add_soon(_ctx: &ReducerContext, id: u32) {
    let name = "add_item";
    let args = id.to_le_bytes();
    unsafe { raw::volatile_nonatomic_schedule_immediate(name.as_ptr(), name.len(), args.as_ptr(), args.len()) }
}

mod raw {
    #[link(wasm_import_module = "spacetime_10.0")]
    extern "C" {
        pub fn volatile_nonatomic_schedule_immediate(name: *const u8, name_len: usize, args: *const u8, args_len: usize);
    }
    #[link(wasm_import_module = "spacetime_10.3")]
    extern "C" {
        pub fn procedure_sleep_until(at: i64) -> i64;
        pub fn procedure_start_mut_tx(out: *mut i64) -> u32;
    }
}

fn insert(ctx: &mut ProcedureContext, id: u32) -> u64 {
    ctx.with_tx(|tx| {
        tx.db.item().insert(Item { id, text: "procedure".into() });
        tx.db.item().count()
    })
}

fn count(ctx: &mut ProcedureContext) -> u64 {
    ctx.with_tx(|tx| tx.db.item().count())
}

// ---- values ----

#[procedure]
pub fn sum(_ctx: &mut ProcedureContext, a: u32, b: u32) -> u64 {
    a as u64 + b as u64
}

#[procedure]
pub fn checked(_ctx: &mut ProcedureContext, ok: bool) -> Result<u32, String> {
    if ok { Ok(5) } else { Err("not ok".into()) }
}

#[procedure]
pub fn who_calls(ctx: &mut ProcedureContext) -> Vec<String> {
    vec![ctx.sender().to_hex().to_string(), format!("{:?}", ctx.connection_id().map(|c| c.to_hex().to_string()))]
}

// ---- transactions ----

#[procedure]
pub fn add_item(ctx: &mut ProcedureContext, id: u32) -> u64 {
    insert(ctx, id)
}

/// Fails in the transaction if asked to.
#[procedure]
pub fn try_add(ctx: &mut ProcedureContext, id: u32, fail: bool) -> Result<u64, String> {
    ctx.try_with_tx(|tx| {
        tx.db.item().try_insert(Item { id, text: "tried".into() }).map_err(|e| e.to_string())?;
        if fail { Err("as asked".to_string()) } else { Ok(tx.db.item().count()) }
    })
}

/// Two transactions with time between them: how many items each of them found.
#[procedure]
pub fn look_twice(ctx: &mut ProcedureContext, millis: u64) -> Vec<u64> {
    let before = count(ctx);
    ctx.sleep_until(ctx.timestamp + Duration::from_millis(millis));
    vec![before, count(ctx)]
}

/// Commits one item and does not survive the second.
#[procedure]
pub fn add_then_fall(ctx: &mut ProcedureContext, id: u32, how: String) {
    insert(ctx, id);
    ctx.with_tx(|tx| {
        tx.db.item().insert(Item { id: id + 1, text: "lost".into() });
        fall(&how);
    });
}

/// Leaves a transaction open.
#[procedure]
pub fn leave_open(_ctx: &mut ProcedureContext) -> u32 {
    let mut micros = 0;
    unsafe { raw::procedure_start_mut_tx(&mut micros) }
}

#[procedure]
pub fn sleep_in_transaction(ctx: &mut ProcedureContext) {
    ctx.with_tx(|_| unsafe { raw::procedure_sleep_until(i64::MAX) });
}

#[procedure]
pub fn fall_now(_ctx: &mut ProcedureContext, how: String) {
    fall(&how);
}

fn fall(how: &str) {
    match how {
        "panic" => panic!("as asked"),
        "spin" => loop {
            std::hint::black_box(());
        },
        "recurse" => drop(recurse(1)),
        "memory" => {
            let mut all = Vec::new();
            loop {
                all.push(vec![1u8; 1 << 24]);
                std::hint::black_box(&all);
            }
        }
        _ => {}
    }
}

#[allow(unconditional_recursion)]
fn recurse(n: u64) -> u64 {
    let place = std::hint::black_box([n; 100]);
    recurse(n + 1) + place[7]
}

// ---- waiting ----

/// Microseconds slept.
#[procedure]
pub fn sleep(ctx: &mut ProcedureContext, millis: u64) -> i64 {
    let start = ctx.timestamp;
    ctx.sleep_until(start + Duration::from_millis(millis));
    ctx.timestamp.to_micros_since_unix_epoch() - start.to_micros_since_unix_epoch()
}

#[procedure]
pub fn fetch(ctx: &mut ProcedureContext, url: String, timeout_millis: u32) -> Result<String, String> {
    let request = Request::builder()
        .uri(url)
        .header("x-asked", "yes")
        .extension(Timeout(TimeDuration::from_micros(timeout_millis as i64 * 1000)))
        .body(Body::empty())
        .map_err(|e| e.to_string())?;
    let (parts, body) = ctx.http.send(request).map_err(|e| e.to_string())?.into_parts();
    Ok(format!("{} {}", parts.status.as_u16(), body.into_string_lossy()))
}

// ---- handlers ----

/// Says what has come.
#[handler]
fn mirror(_ctx: &mut HandlerContext, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let text = format!("{} {} {:?} {}", parts.method, parts.uri, parts.version, body.into_string_lossy());
    let mut response = Response::builder().status(299).header("x-many", "1").header("x-many", "2");
    for (name, value) in &parts.headers {
        if name.as_str().starts_with("x-") || name.as_str() == "authorization" {
            response = response.header(name, value);
        }
    }
    response.body(Body::from_bytes(text.into_bytes())).unwrap()
}

/// Adds an item and says how many there are.
#[handler]
fn store(ctx: &mut HandlerContext, request: Request) -> Response {
    let Some(id) = request.into_body().into_string_lossy().parse::<u32>().ok() else {
        return Response::builder().status(400).body(Body::from_bytes("not a number")).unwrap();
    };
    let count = ctx.with_tx(|tx| {
        tx.db.item().insert(Item { id, text: "handler".into() });
        tx.db.item().count()
    });
    Response::new(Body::from_bytes(format!("{count}").into_bytes()))
}

#[handler]
fn broken(_ctx: &mut HandlerContext, request: Request) -> Response {
    fall(request.uri().query().unwrap_or("panic"));
    Response::new(Body::from_bytes("still here"))
}

#[router]
fn routes() -> Router {
    Router::new()
        .any("", mirror)
        .any("/", mirror)
        .get("/mirror", mirror)
        .post("/mirror", mirror)
        .post("/store", store)
        .any("/broken", broken)
}
