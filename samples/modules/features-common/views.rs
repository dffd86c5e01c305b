// Views and procedures, from crate 1.12 on. Of the crates' `lib.rs`: `viewer`, `caller`, `client`, `count_items`.

macro_rules! view_tables {
    ($name:ident) => {
        #[table($name = item)]
        #[derive(Clone)]
        pub struct Item {
            #[primary_key]
            pub id: u32,
            #[index(btree)]
            pub owner: Identity,
            #[index(btree)]
            pub kind: u32,
            #[index(btree)]
            pub weight: i32,
            pub name: String,
        }

        #[derive(SpacetimeType)]
        pub struct ItemCount {
            pub items: u64,
        }

        #[derive(SpacetimeType)]
        pub struct ItemName {
            pub id: u32,
            pub name: String,
        }

        /// Every row is a call of the procedure `run_task`.
        #[table($name = task, public, scheduled(run_task))]
        pub struct Task {
            #[primary_key]
            #[auto_inc]
            pub scheduled_id: u64,
            pub scheduled_at: ScheduleAt,
            #[index(btree)]
            pub label: String,
            pub how: String,
        }

        // Every view says when it runs: what it costs is part of what is tested.

        /// Read by a key.
        #[view($name = items_of_kind_one, public)]
        pub fn items_of_kind_one(ctx: &AnonymousViewContext) -> Vec<Item> {
            log::info!("view items_of_kind_one runs");
            ctx.db.item().kind().filter(1u32).collect()
        }

        /// Read by a range.
        #[view($name = heavy_items, public)]
        pub fn heavy_items(ctx: &AnonymousViewContext) -> Vec<Item> {
            log::info!("view heavy_items runs");
            ctx.db.item().weight().filter(100i32..).collect()
        }

        /// A row that is no table's; reads a whole table.
        #[view($name = item_count, public)]
        pub fn item_count(ctx: &AnonymousViewContext) -> Vec<ItemCount> {
            log::info!("view item_count runs");
            vec![ItemCount { items: count_items(ctx) }]
        }

        #[view($name = my_items, public)]
        pub fn my_items(ctx: &ViewContext) -> Vec<Item> {
            log::info!("view my_items runs");
            ctx.db.item().owner().filter(viewer(ctx)).collect()
        }

        /// At most one row, of some of the columns, by two reads.
        #[view($name = my_first_item, public)]
        pub fn my_first_item(ctx: &ViewContext) -> Option<ItemName> {
            let first = ctx.db.item().owner().filter(viewer(ctx)).map(|item| item.id).min()?;
            ctx.db.item().id().find(first).map(|item| ItemName { id: item.id, name: item.name })
        }

        /// Misbehaves as the gate "view: ..." says, if one is open.
        #[view($name = moody, public)]
        pub fn moody(ctx: &AnonymousViewContext) -> Vec<ItemName> {
            for how in ["panic", "recursion", "loop", "memory", "log flood"] {
                if ctx.db.gate().name().find(format!("view: {how}")).is_some() {
                    act_up(how);
                }
            }
            vec![ItemName { id: 1, name: "calm".into() }]
        }

        /// Timers by a key.
        #[view($name = timers_watched, public)]
        pub fn timers_watched(ctx: &AnonymousViewContext) -> Vec<Timer> {
            ctx.db.timer().label().filter("watched").collect()
        }

        /// All timers.
        #[view($name = timers_all, public)]
        pub fn timers_all(ctx: &AnonymousViewContext) -> Vec<Timer> {
            log::info!("view timers_all runs");
            ctx.db.timer().label().filter(""..).collect()
        }

        #[view($name = tasks_all, public)]
        pub fn tasks_all(ctx: &AnonymousViewContext) -> Vec<Task> {
            ctx.db.task().label().filter(""..).collect()
        }
    };
}

#[reducer]
pub fn put_item(ctx: &ReducerContext, id: u32, kind: u32, weight: i32, name: String) {
    let item = Item { id, owner: sender(ctx), kind, weight, name };
    if ctx.db.item().id().find(id).is_some() {
        ctx.db.item().id().update(item);
    } else {
        ctx.db.item().insert(item);
    }
}

#[reducer]
pub fn drop_item(ctx: &ReducerContext, id: u32) {
    ctx.db.item().id().delete(id);
}

// ---- procedures ----

#[derive(SpacetimeType, Clone, Debug, PartialEq)]
pub enum Answer {
    Nothing,
    Number(i64),
    Named(Labelled),
}

#[derive(SpacetimeType, Clone, Debug, PartialEq)]
pub struct Labelled {
    pub label: String,
    pub values: Vec<u8>,
}

#[derive(SpacetimeType)]
pub struct Caller {
    pub sender: Identity,
    pub connection: Option<ConnectionId>,
    pub database: Identity,
    pub at: Timestamp,
}

#[derive(SpacetimeType)]
pub struct Fetched {
    pub status: u16,
    pub headers: Vec<String>,
    pub body: String,
}

#[procedure]
pub fn sum(_ctx: &mut ProcedureContext, a: u32, b: u32) -> u64 {
    a as u64 + b as u64
}

#[procedure]
pub fn nothing_at_all(_ctx: &mut ProcedureContext) {}

#[procedure]
pub fn give_back(_ctx: &mut ProcedureContext, answer: Answer, more: Vec<Answer>) -> Vec<Answer> {
    more.into_iter().chain([answer]).collect()
}

#[procedure]
pub fn perhaps(_ctx: &mut ProcedureContext, ok: bool) -> Result<u32, String> {
    if ok { Ok(7) } else { Err("not today".into()) }
}

#[procedure]
pub fn who_calls(ctx: &mut ProcedureContext) -> Caller {
    let (sender, connection) = (caller(ctx), client(ctx));
    Caller { sender, connection, database: Identity::from_byte_array(spacetimedb::sys::identity()), at: ctx.timestamp }
}

fn item_of_procedure(id: u32) -> Item {
    Item { id, owner: Identity::from_byte_array([7; 32]), kind: 1, weight: 500, name: "made by a procedure".into() }
}

/// In one transaction; returns how many items there are then.
#[procedure]
pub fn make_item(ctx: &mut ProcedureContext, id: u32) -> u64 {
    ctx.with_tx(|tx| {
        tx.db.item().insert(item_of_procedure(id));
        tx.db.item().count()
    })
}

/// A transaction that rolls back if told to, and in any case another one after it.
#[procedure]
pub fn try_item(ctx: &mut ProcedureContext, id: u32, fail: bool) -> Result<u64, String> {
    let tried = ctx.try_with_tx(|tx| {
        tx.db.item().insert(item_of_procedure(id));
        if fail { Err("rolled back".to_owned()) } else { Ok(()) }
    });
    let count = ctx.with_tx(|tx| tx.db.item().count());
    tried.map(|()| count)
}

/// Two transactions with a pause between, in which others do their work.
#[procedure]
pub fn slow_items(ctx: &mut ProcedureContext, first: u32, second: u32, millis: u64) -> i64 {
    let start = ctx.timestamp.to_micros_since_unix_epoch();
    ctx.with_tx(|tx| drop(tx.db.item().insert(item_of_procedure(first))));
    ctx.sleep_until(ctx.timestamp + std::time::Duration::from_millis(millis));
    ctx.with_tx(|tx| drop(tx.db.item().insert(item_of_procedure(second))));
    ctx.timestamp.to_micros_since_unix_epoch() - start
}

#[procedure]
pub fn sleep_for(ctx: &mut ProcedureContext, micros: i64) -> i64 {
    let start = ctx.timestamp.to_micros_since_unix_epoch();
    ctx.sleep_until(Timestamp::from_micros_since_unix_epoch(start + micros));
    ctx.timestamp.to_micros_since_unix_epoch() - start
}

#[procedure]
pub fn fetch(ctx: &mut ProcedureContext, method: String, url: String, headers: Vec<String>, body: String, timeout_micros: i64)
    -> Result<Fetched, String> {
    let mut request = Request::builder().method(method.as_str()).uri(url);
    for header in &headers {
        let (name, value) = header.split_once(": ").ok_or("a header without colon")?;
        request = request.header(name, value);
    }
    if timeout_micros > 0 {
        request = request.extension(Timeout(TimeDuration::from_micros(timeout_micros)));
    }
    let request = request.body(Body::from_bytes(body.into_bytes())).map_err(|e| e.to_string())?;
    let (parts, body) = ctx.http.send(request).map_err(|e| e.to_string())?.into_parts();
    let headers = parts.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    Ok(Fetched { status: parts.status.as_u16(), headers: headers.collect(), body: body.into_string_lossy() })
}

mod raw_procedure {
    #[link(wasm_import_module = "spacetime_10.0")]
    extern "C" {
        pub fn table_id_from_name(name: *const u8, len: usize, out: *mut u32) -> u32;
        pub fn datastore_table_row_count(table: u32, out: *mut u64) -> u32;
    }
    #[link(wasm_import_module = "spacetime_10.1")]
    extern "C" {
        pub fn bytes_source_remaining_length(source: u32, out: *mut u32) -> i32;
    }
    #[link(wasm_import_module = "spacetime_10.2")]
    extern "C" {
        pub fn get_jwt(connection: *const u8, out: *mut u32) -> u32;
    }
    #[link(wasm_import_module = "spacetime_10.3")]
    extern "C" {
        pub fn procedure_sleep_until(at: i64) -> i64;
        pub fn procedure_start_mut_tx(out: *mut i64) -> u32;
        pub fn procedure_commit_mut_tx() -> u32;
        pub fn procedure_abort_mut_tx() -> u32;
        pub fn procedure_http_request(request: *const u8, len: usize, body: *const u8, body_len: usize, out: *mut u32) -> u32;
    }
    #[link(wasm_import_module = "spacetime_10.4")]
    extern "C" {
        pub fn datastore_index_scan_point_bsatn(index: u32, point: *const u8, len: usize, out: *mut u32) -> u32;
        pub fn datastore_delete_by_index_scan_point_bsatn(index: u32, point: *const u8, len: usize, out: *mut u32) -> u32;
    }
}

/// The imports of 10.1 to 10.4 in a reducer.
fn check_abi_of_crate(ctx: &ReducerContext) -> Result<(), String> {
    use raw_procedure::*;
    let (mut out, mut micros) = (0u32, 0i64);
    unsafe {
        let (table, _, by_code, by_a_b) = abi_ids()?;
        same("length of no source", bytes_source_remaining_length(999_999, &mut out), 8)?;
        same("start in a reducer", procedure_start_mut_tx(&mut micros), 17)?;
        same("commit in a reducer", procedure_commit_mut_tx(), 18)?;
        same("abort in a reducer", procedure_abort_mut_tx(), 18)?;
        same("claims of nobody", get_jwt([0u8; 16].as_ptr(), &mut out), 0)?;
        same("no claims", out, 0)?;
        for row in [[1, 1, 1, 1], [2, 2, 1, 1], [3, 3, 1, 2]] {
            same("insert", insert(table, &row).0, 0)?;
        }
        let point = bsatn(&[1, 1]);
        same("point", datastore_index_scan_point_bsatn(by_a_b, point.as_ptr(), 8, &mut out), 0)?;
        same("two rows", drain(out)?.len() / 16, 2)?;
        same("short point", datastore_index_scan_point_bsatn(by_a_b, point.as_ptr(), 7, &mut out), 3)?;
        same("point of no index", datastore_index_scan_point_bsatn(999_999, point.as_ptr(), 8, &mut out), 5)?;
        same("unique point", datastore_index_scan_point_bsatn(by_code, bsatn(&[3]).as_ptr(), 4, &mut out), 0)?;
        same("one row", drain(out)?, bsatn(&[3, 3, 1, 2]))?;
        same("delete point", datastore_delete_by_index_scan_point_bsatn(by_a_b, point.as_ptr(), 8, &mut out), 0)?;
        same("two deleted", out, 2)?;
        same("delete point", datastore_delete_by_index_scan_point_bsatn(by_code, bsatn(&[3]).as_ptr(), 4, &mut out), 0)?;
        same("one deleted", out, 1)?;
    }
    check_abi_of_newest(ctx)
}

/// Waiting is for procedures: a reducer that tries ends.
#[reducer]
pub fn trap_by_waiting(_ctx: &ReducerContext, how: String) {
    unsafe {
        if how == "sleep" {
            raw_procedure::procedure_sleep_until(0);
        } else {
            raw_procedure::procedure_http_request([0u8].as_ptr(), 1, [0u8].as_ptr(), 0, [0u32; 2].as_mut_ptr());
        }
    }
}

/// What a procedure may not do, without and within a transaction.
#[procedure]
pub fn check_procedure_abi(_ctx: &mut ProcedureContext) -> Result<u32, String> {
    use raw_procedure::*;
    let (mut out, mut long, mut micros) = ([0u32; 2], 0u64, 0i64);
    unsafe {
        let one = out.as_mut_ptr();
        same("table without transaction", table_id_from_name("item".as_ptr(), 4, one), 2)?;
        same("rows without transaction", datastore_table_row_count(4097, &mut long), 2)?;
        same("claims without transaction", get_jwt([0u8; 16].as_ptr(), one), 2)?;
        same("commit without transaction", procedure_commit_mut_tx(), 18)?;
        same("abort without transaction", procedure_abort_mut_tx(), 18)?;
        same("request of no bytes", procedure_http_request([9u8].as_ptr(), 1, [0u8].as_ptr(), 0, one), 3)?;
        same("sleep until long ago", procedure_sleep_until(-1) > 1_600_000_000_000_000, true)?;
        same("start", procedure_start_mut_tx(&mut micros), 0)?;
        same("time of the transaction", micros > 1_600_000_000_000_000, true)?;
        same("start again", procedure_start_mut_tx(&mut micros), 17)?;
        same("request in a transaction", procedure_http_request([9u8].as_ptr(), 1, [0u8].as_ptr(), 0, one), 17)?;
        same("table", table_id_from_name("item".as_ptr(), 4, one), 0)?;
        same("rows", datastore_table_row_count(out[0], &mut long), 0)?;
        same("abort", procedure_abort_mut_tx(), 0)?;
        same("start", procedure_start_mut_tx(&mut micros), 0)?;
        same("commit", procedure_commit_mut_tx(), 0)?;
        same("commit again", procedure_commit_mut_tx(), 18)?;
    }
    Ok(1)
}

/// Leaves its transaction open at its end, whatever that is.
#[procedure]
pub fn dangle(ctx: &mut ProcedureContext, id: u32, how: String) -> u32 {
    let committed = ctx.with_tx(|tx| tx.db.item().insert(item_of_procedure(id)).id);
    let mut micros = 0;
    unsafe {
        same("start", raw_procedure::procedure_start_mut_tx(&mut micros), 0).unwrap();
        let mut out = 0;
        let mut row = spacetimedb::sats::bsatn::to_vec(&item_of_procedure(id + 1)).unwrap();
        let mut len = row.len();
        same("item", raw_procedure::table_id_from_name("item".as_ptr(), 4, &mut out), 0).unwrap();
        same("insert", raw::datastore_insert_bsatn(out, row.as_mut_ptr(), &mut len), 0).unwrap();
        if how == "sleep" {
            raw_procedure::procedure_sleep_until(micros + 1_000);
        }
    }
    act_up(&how);
    committed
}

#[procedure]
pub fn misbehave_slowly(ctx: &mut ProcedureContext, id: u32, how: String) -> u32 {
    let id = ctx.with_tx(|tx| tx.db.item().insert(item_of_procedure(id)).id);
    act_up(&how);
    id
}

/// Misbehaves while it holds the lock of the database.
#[procedure]
pub fn misbehave_in_transaction(ctx: &mut ProcedureContext, id: u32, how: String) -> u32 {
    ctx.with_tx(|tx| {
        tx.db.item().insert(item_of_procedure(id));
        act_up(&how);
    });
    id
}

// ---- scheduled procedure ----

#[reducer]
pub fn start_task(ctx: &ReducerContext, label: String, how: String, micros: i64, repeat: bool) {
    let task = ctx.db.task().insert(Task { scheduled_id: 0, scheduled_at: after(ctx, micros, repeat), label: label.clone(), how });
    ctx.db.timer_tag().insert(TimerTag { timer: task.scheduled_id + 1_000_000, tag: label });
}

#[reducer]
pub fn stop_tasks(ctx: &ReducerContext, label: String) {
    ctx.db.task().label().delete(&label);
}

/// Notes in a transaction whether its row is still there: `timer` is 1 if it is.
#[procedure]
pub fn run_task(ctx: &mut ProcedureContext, task: Task) {
    let (by_database, has_connection, at) =
        (caller(ctx) == Identity::from_byte_array(spacetimedb::sys::identity()), client(ctx).is_some(), ctx.timestamp);
    if task.how == "sleep" {
        ctx.sleep_until(ctx.timestamp + std::time::Duration::from_millis(500));
    }
    ctx.with_tx(|tx| {
        let timer = tx.db.task().scheduled_id().find(task.scheduled_id).is_some() as u64;
        tx.db.tick().insert(Tick { id: 0, label: task.label.clone(), timer, at, by_database, has_connection });
    });
    if task.how == "panic" {
        panic!("task {} panics", task.label);
    }
}
