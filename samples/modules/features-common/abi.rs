// The imports of ABI 10.0, called without the crate's wrappers: error numbers, small buffers, snapshots.

mod raw {
    #[link(wasm_import_module = "spacetime_10.0")]
    extern "C" {
        pub fn table_id_from_name(name: *const u8, len: usize, out: *mut u32) -> u32;
        pub fn index_id_from_name(name: *const u8, len: usize, out: *mut u32) -> u32;
        pub fn datastore_table_row_count(table: u32, out: *mut u64) -> u32;
        pub fn datastore_table_scan_bsatn(table: u32, out: *mut u32) -> u32;
        #[allow(clippy::too_many_arguments)]
        pub fn datastore_index_scan_range_bsatn(index: u32, prefix: *const u8, prefix_len: usize, elems: u32,
            start: *const u8, start_len: usize, end: *const u8, end_len: usize, out: *mut u32) -> u32;
        #[allow(clippy::too_many_arguments)]
        pub fn datastore_btree_scan_bsatn(index: u32, prefix: *const u8, prefix_len: usize, elems: u32,
            start: *const u8, start_len: usize, end: *const u8, end_len: usize, out: *mut u32) -> u32;
        #[allow(clippy::too_many_arguments)]
        pub fn datastore_delete_by_index_scan_range_bsatn(index: u32, prefix: *const u8, prefix_len: usize, elems: u32,
            start: *const u8, start_len: usize, end: *const u8, end_len: usize, out: *mut u32) -> u32;
        #[allow(clippy::too_many_arguments)]
        pub fn datastore_delete_by_btree_scan_bsatn(index: u32, prefix: *const u8, prefix_len: usize, elems: u32,
            start: *const u8, start_len: usize, end: *const u8, end_len: usize, out: *mut u32) -> u32;
        pub fn datastore_delete_all_by_eq_bsatn(table: u32, rows: *const u8, len: usize, out: *mut u32) -> u32;
        pub fn row_iter_bsatn_advance(iter: u32, buf: *mut u8, len: *mut usize) -> i32;
        pub fn row_iter_bsatn_close(iter: u32) -> u32;
        pub fn datastore_insert_bsatn(table: u32, row: *mut u8, len: *mut usize) -> u32;
        pub fn datastore_update_bsatn(table: u32, index: u32, row: *mut u8, len: *mut usize) -> u32;
        pub fn bytes_sink_write(sink: u32, buf: *const u8, len: *mut usize) -> u32;
        pub fn bytes_source_read(source: u32, buf: *mut u8, len: *mut usize) -> i32;
        pub fn console_log(level: u32, target: *const u8, target_len: usize, file: *const u8, file_len: usize, line: u32,
            message: *const u8, message_len: usize);
        pub fn console_timer_start(name: *const u8, len: usize) -> u32;
        pub fn console_timer_end(timer: u32) -> u32;
        pub fn identity(out: *mut u8);
        pub fn volatile_nonatomic_schedule_immediate(name: *const u8, len: usize, args: *const u8, args_len: usize);
    }
}

fn same<T: std::fmt::Debug + PartialEq>(what: &str, got: T, want: T) -> Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("{what}: got {got:?}, not {want:?}")) }
}

/// The ids of table and indexes of `abi_row`: itself, `id`, `code`, (`a`, `b`).
unsafe fn abi_ids() -> Result<(u32, u32, u32, u32), String> {
    let mut ids = [0u32; 4];
    let names = ["abi_row", "abi_row_id_idx_btree", "abi_row_code_idx_btree", "abi_row_a_b_idx_btree"];
    for (i, name) in names.iter().enumerate() {
        let look_up = if i == 0 { raw::table_id_from_name } else { raw::index_id_from_name };
        same(name, look_up(name.as_ptr(), name.len(), &mut ids[i]), 0)?;
    }
    Ok((ids[0], ids[1], ids[2], ids[3]))
}

fn bsatn(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

/// A bound of a range scan: kind 0 inclusive, 1 exclusive, 2 none.
fn bound(kind: u8, value: u32) -> Vec<u8> {
    let mut bytes = vec![kind];
    if kind < 2 {
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

/// Errno and number of rows of a scan, by way of a buffer that is too small at first.
unsafe fn scan(index: u32, prefix: &[u32], start: &[u8], end: &[u8]) -> Result<(u32, usize), String> {
    let mut iter = 0;
    let prefix_bytes = bsatn(prefix);
    let code = raw::datastore_index_scan_range_bsatn(index, prefix_bytes.as_ptr(), prefix_bytes.len(), prefix.len() as u32,
        start.as_ptr(), start.len(), end.as_ptr(), end.len(), &mut iter);
    if code != 0 {
        return Ok((code, 0));
    }
    let mut second = 0;
    let other = raw::datastore_btree_scan_bsatn(index, prefix_bytes.as_ptr(), prefix_bytes.len(), prefix.len() as u32,
        start.as_ptr(), start.len(), end.as_ptr(), end.len(), &mut second);
    same("older name of the scan", other, 0)?;
    let bytes = drain(iter)?;
    same("older name, same rows", drain(second)?, bytes.clone())?;
    Ok((0, bytes.len() / 16))
}

unsafe fn drain(iter: u32) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    let mut buffer = vec![0u8; 1];
    loop {
        let mut len = buffer.len();
        match raw::row_iter_bsatn_advance(iter, buffer.as_mut_ptr(), &mut len) {
            11 => {
                if len <= buffer.len() {
                    return Err(format!("buffer of {} too small, {len} asked for", buffer.len()));
                }
                buffer = vec![0u8; len];
            }
            code @ (0 | -1) => {
                all.extend_from_slice(&buffer[..len]);
                if code == -1 {
                    same("an iterator that ended", raw::row_iter_bsatn_close(iter), 6)?;
                    return Ok(all);
                }
            }
            code => return Err(format!("advance: {code}")),
        }
    }
}

unsafe fn insert(table: u32, row: &[u32]) -> (u32, Vec<u8>) {
    let mut bytes = bsatn(row);
    let mut len = bytes.len();
    let code = raw::datastore_insert_bsatn(table, bytes.as_mut_ptr(), &mut len);
    bytes.truncate(if code == 0 { len } else { 0 });
    (code, bytes)
}

unsafe fn update(table: u32, index: u32, row: &[u32]) -> u32 {
    let mut bytes = bsatn(row);
    let mut len = bytes.len();
    raw::datastore_update_bsatn(table, index, bytes.as_mut_ptr(), &mut len)
}

/// Fails at the first import that does not do what it should.
#[reducer]
pub fn check_abi(ctx: &ReducerContext) -> Result<(), String> {
    let (mut out, mut long, mut len) = (0u32, 0u64, 0usize);
    unsafe {
        let (table, by_id, by_code, by_a_b) = abi_ids()?;
        same("no table", raw::table_id_from_name("nobody".as_ptr(), 6, &mut out), 4)?;
        same("no index", raw::index_id_from_name("nobody".as_ptr(), 6, &mut out), 5)?;
        same("rows of no table", raw::datastore_table_row_count(999_999, &mut long), 4)?;
        same("scan of no table", raw::datastore_table_scan_bsatn(999_999, &mut out), 4)?;
        same("scan of no index", scan(999_999, &[], &bound(2, 0), &bound(2, 0))?.0, 5)?;
        same("no iterator", raw::row_iter_bsatn_advance(999_999, std::ptr::null_mut(), std::ptr::null_mut()), 6)?;
        same("close no iterator", raw::row_iter_bsatn_close(999_999), 6)?;
        same("no source", raw::bytes_source_read(999_999, [0u8].as_mut_ptr(), &mut len), 8)?;
        same("source 0", raw::bytes_source_read(0, [0u8].as_mut_ptr(), &mut len), 8)?;
        same("no sink", raw::bytes_sink_write(999_999, [0u8].as_ptr(), &mut len), 8)?;
        same("no timer", raw::console_timer_end(999_999), 7)?;

        // Insert: generated columns come back, and those only.
        let (code, generated) = insert(table, &[0, 1, 1, 1]);
        same("insert", (code, generated.len()), (0, 4))?;
        let first = u32::from_le_bytes(generated.try_into().unwrap());
        same("nothing generated", insert(table, &[70_000, 2, 1, 2]), (0, vec![]))?;
        same("taken id", insert(table, &[70_000, 3, 1, 2]).0, 12)?;
        same("taken code", insert(table, &[70_001, 2, 1, 2]).0, 12)?;
        same("the same row", insert(table, &[70_000, 2, 1, 2]).0, 0)?;
        same("insert", insert(table, &[70_001, 3, 2, 1]).0, 0)?;
        same("rows", raw::datastore_table_row_count(table, &mut long), 0)?;
        same("three rows", long, 3)?;

        // Scans.
        same("all", scan(by_a_b, &[], &bound(2, 0), &bound(2, 0))?, (0, 3))?;
        same("a = 1", scan(by_a_b, &[], &bound(0, 1), &bound(0, 1))?, (0, 2))?;
        same("a < 2", scan(by_a_b, &[], &bound(2, 0), &bound(1, 2))?, (0, 2))?;
        same("a = 1, b > 1", scan(by_a_b, &[1], &bound(1, 1), &bound(2, 0))?, (0, 1))?;
        same("a = 1, any b", scan(by_a_b, &[1], &bound(2, 0), &bound(2, 0))?, (0, 2))?;
        same("lower above upper", scan(by_a_b, &[], &bound(0, 2), &bound(0, 1))?, (0, 0))?;
        same("nothing between", scan(by_a_b, &[], &bound(1, 1), &bound(1, 1))?, (0, 0))?;
        same("prefix too long", scan(by_a_b, &[1, 1], &bound(2, 0), &bound(2, 0))?.0, 3)?;
        same("prefix on one column", scan(by_id, &[1], &bound(2, 0), &bound(2, 0))?.0, 3)?;
        same("bad bound", scan(by_a_b, &[], &[3], &bound(2, 0))?.0, 3)?;
        same("short bound", scan(by_a_b, &[], &[0, 1], &bound(2, 0))?.0, 3)?;

        // An iterator shows what was there when it was made.
        same("scan", raw::datastore_table_scan_bsatn(table, &mut out), 0)?;
        same("insert", insert(table, &[70_002, 4, 2, 2]).0, 0)?;
        same("snapshot", drain(out)?.len() / 16, 3)?;
        same("scan", raw::datastore_table_scan_bsatn(table, &mut out), 0)?;
        same("close", raw::row_iter_bsatn_close(out), 0)?;
        same("closed", raw::row_iter_bsatn_close(out), 6)?;

        // Updates.
        same("update", update(table, by_id, &[70_002, 4, 3, 3]), 0)?;
        same("update by code", update(table, by_code, &[70_003, 4, 3, 3]), 0)?;
        same("no such row", update(table, by_id, &[80_000, 9, 9, 9]), 15)?;
        same("other unique column", update(table, by_id, &[70_003, 2, 3, 3]), 12)?;
        same("index is not unique", update(table, by_a_b, &[70_003, 4, 3, 3]), 14)?;
        same("no such index", update(table, 999_999, &[70_003, 4, 3, 3]), 5)?;
        let pile = "pile_id_idx_btree";
        same("index of pile", raw::index_id_from_name(pile.as_ptr(), pile.len(), &mut out), 0)?;
        same("index of another table", update(table, out, &[70_003, 4, 3, 3]), 5)?;

        // Deletes.
        let mut rows = bsatn(&[2]);
        rows.extend(bsatn(&[70_003, 4, 3, 3, 70_003, 4, 3, 4]));
        same("delete rows", raw::datastore_delete_all_by_eq_bsatn(table, rows.as_ptr(), rows.len(), &mut out), 0)?;
        same("one of them was there", out, 1)?;
        same("half a row", raw::datastore_delete_all_by_eq_bsatn(table, rows.as_ptr(), rows.len() - 1, &mut out), 3)?;
        let (low, none) = (bound(0, 2), bound(2, 0));
        same("delete a >= 2", raw::datastore_delete_by_index_scan_range_bsatn(by_a_b, [0u8].as_ptr(), 0, 0, low.as_ptr(),
            low.len(), none.as_ptr(), none.len(), &mut out), 0)?;
        same("one row", out, 1)?;
        same("delete all", raw::datastore_delete_by_btree_scan_bsatn(by_a_b, [0u8].as_ptr(), 0, 0, none.as_ptr(), none.len(),
            none.as_ptr(), none.len(), &mut out), 0)?;
        same("two rows", out, 2)?;
        same("none is left", ctx.db.abi_row().count(), 0)?;
        same("sequence", ctx.db.abi_row().insert(AbiRow { id: 0, code: 1, a: 1, b: 1 }).id > first, true)?;
        ctx.db.abi_row().code().delete(1);

        // Who am I, and what have I to say.
        let mut own = [0u8; 32];
        raw::identity(own.as_mut_ptr());
        same("identity", Identity::from_byte_array(own), database(ctx))?;
        let text = "said directly";
        raw::console_log(1, std::ptr::null(), 0, std::ptr::null(), 0, u32::MAX, text.as_ptr(), text.len());
        raw::console_log(2, text.as_ptr(), 4, text.as_ptr(), 4, 7, [0xffu8, b'!'].as_ptr(), 2);
        let timer = raw::console_timer_start(text.as_ptr(), text.len());
        same("timer", raw::console_timer_end(timer), 0)?;
        same("timer ended", raw::console_timer_end(timer), 7)?;
        raw::volatile_nonatomic_schedule_immediate("nobody".as_ptr(), 6, text.as_ptr(), 0);
    }
    check_abi_of_crate(ctx)
}

/// Calls that must end the reducer.
#[reducer]
pub fn trap_by_import(_ctx: &ReducerContext, how: String) {
    let mut out = 0;
    unsafe {
        let code = match how.as_str() {
            "null" => raw::table_id_from_name(std::ptr::null(), 0, &mut out),
            "out of bounds" => raw::table_id_from_name(usize::MAX as *const u8, 4, &mut out),
            "long" => raw::table_id_from_name([0u8].as_ptr(), usize::MAX, &mut out),
            "utf8" => raw::table_id_from_name([0xffu8].as_ptr(), 1, &mut out),
            "bad out" => raw::table_id_from_name("pile".as_ptr(), 4, (usize::MAX - 1) as *mut u32),
            "many elements" => raw::datastore_index_scan_range_bsatn(1, [0u8].as_ptr(), 0, 65_536, [2u8].as_ptr(), 1,
                [2u8].as_ptr(), 1, &mut out),
            _ => 0,
        };
        log::info!("{how} went on with {code}");
    }
}
