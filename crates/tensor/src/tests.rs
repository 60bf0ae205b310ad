//! Tests that cross the files of the crate.

mod agreement;
mod sampling;
mod table_hashes;
