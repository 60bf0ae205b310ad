//! Tests of the models crate through its public face.

mod fixture;
mod formats;
mod golden;
mod golden_runs;
mod hostile;
mod loss;

mod tokens;
