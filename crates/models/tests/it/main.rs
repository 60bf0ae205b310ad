//! Tests of the models crate through its public face.

mod golden;
