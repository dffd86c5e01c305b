// What the published Rust clients must see on a database that runs one of the test modules: Ann watches, Bob acts. A panic of a
// client, which is how these packages answer a server that breaks the rules, ends its thread and fails the check that joins it.
use crate::kitchen::*;
use crate::report::{until, Report};
use crate::{builder, call, named, send, PACKAGE};
use spacetimedb_sdk::{
    i256, u256, Compression, ConnectionId, DbContext, Identity, ScheduleAt, SubscriptionHandle as _, Table, TableWithPrimaryKey,
    TimeDuration, Timestamp,
};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{channel, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

const SOON: Duration = Duration::from_secs(10);

type Builder = spacetimedb_sdk::DbConnectionBuilder<RemoteModule>;

/// A connection and what it was told.
struct Client {
    connection: DbConnection,
    identity: Identity,
    token: String,
    thread: Option<std::thread::JoinHandle<()>>,
    gone: Receiver<()>,
}

impl Client {
    fn open(configured: Builder) -> Result<Client, String> {
        let (sender, receiver) = channel();
        let (leave, gone) = channel();
        let failed = sender.clone();
        let connection = configured
            .on_connect(move |_, identity, token| sender.send(Ok((identity, token.to_owned()))).unwrap())
            .on_connect_error(move |_, error| failed.send(Err(error.to_string())).unwrap())
            .on_disconnect(move |_, _| leave.send(()).unwrap())
            .build()
            .map_err(|error| error.to_string())?;
        let thread = Some(connection.run_threaded());
        let (identity, token) = receiver.recv_timeout(SOON).map_err(|_| "no on_connect".to_owned())??;
        Ok(Client { connection, identity, token, thread, gone })
    }

    /// Ends the connection: on_disconnect runs, and nothing panicked while it lived.
    fn close(mut self) {
        self.connection.disconnect().expect("disconnect");
        self.gone.recv_timeout(SOON).expect("on_disconnect");
        assert!(!self.connection.is_active());
        self.thread.take().unwrap().join().expect("the connection's thread");
    }

    /// Subscribes and waits until it is applied, or gives the error's text.
    fn subscribe<const N: usize>(&self, queries: [&str; N]) -> Result<SubscriptionHandle, String> {
        let (sender, receiver) = channel();
        let failed = sender.clone();
        let handle = self.connection.subscription_builder()
            .on_applied(move |_| sender.send(Ok(())).unwrap())
            .on_error(move |_, error| failed.send(Err(error.to_string())).unwrap())
            .subscribe(queries);
        receiver.recv_timeout(SOON).expect("an answer to a subscription").map(|()| handle)
    }

    /// Notes what happens to members, in order.
    fn watch_members(&self) -> Arc<Mutex<Vec<String>>> {
        let events = Arc::new(Mutex::new(Vec::new()));
        let (inserts, deletes, updates) = (events.clone(), events.clone(), events.clone());
        let members = self.connection.db.member();
        members.on_insert(move |_, row| inserts.lock().unwrap().push(format!("insert {}", row.name)));
        members.on_delete(move |_, row| deletes.lock().unwrap().push(format!("delete {}", row.name)));
        members.on_update(move |_, old, new| updates.lock().unwrap().push(format!("update {} {}", old.name, new.name)));
        events
    }
}

fn take(events: &Arc<Mutex<Vec<String>>>) -> Vec<String> {
    std::mem::take(&mut *events.lock().unwrap())
}

fn unsubscribe(handle: SubscriptionHandle) {
    let (sender, receiver) = channel();
    handle.unsubscribe_then(Box::new(move |_| sender.send(()).unwrap())).expect("unsubscribe");
    receiver.recv_timeout(SOON).expect("the end of a subscription");
}

pub fn run(report: &mut Report, url: &str, database: &str) {
    let plain = || named(builder().with_uri(url.to_owned()), database);
    let open = || Client::open(plain()).expect("a connection");
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.store(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_micros() * 1000, Ordering::Relaxed);
    let fresh = || LAST.fetch_add(1, Ordering::Relaxed);
    let member = |team_id: u32, name: &str| AddMember { id: LAST.fetch_add(1, Ordering::Relaxed), team_id, name: name.to_owned(), active: true };

    let Some((ann, bob)) = report.check("two anonymous clients connect", || {
        let (ann, bob) = (open(), open());
        assert_ne!(ann.identity, bob.identity);
        assert!(ann.identity.to_hex().as_str().starts_with("c200"));
        assert_eq!(ann.token.split('.').count(), 3);
        assert_eq!(ann.connection.identity(), ann.identity);
        assert_ne!(ann.connection.connection_id(), ConnectionId::ZERO);
        assert!(ann.connection.is_active());
        (ann, bob)
    }) else { return };
    // Waits until Ann has seen everything that Bob did before.
    let barrier = || {
        let id = fresh();
        call(&bob.connection, AddBlob { id, size: 8 }).unwrap();
        until("a later transaction", || ann.connection.db.blob().iter().any(|row| row.id == id));
    };

    report.check("the stored token brings the same identity, and is handed out again", || {
        let again = Client::open(plain().with_token(Some(ann.token.clone()))).expect("a connection");
        assert_eq!((again.identity, &again.token), (ann.identity, &ann.token));
        again.close();
    });
    report.check("a token of nobody and a database that does not exist are refused", || {
        let [head, body, _] = ann.token.split('.').collect::<Vec<_>>()[..] else { panic!("{}", ann.token) };
        for token in ["a.b.c".to_owned(), format!("{head}.{body}.AAAA")] {
            assert!(Client::open(plain().with_token(Some(token.clone()))).is_err(), "{token}");
        }
        assert!(Client::open(named(builder().with_uri(url.to_owned()), "not-there")).is_err());
    });

    report.check("a subscription brings the rows that are there", || {
        ann.subscribe(["SELECT * FROM team", "SELECT * FROM blob", "SELECT * FROM test_found"]).unwrap();
        let mut teams: Vec<_> = ann.connection.db.team().iter().collect();
        teams.sort_by_key(|team| team.id);
        assert_eq!(teams, [Team { id: 1, name: "red".into() }, Team { id: 2, name: "blue".into() }]);
        assert_eq!(ann.connection.db.team().find(&2).unwrap().name, "blue");
    });
    report.check("all tables at once", || {
        let all = open();
        let (sender, receiver) = channel();
        all.connection.subscription_builder().on_applied(move |_| sender.send(()).unwrap())
            .on_error(|_, error| panic!("{error}")).subscribe_to_all_tables();
        receiver.recv_timeout(SOON).expect("on_applied");
        assert_eq!(all.connection.db.team().count(), 2);
        assert_eq!(all.connection.db.blob().count(), ann.connection.db.blob().count());
        let team_id = fresh();
        call(&bob.connection, member(team_id, "for all")).unwrap();
        until("the insert", || all.connection.db.member().iter().any(|row| row.team_id == team_id));
        all.close();
    });
    report.check("subscriptions that cannot be fail with a text, and the connection stays", || {
        for (query, text) in [("SELECT * FROM nope", "no such table: `nope`"), ("SELECT * FROM secret", "no such table: `secret`"), ("SELEKT", "")] {
            let Err(error) = ann.subscribe([query]) else { panic!("{query} was applied") };
            assert!(error.contains(text), "{error}");
        }
        barrier();
    });

    let team = fresh();
    let members = ann.watch_members();
    report.check("inserts of others arrive, those that match; an own call has its effects before its outcome", || {
        let query = format!("SELECT * FROM member WHERE team_id = {team}");
        let set = ann.subscribe([query.as_str()]).unwrap();
        call(&bob.connection, member(team + 1_000_000, "elsewhere")).unwrap();
        call(&bob.connection, member(team, "here")).unwrap();
        barrier();
        assert_eq!(take(&members), ["insert here"]);
        call(&ann.connection, member(team, "own")).unwrap();
        assert!(ann.connection.db.member().iter().any(|row| row.name == "own"));
        // The packages may tell of the outcome before they tell of the rows.
        until("the insert", || members.lock().unwrap().len() == 1);
        assert_eq!(take(&members), ["insert own"]);
        unsubscribe(set);
        assert_eq!(ann.connection.db.member().count(), 0);
        until("two deletes", || members.lock().unwrap().len() == 2);
        let mut went = take(&members);
        went.sort();
        assert_eq!(went, ["delete here", "delete own"]);
    });
    report.check("an update is one update callback, a delete one delete callback", || {
        let team = fresh();
        let query = format!("SELECT * FROM member WHERE team_id = {team}");
        let set = ann.subscribe([query.as_str()]).unwrap();
        let row = member(team, "before");
        let id = row.id;
        call(&bob.connection, row).unwrap();
        call(&bob.connection, RenameMember { id, name: "after".into() }).unwrap();
        barrier();
        assert_eq!(ann.connection.db.member().find(&id).unwrap().name, "after");
        call(&bob.connection, DeleteMember { id }).unwrap();
        barrier();
        assert_eq!(take(&members), ["insert before", "update before after", "delete after"]);
        unsubscribe(set);
    });
    report.check("overlapping sets: one callback a change, and none for shared rows when one set ends", || {
        let team = fresh();
        let [wide, narrow] = [format!("SELECT * FROM member WHERE team_id = {team}"), format!("SELECT * FROM member WHERE team_id = {team} AND active = true")];
        let (first, second, third) = (ann.subscribe([wide.as_str()]).unwrap(), ann.subscribe([narrow.as_str()]).unwrap(),
            ann.subscribe([wide.as_str(), narrow.as_str()]).unwrap());
        let row = member(team, "shared");
        let id = row.id;
        call(&bob.connection, row).unwrap();
        call(&bob.connection, RenameMember { id, name: "renamed".into() }).unwrap();
        barrier();
        assert_eq!(take(&members), ["insert shared", "update shared renamed"]);
        unsubscribe(third);
        unsubscribe(first);
        barrier();
        assert_eq!((take(&members), ann.connection.db.member().count()), (vec![], 1));
        call(&bob.connection, DeleteMember { id }).unwrap();
        barrier();
        assert_eq!(take(&members), ["delete renamed"]);
        unsubscribe(second);
        call(&bob.connection, member(team, "unseen")).unwrap();
        barrier();
        assert!(take(&members).is_empty());
    });
    report.check("unsubscribing before the subscription is applied", || {
        let handle = ann.connection.subscription_builder().subscribe(["SELECT * FROM member"]);
        let (sender, receiver) = channel();
        handle.clone().unsubscribe_then(Box::new(move |_| sender.send(()).unwrap())).unwrap();
        receiver.recv_timeout(SOON).expect("the end of the subscription");
        assert!(handle.is_ended());
        barrier();
        assert_eq!(ann.connection.db.member().count(), 0);
        take(&members);
    });
    report.check("a semijoin with two partners: the row stays until the last one is gone", || {
        let watcher = open();
        let (one, two) = (AddMember { team_id: 1, ..member(1, "one") }, AddMember { team_id: 1, ..member(1, "two") });
        let ids = [one.id, two.id];
        let name = format!("partner {}", fresh());
        let query = format!("SELECT team.* FROM team JOIN member ON team.id = member.team_id WHERE member.name = '{name}'");
        let set = watcher.subscribe([query.as_str(), "SELECT * FROM blob"]).unwrap();
        let seen = || {
            let id = fresh();
            call(&bob.connection, AddBlob { id, size: 8 }).unwrap();
            until("a later transaction", || watcher.connection.db.blob().find(&id).is_some());
            watcher.connection.db.team().count()
        };
        assert_eq!(seen(), 0);
        for row in [one, two] {
            call(&bob.connection, AddMember { name: name.clone(), ..row }).unwrap();
        }
        assert_eq!(seen(), 1);
        call(&bob.connection, DeleteMember { id: ids[0] }).unwrap();
        assert_eq!(seen(), 1);
        // A second set with the same rows, made while one partner is left.
        let other = watcher.subscribe([query.as_str()]).unwrap();
        call(&bob.connection, RenameMember { id: ids[1], name: "nobody".into() }).unwrap();
        assert_eq!(seen(), 0);
        unsubscribe(other);
        unsubscribe(set);
        watcher.close();
    });

    report.check("scalars come back as they were sent", || {
        let set = ann.subscribe(["SELECT * FROM scalars"]).unwrap();
        let low = AddScalars {
            b: false, n_u_8: 0, n_i_8: i8::MIN, n_u_16: 0, n_i_16: i16::MIN, n_u_32: 0, n_i_32: i32::MIN, n_u_64: 0, n_i_64: i64::MIN, n_u_128: 0,
            n_i_128: i128::MIN, n_u_256: u256::ZERO, n_i_256: i256::MIN, f_32: -1.5, f_64: f64::MIN, s: String::new(),
        };
        let high = AddScalars {
            b: true, n_u_8: u8::MAX, n_i_8: i8::MAX, n_u_16: u16::MAX, n_i_16: i16::MAX, n_u_32: u32::MAX, n_i_32: i32::MAX, n_u_64: u64::MAX,
            n_i_64: i64::MAX, n_u_128: u128::MAX, n_i_128: i128::MAX, n_u_256: u256::MAX, n_i_256: i256::MAX, f_32: f32::MAX,
            f_64: f64::from_bits(1), s: "Grüße, 世界 👋 \0 end".into(),
        };
        for sent in [low, high] {
            let before: HashSet<u64> = ann.connection.db.scalars().iter().map(|row| row.id).collect();
            call(&ann.connection, sent.clone()).unwrap();
            let rows: Vec<_> = ann.connection.db.scalars().iter().filter(|row| !before.contains(&row.id)).collect();
            let [row] = &rows[..] else { panic!("{} new rows", rows.len()) };
            let AddScalars { b, n_u_8, n_i_8, n_u_16, n_i_16, n_u_32, n_i_32, n_u_64, n_i_64, n_u_128, n_i_128, n_u_256, n_i_256, f_32, f_64, s } = sent;
            assert_eq!(row, &Scalars {
                id: row.id, b, n_u_8, n_i_8, n_u_16, n_i_16, n_u_32, n_i_32, n_u_64, n_i_64, n_u_128, n_i_128, n_u_256, n_i_256, f_32, f_64, s,
            });
        }
        unsubscribe(set);
    });
    report.check("special and compound types come back as they were sent", || {
        let set = ann.subscribe(["SELECT * FROM specials", "SELECT * FROM compounds"]).unwrap();
        for sched in [ScheduleAt::Interval(TimeDuration::from_micros(12_345)), ScheduleAt::Time(Timestamp::from_micros_since_unix_epoch(1 << 50))] {
            let row = crate::special(fresh(), Identity::from_u256(u256::from(7u8)), ConnectionId::from_u128(1 << 127 | 3), sched);
            call(&ann.connection, crate::add_specials(row.clone())).unwrap();
            assert_eq!(ann.connection.db.specials().find(&row.id), Some(row));
        }
        let point = |x, y| Point { x, y };
        for shape in [Shape::Empty, Shape::Circle(0.5), Shape::Poly(vec![point(9, 9), point(-1, 0)]),
            Shape::Box(Rect { top_left: point(1, -2), size_2_d: point(3, 4) })] {
            let row = crate::compound(fresh(), shape);
            call(&ann.connection, AddCompounds { row: row.clone() }).unwrap();
            assert_eq!(ann.connection.db.compounds().find(&row.id), Some(row));
        }
        unsubscribe(set);
    });
    report.check("a table without a key", || {
        let set = ann.subscribe(["SELECT * FROM flash"]).unwrap();
        let tag = format!("flash {}", fresh());
        for _ in 0..2 {
            call(&ann.connection, EmitFlash { tag: tag.clone(), value: 5 }).unwrap();
        }
        assert_eq!(ann.connection.db.flash().iter().filter(|row| row.tag == tag && row.value == 5).count(), 1);
        unsubscribe(set);
    });

    report.check("calls that fail: an error, a panic, an unknown reducer; the connection stays", || {
        assert_eq!(call(&ann.connection, Fail { text: "Nein, 否 \"quoted\"".into() }), Err("Nein, 否 \"quoted\"".to_owned()));
        call(&ann.connection, Boom {}).unwrap_err();
        crate::call_unknown(&ann.connection);
        call(&ann.connection, Nothing {}).unwrap();
    });
    report.check("the module sees the identity and the connection that the client was told", || {
        let label = format!("who {}", fresh());
        call(&ann.connection, TestWhoami { label: label.clone() }).unwrap();
        let mut found: Vec<_> = ann.connection.db.test_found().iter().filter(|row| row.label == label).collect();
        found.sort_by_key(|row| row.id);
        assert_eq!(found[0].value, ann.identity.to_hex().as_str());
        assert_eq!(found[1].value, ann.connection.connection_id().to_hex().as_str());
    });
    report.check("calls and subscriptions back to back are answered in the order sent", || {
        let client = open();
        let team = fresh();
        let order = Arc::new(Mutex::new(Vec::new()));
        let (sender, receiver) = channel();
        for i in 0..200 {
            let (answers, sender) = (order.clone(), sender.clone());
            send(&client.connection, member(team, &format!("n{i}")), move |outcome| {
                outcome.unwrap();
                answers.lock().unwrap().push(format!("{i}"));
                sender.send(()).unwrap();
            });
            if i == 99 {
                let (order, query) = (order.clone(), format!("SELECT * FROM member WHERE team_id = {team}"));
                client.connection.subscription_builder()
                    .on_applied(move |context| order.lock().unwrap().push(format!("applied {}", context.db.member().count())))
                    .on_error(|_, error| panic!("{error}"))
                    .subscribe([query.as_str()]);
            }
        }
        for _ in 0..200 {
            receiver.recv_timeout(SOON).expect("an outcome");
        }
        let mut expected: Vec<_> = (0..200).map(|i| format!("{i}")).collect();
        expected.insert(100, "applied 100".into());
        assert_eq!(take(&order), expected);
        assert_eq!(client.connection.db.member().count(), 200);
        client.close();
    });
    for compression in [Compression::None, Compression::Gzip, Compression::Brotli] {
        report.check(&format!("large rows, large answers and thousands of small transactions with {compression:?} asked for"), || {
            let id = fresh();
            call(&bob.connection, AddBlob { id, size: 1 << 20 }).unwrap();
            let client = Client::open(plain().with_compression(compression)).expect("a connection");
            let team = fresh();
            let query = format!("SELECT * FROM member WHERE team_id = {team}");
            client.subscribe([query.as_str(), "SELECT * FROM blob"]).unwrap();
            assert!(client.connection.db.blob().find(&id).unwrap().text == "abcdefgh".repeat(1 << 17));
            let (sender, receiver) = channel();
            let rows: Vec<_> = (0..1000).map(|i| member(team, &"x".repeat(i * 3))).collect();
            let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
            let outcome = move |sender: &std::sync::mpsc::Sender<()>| {
                let sender = sender.clone();
                move |outcome: Result<(), String>| {
                    outcome.unwrap();
                    sender.send(()).unwrap();
                }
            };
            for row in rows {
                let id = row.id;
                send(&bob.connection, row, outcome(&sender));
                send(&bob.connection, RenameMember { id, name: "y".repeat((id % 3000) as usize) }, outcome(&sender));
            }
            for &id in &ids[..500] {
                send(&bob.connection, DeleteMember { id }, outcome(&sender));
            }
            for _ in 0..2500 {
                receiver.recv_timeout(SOON).expect("an outcome");
            }
            let id = fresh();
            call(&bob.connection, AddBlob { id, size: 8 }).unwrap();
            until("a later transaction", || client.connection.db.blob().find(&id).is_some());
            let mut left: Vec<_> = client.connection.db.member().iter().collect();
            left.sort_by_key(|row| row.id);
            assert_eq!(left.iter().map(|row| row.id).collect::<Vec<_>>(), ids[500..]);
            assert!(left.iter().all(|row| row.name == "y".repeat((row.id % 3000) as usize)));
            client.close();
        });
    }
    for confirmed in [true, false] {
        report.check(&format!("with confirmed reads {}", if confirmed { "on" } else { "off" }), || {
            let client = Client::open(plain().with_confirmed_reads(confirmed)).expect("a connection");
            client.subscribe(["SELECT * FROM blob"]).unwrap();
            let id = fresh();
            call(&client.connection, AddBlob { id, size: 16 }).unwrap();
            assert_eq!(client.connection.db.blob().find(&id).unwrap().text, "abcdefghabcdefgh");
            client.close();
        });
    }
    report.check(&format!("who leaves is told so, and no thread of {PACKAGE} panicked"), move || {
        ann.close();
        bob.close();
    });
}
