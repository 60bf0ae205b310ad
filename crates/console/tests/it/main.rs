//! Every page over one small network: parsed, and asked for its facts.

mod fixture;
mod live;
mod pages;
