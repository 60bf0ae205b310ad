//! The gateway behind its router, with a chain and a provider that stand in memory.

mod answers;
mod catalogue;
mod fake;
mod openapi;
mod writes;
