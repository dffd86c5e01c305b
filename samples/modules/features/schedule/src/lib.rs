//! Declares a scheduled reducer and nothing else out of the ordinary.
use spacetimedb::{reducer, table, ReducerContext, ScheduleAt};

#[table(accessor = timer, scheduled(tick))]
pub struct Timer {
    #[primary_key]
    #[auto_inc]
    scheduled_id: u64,
    scheduled_at: ScheduleAt,
}

#[reducer]
pub fn tick(_ctx: &ReducerContext, _timer: Timer) {}
