//! Tests of the state transition.
