//! A little of everything whose effects a model can foretell exactly.
include!("../../common.rs");
