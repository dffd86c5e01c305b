//! The published package 1.12 over v1 against a database that runs samples/modules/v1.
//! usage: client-1 URL DATABASE

#[macro_use]
mod bindings;
#[path = "../../shared/report.rs"]
mod report;
#[path = "../../shared/scenario.rs"]
mod scenario;

/// samples/modules/v1.
pub mod kitchen {
    include!("../../shared/rows.rs");

    #[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
    #[sats(crate = spacetimedb_sdk::__codegen::__lib)]
    pub struct Specials {
        pub id: u32, pub ident: Identity, pub conn: ConnectionId, pub at: Timestamp, pub dur: TimeDuration, pub sched: ScheduleAt,
    }

    #[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
    #[sats(crate = spacetimedb_sdk::__codegen::__lib)]
    pub struct Compounds {
        pub id: u32, pub color: Color, pub shape: Shape, pub point: Point, pub opt_text: Option<String>, pub opt_num: Option<u64>,
        pub opt_point: Option<Point>, pub bytes: Vec<u8>, pub nums: Vec<i32>, pub words: Vec<String>, pub points: Vec<Point>,
        pub nested: Vec<Vec<u8>>,
    }

    bindings! {
        tables {
            scalars: Scalars = "scalars", key id: u64;
            player_score: PlayerScore = "PlayerScore2D", key player_id: u32;
            team: Team = "team", key id: u32;
            member: Member = "member", key id: u32;
            note: Note = "note", key id: u64;
            flash: Flash = "flash";
            blob: Blob = "blob", key id: u32;
            job: Job = "job", key scheduled_id: u64;
            test_auto: TestAuto = "test_auto", key id: i8;
            test_found: TestFound = "test_found", key id: u64;
            test_index: TestIndex = "test_index", key id: u32;
            test_keys: TestKeys = "test_keys", key ident: Identity;
            specials: Specials = "specials", key id: u32;
            compounds: Compounds = "compounds", key id: u32;
            renamed: Renamed = "renamed_table", key id: u32;
        }
        reducers {
            AddScalars = "add_scalars" {
                b: bool, n_u_8: u8, n_i_8: i8, n_u_16: u16, n_i_16: i16, n_u_32: u32, n_i_32: i32, n_u_64: u64, n_i_64: i64,
                n_u_128: u128, n_i_128: i128, n_u_256: u256, n_i_256: i256, f_32: f32, f_64: f64, s: String,
            };
            AddSpecials = "add_specials" {
                id: u32, ident: Identity, conn: ConnectionId, at: Timestamp, dur: TimeDuration, sched: ScheduleAt,
            };
            AddCompounds = "add_compounds" { row: Compounds };
            AddMember = "add_member" { id: u32, team_id: u32, name: String, active: bool };
            RenameMember = "rename_member" { id: u32, name: String };
            DeleteMember = "delete_member" { id: u32 };
            EmitFlash = "emit_flash" { tag: String, value: u64 };
            AddBlob = "add_blob" { id: u32, size: u32 };
            TestWhoami = "test_whoami" { label: String };
            Nothing = "nothing" {};
            Fail = "fail" { text: String };
            Boom = "boom" {};
            Unknown = "not_there" {};
        }
    }
}

use kitchen::*;
use spacetimedb_sdk::{ConnectionId, DbContext, Identity, ScheduleAt, Status, TimeDuration, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::channel;
use std::sync::Mutex;
use std::time::Duration;

pub const PACKAGE: &str = "spacetimedb-sdk 1.12.0";

pub fn builder() -> spacetimedb_sdk::DbConnectionBuilder<RemoteModule> {
    DbConnection::builder()
}

pub fn named(builder: spacetimedb_sdk::DbConnectionBuilder<RemoteModule>, database: &str) -> spacetimedb_sdk::DbConnectionBuilder<RemoteModule> {
    builder.with_module_name(database)
}

/// Calls a reducer and waits for its outcome.
pub fn call(connection: &DbConnection, args: impl Into<Reducer>) -> Result<(), String> {
    let (sender, receiver) = channel();
    send(connection, args, move |outcome| sender.send(outcome).unwrap());
    receiver.recv_timeout(Duration::from_secs(10)).expect("the outcome of a call")
}

type Waiting = VecDeque<Box<dyn FnOnce(Result<(), String>) + Send>>;

/// By connection and reducer: who waits for the outcomes of own calls, which come in the order of the calls.
static WAITING: Mutex<Option<HashMap<(ConnectionId, Identity, &'static str), Waiting>>> = Mutex::new(None);

/// Calls a reducer; `then` gets the outcome. Package 1.x does not match calls and outcomes: the caller of an outcome tells.
pub fn send(connection: &DbConnection, args: impl Into<Reducer>, then: impl FnOnce(Result<(), String>) + Send + 'static) {
    macro_rules! send {
        ($($reducer:ident)*) => {
            match args.into() {
                $(Reducer::$reducer(args) => {
                    let key = (connection.connection_id(), connection.identity(), $reducer::NAME);
                    let mut all = WAITING.lock().unwrap();
                    let first = !all.get_or_insert_with(HashMap::new).contains_key(&key);
                    all.as_mut().unwrap().entry(key).or_default().push_back(Box::new(then));
                    drop(all);
                    if first {
                        connection.reducers.on($reducer::NAME, move |context| heard(key, context));
                    }
                    connection.reducers.$reducer(args).expect("a call");
                })*
            }
        };
    }
    send!(AddScalars AddSpecials AddCompounds AddMember RenameMember DeleteMember EmitFlash AddBlob TestWhoami Nothing Fail Boom Unknown);
}

fn heard(key: (ConnectionId, Identity, &'static str), context: &ReducerEventContext) {
    let event = &context.event;
    if event.caller_connection_id != Some(key.0) || event.caller_identity != key.1 {
        return;
    }
    let then = WAITING.lock().unwrap().as_mut().and_then(|all| all.get_mut(&key)?.pop_front()).expect("an outcome of an own call");
    then(match &event.status {
        Status::Committed => Ok(()),
        Status::Failed(text) => Err(text.to_string()),
        Status::OutOfEnergy => Err("out of energy".to_owned()),
    });
}

/// Package 1.x is told of an unknown reducer as of any other call that failed.
pub fn call_unknown(connection: &DbConnection) {
    let error = call(connection, Unknown {}).unwrap_err();
    assert!(error.to_lowercase().contains("no such reducer"), "{error}");
}

pub fn special(id: u32, ident: Identity, conn: ConnectionId, sched: ScheduleAt) -> Specials {
    let (at, dur) = (Timestamp::from_micros_since_unix_epoch(-5), TimeDuration::from_micros(-(1 << 62)));
    Specials { id, ident, conn, at, dur, sched }
}

pub fn add_specials(Specials { id, ident, conn, at, dur, sched }: Specials) -> AddSpecials {
    AddSpecials { id, ident, conn, at, dur, sched }
}

pub fn compound(id: u32, shape: Shape) -> Compounds {
    Compounds {
        id, color: Color::DarkBlue, shape, point: Point { x: -1, y: 1 }, opt_text: Some("text".into()), opt_num: None,
        opt_point: Some(Point { x: 5, y: 6 }), bytes: vec![0, 255, 1], nums: vec![1, -1], words: vec!["a".into(), String::new(), "ü".into()],
        points: vec![Point { x: 1, y: 2 }], nested: vec![vec![1], vec![], vec![2; 300]],
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, database] = &args[..] else {
        eprintln!("usage: client-1 URL DATABASE");
        std::process::exit(2);
    };
    let mut report = report::Report::new(PACKAGE);
    scenario::run(&mut report, url, database);
    std::process::exit(report.finish());
}
