//! The propose / verify / finalize boundary, and the engine of a committee of one.

mod boundary;
mod cheats;
mod crash;
mod engine;
mod room;
