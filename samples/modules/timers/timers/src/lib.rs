//! Scheduled reducers, and lifecycle reducers, that write down what they see.
include!("../../common.rs");
