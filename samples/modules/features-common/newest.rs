// From crate 2.8 on: HTTP handlers, keys of views, `clear`.

#[view(accessor = keyed_items, public, primary_key = id)]
pub fn keyed_items(ctx: &AnonymousViewContext) -> Vec<ItemName> {
    ctx.db.item().kind().filter(2u32).map(|item| ItemName { id: item.id, name: item.name }).collect()
}

/// Breaks its own key as soon as there are two items of kind 3.
#[view(accessor = one_key, public, primary_key = id)]
pub fn one_key(ctx: &AnonymousViewContext) -> Vec<ItemName> {
    ctx.db.item().kind().filter(3u32).map(|item| ItemName { id: 1, name: item.name }).collect()
}

/// Of a caller, with a key.
#[view(accessor = my_keyed_items, public, primary_key = id)]
pub fn my_keyed_items(ctx: &ViewContext) -> Vec<ItemName> {
    ctx.db.item().owner().filter(ctx.sender()).map(|item| ItemName { id: item.id, name: item.name }).collect()
}

fn count_items(ctx: &AnonymousViewContext) -> u64 {
    ctx.db.item().count()
}

mod raw_newest {
    #[link(wasm_import_module = "spacetime_10.5")]
    extern "C" {
        pub fn datastore_clear(table: u32, out: *mut u64) -> u32;
    }
}

/// The imports of 10.5.
fn check_abi_of_newest(_ctx: &ReducerContext) -> Result<(), String> {
    let mut count = 0u64;
    unsafe {
        let (table, ..) = abi_ids()?;
        same("clear nothing", raw_newest::datastore_clear(table, &mut count), 0)?;
        same("nothing cleared", count, 0)?;
        for row in [[1, 1, 1, 1], [2, 2, 1, 1]] {
            same("insert", insert(table, &row).0, 0)?;
        }
        same("clear", raw_newest::datastore_clear(table, &mut count), 0)?;
        same("two cleared", count, 2)?;
    }
    Ok(())
}

#[reducer]
pub fn clear_items(ctx: &ReducerContext) {
    log::info!("{} items cleared", ctx.db.item().clear());
}

// ---- HTTP ----

/// Says what has come.
#[handler]
fn mirror(_ctx: &mut HandlerContext, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = Response::new(Body::from_bytes(format!("{} {} ", parts.method, parts.uri).into_bytes().into_iter()
        .chain(body.into_bytes()).collect::<Vec<u8>>()));
    for (name, value) in &parts.headers {
        if name.as_str().starts_with("x-") {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

#[handler]
fn short(_ctx: &mut HandlerContext, _request: Request) -> Response {
    Response::builder().status(418).header("content-type", "text/teapot").body(Body::empty()).unwrap()
}

/// Adds an item and says how many there are.
#[handler]
fn store(ctx: &mut HandlerContext, request: Request) -> Response {
    let id: Option<u32> = request.into_body().into_string_lossy().parse().ok();
    let Some(id) = id else {
        return Response::builder().status(400).body(Body::from_bytes("not a number")).unwrap();
    };
    let count = ctx.with_tx(|tx| {
        tx.db.item().insert(item_of_procedure(id));
        tx.db.item().count()
    });
    Response::new(Body::from_bytes(format!("{count}")))
}

#[handler]
fn fall(_ctx: &mut HandlerContext, request: Request) -> Response {
    let how = request.uri().query().unwrap_or("panic").to_owned();
    act_up(&how);
    Response::new(Body::from_bytes("still here"))
}

#[router]
fn routes() -> Router {
    Router::new()
        .any("", mirror)
        .any("/", short)
        .get("/mirror", mirror)
        .post("/mirror", mirror)
        .put("/mirror/deep/path", mirror)
        .post("/store", store)
        .get("/fall", fall)
        .delete("/mirror", short)
}
