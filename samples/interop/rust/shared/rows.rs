// The rows and reducers of samples/modules/v1 and v2, as a code generator would write them down; in the modules' order of columns.
use spacetimedb_sdk::__codegen::__lib::{de::Deserialize, ser::Serialize};
use spacetimedb_sdk::{i256, u256, ConnectionId, Identity, ScheduleAt, TimeDuration, Timestamp};

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub enum Color { Red, Green, DarkBlue }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct Point { pub x: i32, pub y: i32 }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct Rect { pub top_left: Point, pub size_2_d: Point }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub enum Shape { Empty, Circle(f32), Box(Rect), Poly(Vec<Point>) }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct Scalars {
    pub id: u64, pub b: bool, pub n_u_8: u8, pub n_i_8: i8, pub n_u_16: u16, pub n_i_16: i16, pub n_u_32: u32, pub n_i_32: i32,
    pub n_u_64: u64, pub n_i_64: i64, pub n_u_128: u128, pub n_i_128: i128, pub n_u_256: u256, pub n_i_256: i256,
    pub f_32: f32, pub f_64: f64, pub s: String,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct PlayerScore {
    pub player_id: u32, pub nick_name: String, pub team_id: u32, pub level: u8, pub slot_1: u16, pub bonus: i64,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct Team { pub id: u32, pub name: String }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct Member { pub id: u32, pub team_id: u32, pub name: String, pub active: bool }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct Note { pub id: u64, pub owner: Identity, pub text: String }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct Flash { pub tag: String, pub value: u64 }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct Blob { pub id: u32, pub text: String }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct Job { pub scheduled_id: u64, pub scheduled_at: ScheduleAt, pub label: String }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct TestAuto { pub id: i8, pub serial: u32, pub plain: i64, pub text: String }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct TestFound { pub id: u64, pub label: String, pub value: String }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct TestIndex {
    pub id: u32, pub a: u32, pub b: String, pub c: i64, pub code: String, pub owner: Identity, pub tag: String, pub kind: u8,
    pub slot: u32, pub signed: i16, pub wide: i128, pub huge: u256, pub flag: bool, pub color: Color, pub title: String,
    pub score: f64,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct TestKeys { pub ident: Identity, pub conn: ConnectionId, pub signed_wide: i128, pub small: i8, pub long: u64 }

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[sats(crate = spacetimedb_sdk::__codegen::__lib)]
pub struct Renamed { pub id: u32, pub v: String }
