//! Module behind the golden vectors, for crate 2.8.3 (definition version 10).
//! It exists to touch many column types, constraints, names and function kinds.
#![allow(non_snake_case)] // some names are there to be converted
use spacetimedb::http::{handler, router, Body, HandlerContext, Request, Response, Router};
use spacetimedb::sats::{i256, u256};
use spacetimedb::{
    client_visibility_filter, procedure, reducer, table, view, AnonymousViewContext, ConnectionId, Filter, Identity,
    ProcedureContext, Query, ReducerContext, ScheduleAt, SpacetimeType, Table, TimeDuration, Timestamp, Uuid, ViewContext,
};

#[derive(SpacetimeType, Clone, Debug, PartialEq)]
pub enum Color {
    Red,
    Green,
    DarkBlue,
}

#[derive(SpacetimeType, Clone, Debug, PartialEq)]
pub struct Point {
    pub x: i32,
    pub y: i32,
}

#[derive(SpacetimeType, Clone, Debug, PartialEq)]
pub struct Rect {
    pub top_left: Point,
    pub size2d: Point,
}

#[derive(SpacetimeType, Clone, Debug, PartialEq)]
pub enum Shape {
    Empty,
    Circle(f32),
    Box(Rect),
    Poly(Vec<Point>),
}

/// Every scalar type.
#[table(accessor = scalars, public)]
pub struct Scalars {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    pub b: bool,
    pub n_u8: u8,
    pub n_i8: i8,
    pub n_u16: u16,
    pub n_i16: i16,
    pub n_u32: u32,
    pub n_i32: i32,
    pub n_u64: u64,
    pub n_i64: i64,
    pub n_u128: u128,
    pub n_i128: i128,
    pub n_u256: u256,
    pub n_i256: i256,
    pub f_32: f32,
    pub f_64: f64,
    pub s: String,
}

/// Special types.
#[table(accessor = specials, public)]
pub struct Specials {
    #[primary_key]
    pub id: u32,
    pub ident: Identity,
    pub conn: ConnectionId,
    pub at: Timestamp,
    pub dur: TimeDuration,
    pub uuid: Uuid,
    pub sched: ScheduleAt,
}

/// Compound types.
#[table(accessor = compounds, public)]
pub struct Compounds {
    #[primary_key]
    pub id: u32,
    pub color: Color,
    pub shape: Shape,
    pub point: Point,
    pub opt_text: Option<String>,
    pub opt_num: Option<u64>,
    pub opt_point: Option<Point>,
    pub res: Result<u32, String>,
    pub bytes: Vec<u8>,
    pub nums: Vec<i32>,
    pub words: Vec<String>,
    pub points: Vec<Point>,
    pub nested: Vec<Vec<u8>>,
}

/// Names that case conversion changes, several index kinds.
#[table(accessor = PlayerScore2D, public, index(accessor = byTeamAndLevel, btree(columns = [teamId, level])))]
#[allow(non_snake_case)]
pub struct PlayerScore {
    #[primary_key]
    pub playerId: u32,
    #[unique]
    pub nickName: String,
    #[index(hash)]
    pub teamId: u32,
    #[index(btree)]
    pub level: u8,
    #[unique]
    #[index(direct)]
    pub slot1: u16,
    #[default(7)]
    pub bonus: i64,
}

/// Renamed explicitly.
#[table(accessor = renamed_src, name = "RenamedTable", public)]
pub struct RenamedSrc {
    #[primary_key]
    pub id: u32,
    pub v: String,
}

/// Join partners.
#[table(accessor = team, public)]
pub struct Team {
    #[primary_key]
    pub id: u32,
    pub name: String,
}

#[table(accessor = member, public)]
pub struct Member {
    #[primary_key]
    pub id: u32,
    #[index(btree)]
    pub team_id: u32,
    pub name: String,
    pub active: bool,
}

#[table(accessor = secret)]
pub struct Secret {
    #[primary_key]
    pub id: u32,
    pub text: String,
}

#[table(accessor = note, public)]
pub struct Note {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    #[index(btree)]
    pub owner: Identity,
    pub text: String,
}

#[client_visibility_filter]
const NOTE_OWNER: Filter = Filter::Sql("SELECT * FROM note WHERE owner = :sender");

#[table(accessor = flash, public, event)]
pub struct Flash {
    pub tag: String,
    pub value: u64,
}

#[table(accessor = blob, public)]
pub struct Blob {
    #[primary_key]
    pub id: u32,
    pub text: String,
}

#[table(accessor = job, public, scheduled(run_job))]
pub struct Job {
    #[primary_key]
    #[auto_inc]
    pub scheduled_id: u64,
    pub scheduled_at: ScheduleAt,
    pub label: String,
}

#[table(accessor = banned)]
pub struct Banned {
    #[primary_key]
    pub ident: Identity,
}

#[reducer(init)]
pub fn init(ctx: &ReducerContext) {
    log::info!("init runs");
    for (id, name) in [(1, "red"), (2, "blue")] {
        ctx.db.team().insert(Team { id, name: name.into() });
    }
}

#[reducer(client_connected)]
pub fn connected(ctx: &ReducerContext) -> Result<(), String> {
    if ctx.db.banned().ident().find(ctx.sender()).is_some() {
        return Err("you are banned".into());
    }
    Ok(())
}

#[reducer(client_disconnected)]
pub fn disconnected(_ctx: &ReducerContext) {}

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
pub fn add_specials(
    ctx: &ReducerContext,
    id: u32,
    ident: Identity,
    conn: ConnectionId,
    at: Timestamp,
    dur: TimeDuration,
    uuid: Uuid,
    sched: ScheduleAt,
) {
    ctx.db.specials().insert(Specials { id, ident, conn, at, dur, uuid, sched });
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
    ctx.db.note().insert(Note { id: 0, owner: ctx.sender(), text });
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
    log::info!("job {} ran, sender is self: {}", job.label, ctx.sender() == ctx.database_identity());
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

#[view(accessor = my_notes, public)]
pub fn my_notes(ctx: &ViewContext) -> Vec<Note> {
    ctx.db.note().owner().filter(ctx.sender()).collect()
}

#[view(accessor = red_members, public)]
pub fn red_members(ctx: &AnonymousViewContext) -> Vec<Member> {
    ctx.db.member().team_id().filter(1u32).collect()
}

#[view(accessor = first_secret, public)]
pub fn first_secret(ctx: &ViewContext) -> Option<Secret> {
    ctx.db.secret().id().find(1)
}

#[view(accessor = active_members, public)]
pub fn active_members(ctx: &ViewContext) -> impl Query<Member> {
    ctx.from.member().filter(|m| m.active.eq(true))
}

#[procedure]
pub fn sum_two(_ctx: &mut ProcedureContext, a: u32, b: u32) -> u64 {
    a as u64 + b as u64
}

#[procedure]
pub fn make_shape(_ctx: &mut ProcedureContext, r: f32) -> Shape {
    if r < 0.0 { Shape::Empty } else { Shape::Circle(r) }
}

#[procedure]
pub fn maybe(_ctx: &mut ProcedureContext, v: Option<Point>) -> Option<Point> {
    v
}

#[procedure]
pub fn result_proc(_ctx: &mut ProcedureContext, ok: bool) -> Result<u32, String> {
    if ok { Ok(5) } else { Err("not ok".into()) }
}

#[procedure]
pub fn boom_proc(_ctx: &mut ProcedureContext) {
    panic!("boom goes the procedure");
}

#[procedure]
pub fn add_member_proc(ctx: &mut ProcedureContext, id: u32, team_id: u32) -> u32 {
    ctx.with_tx(|tx| tx.db.member().insert(Member { id, team_id, name: "proc".into(), active: true }).id)
}

#[handler]
fn hello(_ctx: &mut HandlerContext, req: Request) -> Response {
    Response::new(Body::from_bytes(format!("hello {}", req.uri())))
}

#[handler]
fn echo(_ctx: &mut HandlerContext, req: Request) -> Response {
    let (parts, body) = req.into_parts();
    let mut r = Response::new(body);
    if let Some(h) = parts.headers.get("x-in") {
        r.headers_mut().insert("x-out", h.clone());
    }
    r
}

#[handler]
fn root_any(_ctx: &mut HandlerContext, req: Request) -> Response {
    Response::new(Body::from_bytes(format!("root {}", req.method())))
}

#[handler]
fn boom_http(_ctx: &mut HandlerContext, _req: Request) -> Response {
    panic!("boom goes the handler");
}

#[router]
fn routes() -> Router {
    Router::new().any("", root_any).get("/hello", hello).post("/echo", echo).get("/boom", boom_http)
}
