//! The line of nouns through the real binary, in the order in which money takes it.

mod browser;
mod clients;
mod commands;
mod facts;
mod journey;
mod lifecycle;
