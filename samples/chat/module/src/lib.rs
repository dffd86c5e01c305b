//! A chat room: users who are online or offline, and the messages they sent.
use spacetimedb::{reducer, table, Identity, ReducerContext, Table, Timestamp};

const MAX_NAME: usize = 32;
const MAX_TEXT: usize = 2000;

/// Everybody who was ever connected. The name is `None` until it is set.
#[table(accessor = user, public)]
pub struct User {
    #[primary_key]
    identity: Identity,
    name: Option<String>,
    online: bool,
}

/// What was said, in the order of `id`.
#[table(accessor = message, public)]
pub struct Message {
    #[primary_key]
    #[auto_inc]
    id: u64,
    sender: Identity,
    sent: Timestamp,
    text: String,
}

#[reducer(init)]
pub fn init(_ctx: &ReducerContext) {
    log::info!("the chat is open");
}

#[reducer(client_connected)]
pub fn client_connected(ctx: &ReducerContext) {
    let users = ctx.db.user();
    match users.identity().find(ctx.sender()) {
        Some(user) => {
            users.identity().update(User { online: true, ..user });
        }
        None => {
            users.insert(User { identity: ctx.sender(), name: None, online: true });
        }
    }
}

#[reducer(client_disconnected)]
pub fn client_disconnected(ctx: &ReducerContext) {
    match ctx.db.user().identity().find(ctx.sender()) {
        Some(user) => {
            ctx.db.user().identity().update(User { online: false, ..user });
        }
        None => log::warn!("{} left without having come", ctx.sender()),
    }
}

/// Gives the caller a name: 1 to 32 characters, not somebody else's.
#[reducer]
pub fn set_name(ctx: &ReducerContext, name: String) -> Result<(), String> {
    let name = checked(&name, "name", MAX_NAME)?;
    let users = ctx.db.user();
    if users.iter().any(|other| other.identity != ctx.sender() && other.name.as_deref() == Some(name)) {
        return Err(format!("the name {name} is taken"));
    }
    let user = users.identity().find(ctx.sender()).ok_or("connect before you set a name")?;
    log::info!("{} is now called {name}", ctx.sender());
    users.identity().update(User { name: Some(name.to_owned()), ..user });
    Ok(())
}

/// Says something: 1 to 2000 characters.
#[reducer]
pub fn send_message(ctx: &ReducerContext, text: String) -> Result<(), String> {
    let text = checked(&text, "message", MAX_TEXT)?;
    ctx.db.message().insert(Message { id: 0, sender: ctx.sender(), sent: ctx.timestamp, text: text.to_owned() });
    Ok(())
}

/// The text without white space around it, if it has 1 to `max` characters.
fn checked<'a>(text: &'a str, what: &str, max: usize) -> Result<&'a str, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("the {what} is empty"));
    }
    if text.chars().count() > max {
        return Err(format!("the {what} is longer than {max} characters"));
    }
    Ok(text)
}
