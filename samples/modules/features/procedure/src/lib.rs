//! Declares a procedure and nothing else out of the ordinary.
use spacetimedb::{procedure, ProcedureContext};

#[procedure]
pub fn sum(_ctx: &mut ProcedureContext, a: u32, b: u32) -> u64 {
    a as u64 + b as u64
}
