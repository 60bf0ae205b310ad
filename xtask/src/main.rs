//! Every script of the project: test, tidy, bench, seed-model, campaigns.

fn main() {}
