//! The one binary: parse, load configuration, call node or client.

fn main() {}
