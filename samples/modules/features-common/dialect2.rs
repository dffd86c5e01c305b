// How crates from 2.0 on say it.

fn sender(ctx: &ReducerContext) -> Identity {
    ctx.sender()
}

fn connection(ctx: &ReducerContext) -> Option<ConnectionId> {
    ctx.connection_id()
}

fn viewer(ctx: &ViewContext) -> Identity {
    ctx.sender()
}

fn caller(ctx: &ProcedureContext) -> Identity {
    ctx.sender()
}

fn client(ctx: &ProcedureContext) -> Option<ConnectionId> {
    ctx.connection_id()
}
