//! Declares an HTTP handler and its route, and nothing else out of the ordinary.
use spacetimedb::http::{handler, router, Body, HandlerContext, Request, Response, Router};

#[handler]
fn hello(_ctx: &mut HandlerContext, _request: Request) -> Response {
    Response::new(Body::from_bytes("hello"))
}

#[router]
fn routes() -> Router {
    Router::new().get("/hello", hello)
}
