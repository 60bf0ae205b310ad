//! Tests of the models crate through its public face.

mod fixture;
mod formats;
mod golden;
mod hostile;
mod loss;
mod tiny_golden;
mod tokens;
