//! The published package 2.x over v2 against a database that runs samples/modules/v2.
//! usage: client-2 URL DATABASE [EXTRAS DATABASE, which runs samples/modules/extras]

#[macro_use]
mod bindings;
#[path = "../../shared/report.rs"]
mod report;
#[path = "../../shared/scenario.rs"]
mod scenario;

/// samples/modules/v2.
pub mod kitchen {
    include!("../../shared/rows.rs");
    use spacetimedb_sdk::Uuid;

    #[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
    #[sats(crate = spacetimedb_sdk::__codegen::__lib)]
    pub struct Specials {
        pub id: u32, pub ident: Identity, pub conn: ConnectionId, pub at: Timestamp, pub dur: TimeDuration, pub uuid: Uuid,
        pub sched: ScheduleAt,
    }

    #[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
    #[sats(crate = spacetimedb_sdk::__codegen::__lib)]
    pub struct Compounds {
        pub id: u32, pub color: Color, pub shape: Shape, pub point: Point, pub opt_text: Option<String>, pub opt_num: Option<u64>,
        pub opt_point: Option<Point>, pub res: Result<u32, String>, pub bytes: Vec<u8>, pub nums: Vec<i32>, pub words: Vec<String>,
        pub points: Vec<Point>, pub nested: Vec<Vec<u8>>,
    }

    #[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
    #[sats(crate = spacetimedb_sdk::__codegen::__lib)]
    pub struct TestTimes { pub uuid: Uuid, pub at: Timestamp }

    bindings! {
        tables {
            scalars: Scalars = "scalars", key id: u64;
            player_score: PlayerScore = "player_score_2_d", key player_id: u32;
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
            renamed: Renamed = "RenamedTable", key id: u32;
            test_times: TestTimes = "test_times", key uuid: Uuid;
        }
        reducers {
            AddScalars = "add_scalars" {
                b: bool, n_u_8: u8, n_i_8: i8, n_u_16: u16, n_i_16: i16, n_u_32: u32, n_i_32: i32, n_u_64: u64, n_i_64: i64,
                n_u_128: u128, n_i_128: i128, n_u_256: u256, n_i_256: i256, f_32: f32, f_64: f64, s: String,
            };
            AddSpecials = "add_specials" {
                id: u32, ident: Identity, conn: ConnectionId, at: Timestamp, dur: TimeDuration, uuid: Uuid, sched: ScheduleAt,
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

/// samples/modules/extras.
pub mod extras {
    use spacetimedb_sdk::__codegen::__lib::{de::Deserialize, ser::Serialize};

    #[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
    #[sats(crate = spacetimedb_sdk::__codegen::__lib)]
    pub struct NoColumns {}

    #[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
    #[sats(crate = spacetimedb_sdk::__codegen::__lib)]
    pub struct UnitColumn { pub nothing: () }

    #[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
    #[sats(crate = spacetimedb_sdk::__codegen::__lib)]
    pub struct Spark { pub tag: String, pub at: u32 }

    #[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
    #[sats(crate = spacetimedb_sdk::__codegen::__lib)]
    pub struct Thing { pub id: u32, pub owner: super::Identity, pub text: String }

    bindings! {
        tables {
            no_columns: NoColumns = "no_columns";
            unit_column: UnitColumn = "unit_column";
            spark: Spark = "spark", event yes;
            my_thing: Thing = "my_thing";
        }
        reducers {
            SetEmpty = "set_empty" { there: bool };
            Strike = "strike" { tag: String, from: u32, to: u32 };
            Put = "put" { id: u32, text: String };
        }
        procedures {
            Sum = "sum" { a: u32, b: u32 } -> u64;
            Make = "make" { id: u32, text: String } -> u64;
            Explode = "explode" {} -> u64;
        }
    }
}

use kitchen::*;
use spacetimedb_sdk::{Compression, ConnectionId, Error, Identity, ScheduleAt, TimeDuration, Timestamp, Uuid};
use std::sync::mpsc::channel;
use std::time::Duration;

pub const PACKAGE: &str = "spacetimedb-sdk 2.11.0";

pub fn builder() -> spacetimedb_sdk::DbConnectionBuilder<RemoteModule> {
    DbConnection::builder()
}

pub fn named(builder: spacetimedb_sdk::DbConnectionBuilder<RemoteModule>, database: &str) -> spacetimedb_sdk::DbConnectionBuilder<RemoteModule> {
    builder.with_database_name(database)
}

/// Calls a reducer and waits for its outcome.
pub fn call<R>(connection: &DbConnection, args: R) -> Result<(), String>
where Reducer: From<R> {
    let (sender, receiver) = channel();
    send(connection, args, move |outcome| sender.send(outcome).unwrap());
    receiver.recv_timeout(Duration::from_secs(10)).expect("the outcome of a call")
}

/// Calls a reducer; `then` gets the outcome.
pub fn send<R>(connection: &DbConnection, args: R, then: impl FnOnce(Result<(), String>) + Send + 'static)
where Reducer: From<R> {
    connection.reducers.call_then(args, move |_, outcome| then(match outcome {
        Ok(result) => result,
        Err(problem) => Err(format!("internal: {problem}")),
    })).expect("a call");
}

/// Package 2.x tells the caller of an unknown reducer.
pub fn call_unknown(connection: &DbConnection) {
    let error = call(connection, Unknown {}).unwrap_err();
    assert!(error.contains("no such reducer"), "{error}");
}

pub fn special(id: u32, ident: Identity, conn: ConnectionId, sched: ScheduleAt) -> Specials {
    let (at, dur) = (Timestamp::from_micros_since_unix_epoch(-5), TimeDuration::from_micros(-(1 << 62)));
    Specials { id, ident, conn, at, dur, uuid: Uuid::from_u128(0x01888d6e_5c00_7000_8000_000000000001), sched }
}

pub fn add_specials(Specials { id, ident, conn, at, dur, uuid, sched }: Specials) -> AddSpecials {
    AddSpecials { id, ident, conn, at, dur, uuid, sched }
}

pub fn compound(id: u32, shape: Shape) -> Compounds {
    Compounds {
        id, color: Color::DarkBlue, shape, point: Point { x: -1, y: 1 }, opt_text: Some("text".into()), opt_num: None,
        opt_point: Some(Point { x: 5, y: 6 }), res: if id % 2 == 0 { Ok(4) } else { Err(String::new()) }, bytes: vec![0, 255, 1],
        nums: vec![1, -1], words: vec!["a".into(), String::new(), "ü".into()], points: vec![Point { x: 1, y: 2 }],
        nested: vec![vec![1], vec![], vec![2; 300]],
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, database, more @ ..] = &args[..] else {
        eprintln!("usage: client-2 URL DATABASE [EXTRAS DATABASE]");
        std::process::exit(2);
    };
    let mut report = report::Report::new(PACKAGE);
    scenario::run(&mut report, url, database);
    if let [extras_database] = more {
        extras_run(&mut report, url, extras_database);
    }
    std::process::exit(report.finish());
}

/// Rows of zero bytes, event tables, procedures, and a view by caller.
fn extras_run(report: &mut report::Report, url: &str, database: &str) {
    use extras::{DbConnection, Explode, Make, NoColumns, Put, SetEmpty, Strike, Sum, UnitColumn};
    use report::until;
    use spacetimedb_sdk::{DbContext, EventTable, Table};
    use std::sync::{Arc, Mutex};

    let open = || {
        let (sender, receiver) = channel();
        let connection = DbConnection::builder().with_uri(url.to_owned()).with_database_name(database).with_compression(Compression::None)
            .on_connect(move |_, _, _| sender.send(()).unwrap()).build().expect("a connection");
        let thread = connection.run_threaded();
        receiver.recv_timeout(Duration::from_secs(10)).expect("on_connect");
        (connection, thread)
    };
    let subscribe = |connection: &DbConnection| {
        let (sender, receiver) = channel();
        connection.subscription_builder().on_applied(move |_| sender.send(()).unwrap())
            .on_error(|_, error: Error| panic!("{error}")).subscribe_to_all_tables();
        receiver.recv_timeout(Duration::from_secs(10)).expect("on_applied");
    };
    let call = |connection: &DbConnection, args: extras::Reducer| {
        let (sender, receiver) = channel();
        let done = move |result: Result<(), String>| sender.send(result).unwrap();
        match args {
            extras::Reducer::SetEmpty(args) => connection.reducers.call_then(args, move |_, result| done(result.unwrap())),
            extras::Reducer::Strike(args) => connection.reducers.call_then(args, move |_, result| done(result.unwrap())),
            extras::Reducer::Put(args) => connection.reducers.call_then(args, move |_, result| done(result.unwrap())),
        }.unwrap();
        receiver.recv_timeout(Duration::from_secs(10)).expect("the outcome").expect("success");
    };
    report.check("rows of zero bytes are counted, come and go", || {
        let (connection, thread) = open();
        let (came, went) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        let (came_too, went_too) = (came.clone(), went.clone());
        connection.db.no_columns().on_insert(move |_, _: &NoColumns| *came_too.lock().unwrap() += 1);
        connection.db.unit_column().on_delete(move |_, _: &UnitColumn| *went_too.lock().unwrap() += 1);
        subscribe(&connection);
        let counts = || (connection.db.no_columns().count(), connection.db.unit_column().count());
        assert_eq!(counts(), (0, 0));
        call(&connection, SetEmpty { there: true }.into());
        assert_eq!(counts(), (1, 1));
        let (late, late_thread) = open();
        subscribe(&late);
        assert_eq!((late.db.no_columns().count(), late.db.unit_column().count()), (1, 1), "as initial rows");
        call(&connection, SetEmpty { there: false }.into());
        assert_eq!(counts(), (0, 0));
        until("the other client", || late.db.no_columns().count() == 0 && late.db.unit_column().count() == 0);
        until("the callbacks", || (*came.lock().unwrap(), *went.lock().unwrap()) == (1, 1));
        for (connection, thread) in [(connection, thread), (late, late_thread)] {
            connection.disconnect().unwrap();
            thread.join().expect("the connection's thread");
        }
    });
    report.check("an event table: a callback for each row, in order, and an empty cache", || {
        let (connection, thread) = open();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        connection.db.spark().on_insert(move |_, row| sink.lock().unwrap().push((row.tag.clone(), row.at)));
        subscribe(&connection);
        let (other, other_thread) = open();
        call(&connection, Strike { tag: "own".into(), from: 0, to: 3 }.into());
        call(&other, Strike { tag: "foreign".into(), from: 3, to: 5 }.into());
        until("five sparks", || seen.lock().unwrap().len() == 5);
        let mut rows = std::mem::take(&mut *seen.lock().unwrap());
        rows.sort_by_key(|row| row.1);
        let tags: Vec<_> = rows.iter().map(|(tag, at)| format!("{tag} {at}")).collect();
        assert_eq!(tags, ["own 0", "own 1", "own 2", "foreign 3", "foreign 4"]);
        assert_eq!((connection.db.spark().count(), connection.db.spark().iter().count()), (0, 0));
        for (connection, thread) in [(connection, thread), (other, other_thread)] {
            connection.disconnect().unwrap();
            thread.join().expect("the connection's thread");
        }
    });
    report.check("procedures: values, effects before them, and a failure", || {
        let (connection, thread) = open();
        subscribe(&connection);
        let (sender, receiver) = channel();
        let [first, second, third] = [sender.clone(), sender.clone(), sender];
        Sum { a: 4_000_000_000, b: 4_000_000_000 }.then(&connection.procedures, move |_, value| first.send(value.map_err(|e| e.to_string())).unwrap());
        assert_eq!(receiver.recv_timeout(Duration::from_secs(10)).expect("a value"), Ok(8_000_000_000));
        Explode {}.then(&connection.procedures, move |_, value| second.send(value.map_err(|e| e.to_string())).unwrap());
        receiver.recv_timeout(Duration::from_secs(10)).expect("a failure").unwrap_err();
        let id = std::process::id();
        Make { id, text: "made".into() }.then(&connection.procedures, move |context, count| {
            let there = context.db.my_thing().iter().any(|row| row.id == id && row.text == "made");
            third.send(count.map_err(|e| e.to_string()).and_then(|_| if there { Ok(1) } else { Err("without its row".into()) })).unwrap();
        });
        assert_eq!(receiver.recv_timeout(Duration::from_secs(10)).expect("a value"), Ok(1));
        connection.disconnect().unwrap();
        thread.join().expect("the connection's thread");
    });
    report.check("a view of the caller's rows", || {
        let ((ann, ann_thread), (bob, bob_thread)) = (open(), open());
        subscribe(&ann);
        subscribe(&bob);
        let id = std::process::id() + 1;
        call(&ann, Put { id, text: "one".into() }.into());
        call(&ann, Put { id, text: "two".into() }.into());
        assert_eq!(ann.db.my_thing().iter().map(|row| row.text).collect::<Vec<_>>(), ["two"]);
        assert_eq!(bob.db.my_thing().count(), 0);
        call(&bob, Put { id, text: "taken".into() }.into());
        assert_eq!(bob.db.my_thing().iter().map(|row| row.text).collect::<Vec<_>>(), ["taken"]);
        until("the loss", || ann.db.my_thing().count() == 0);
        for (connection, thread) in [(ann, ann_thread), (bob, bob_thread)] {
            connection.disconnect().unwrap();
            thread.join().expect("the connection's thread");
        }
    });
}
