//! Integration tests of the store: a process of its own that is killed or runs out of disk.

mod process;
