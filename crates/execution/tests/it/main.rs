//! Integration tests of the state transition.

mod eest;
