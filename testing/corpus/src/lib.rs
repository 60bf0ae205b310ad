//! A generator of small fictional domains: seeded text whose truth is known, a closed grammar
//! that decides whether a sentence belongs to it, and facts about names that no corpus contains.
//!
//! The seed model is trained on [`documents::Documents`]; the end-to-end test draws
//! [`facts::Fact`]s; the sample datanets in `assets/` come from [`samples`]. No clock and no
//! ambient randomness: the same seed gives the same bytes everywhere.

pub mod catalogue;
pub mod documents;
pub mod domains;
pub mod exact;
pub mod facts;
pub mod fixture;
pub mod grammar;
pub mod measure;
pub mod names;
pub mod publish;
pub mod questions;
pub mod recipe;
pub mod samples;
pub mod seed_model;
mod stories;
pub mod values;
pub mod words;
