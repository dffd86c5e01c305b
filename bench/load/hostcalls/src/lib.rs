//! A guest that does nothing but one kind of host call, many times over: what a call across the border costs. The number of
//! the reducer is the kind, its arguments are table id, index id and how often. Without the module library, so that nothing
//! else is measured; it describes no tables, the benchmark makes them.
#![no_std]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

#[link(wasm_import_module = "spacetime_10.0")]
extern "C" {
    fn table_id_from_name(name: *const u8, len: usize, out: *mut u32) -> u16;
    fn datastore_table_row_count(table: u32, out: *mut u64) -> u16;
    fn datastore_table_scan_bsatn(table: u32, out: *mut u32) -> u16;
    fn row_iter_bsatn_advance(iter: u32, buffer: *mut u8, len: *mut usize) -> i16;
    fn row_iter_bsatn_close(iter: u32) -> u16;
    fn datastore_insert_bsatn(table: u32, row: *mut u8, len: *mut usize) -> u16;
    fn datastore_update_bsatn(table: u32, index: u32, row: *mut u8, len: *mut usize) -> u16;
    fn bytes_source_read(source: u32, buffer: *mut u8, len: *mut usize) -> i16;
    fn bytes_sink_write(sink: u32, buffer: *const u8, len: *mut usize) -> u16;
    fn console_log(level: u32, target: *const u8, target_len: usize, file: *const u8, file_len: usize, line: u32, text: *const u8, len: usize);
}

#[link(wasm_import_module = "spacetime_10.4")]
extern "C" {
    fn datastore_index_scan_point_bsatn(index: u32, key: *const u8, len: usize, out: *mut u32) -> u16;
    fn datastore_delete_by_index_scan_point_bsatn(index: u32, key: *const u8, len: usize, out: *mut u32) -> u16;
}

const NAME: &[u8] = b"item";
const TEXT: &[u8] = b"an item with a name of some length";
const ROW: usize = 8 + 4 + 4 + TEXT.len();
static mut BUFFER: [u8; 1 << 16] = [0; 1 << 16];

#[no_mangle]
pub extern "C" fn __describe_module__(sink: u32) {
    let (bytes, mut len) = ([2u8, 0, 0, 0, 0], 5);
    unsafe { bytes_sink_write(sink, bytes.as_ptr(), &mut len) };
}

fn good(errno: u16) {
    if errno != 0 {
        core::arch::wasm32::unreachable()
    }
}

/// The row `{id, grp, name}` of the benchmarks' table.
fn row(id: u64, grp: u32) -> [u8; ROW] {
    let mut row = [0; ROW];
    row[..8].copy_from_slice(&id.to_le_bytes());
    row[8..12].copy_from_slice(&grp.to_le_bytes());
    row[12..16].copy_from_slice(&(TEXT.len() as u32).to_le_bytes());
    row[16..].copy_from_slice(TEXT);
    row
}

/// Takes all rows of an iterator in pieces as large as the buffer; the last piece closes it.
unsafe fn drain(iter: u32) {
    loop {
        let mut len = 1 << 16;
        let end = row_iter_bsatn_advance(iter, &raw mut BUFFER as *mut u8, &mut len);
        if end == -1 {
            return;
        }
        good(end as u16);
    }
}

#[no_mangle]
pub extern "C" fn __call_reducer__(
    kind: u32, _: u64, _: u64, _: u64, _: u64, _: u64, _: u64, time: u64, arguments: u32, _: u32,
) -> i32 {
    let mut given = [0u8; 12];
    let mut len = given.len();
    if arguments != 0 {
        unsafe { bytes_source_read(arguments, given.as_mut_ptr(), &mut len) };
    }
    let word = |i: usize| u32::from_le_bytes([given[i], given[i + 1], given[i + 2], given[i + 3]]);
    let (table, index, times) = (word(0), word(4), word(8));
    // The first of so many ids in a row, somewhere among 100,000.
    let first = 1 + time.wrapping_mul(0x9E3779B97F4A7C15) % (100_000 - times as u64);
    for i in 0..times as u64 {
        unsafe {
            match kind {
                0 => {}
                1 => {
                    let mut out = 0;
                    good(table_id_from_name(NAME.as_ptr(), NAME.len(), &mut out));
                }
                2 => {
                    let mut out = 0;
                    good(datastore_table_row_count(table, &mut out));
                }
                3 => {
                    let (mut row, mut len) = (row(0, i as u32), ROW);
                    good(datastore_insert_bsatn(table, row.as_mut_ptr(), &mut len));
                }
                4 => {
                    let (mut row, mut len) = (row(first + i, i as u32), ROW);
                    good(datastore_update_bsatn(table, index, row.as_mut_ptr(), &mut len));
                }
                5 => {
                    let mut deleted = 0;
                    good(datastore_delete_by_index_scan_point_bsatn(index, (first + i).to_le_bytes().as_ptr(), 8, &mut deleted));
                }
                6 => {
                    let mut iter = 0;
                    good(datastore_index_scan_point_bsatn(index, (first + i).to_le_bytes().as_ptr(), 8, &mut iter));
                    drain(iter);
                }
                7 => {
                    let mut iter = 0;
                    good(datastore_table_scan_bsatn(table, &mut iter));
                    let mut len = 1 << 16;
                    row_iter_bsatn_advance(iter, &raw mut BUFFER as *mut u8, &mut len);
                    good(row_iter_bsatn_close(iter));
                }
                8 => console_log(2, NAME.as_ptr(), NAME.len(), NAME.as_ptr(), NAME.len(), 1, TEXT.as_ptr(), TEXT.len()),
                9 => {
                    let mut iter = 0;
                    good(datastore_table_scan_bsatn(table, &mut iter));
                    drain(iter);
                }
                _ => core::arch::wasm32::unreachable(),
            }
        }
    }
    0
}
