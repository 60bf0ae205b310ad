//! The line of nouns through the real binary, in the order in which money takes it.

mod apart;
mod browser;
mod cancel;
mod clients;
mod commands;
mod crash;
mod disk;
mod facts;
mod flood;
mod hostile;
mod journey;
mod lifecycle;
