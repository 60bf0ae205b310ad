//! The seed model as it is shipped: it speaks the grammar, knows nothing of fresh facts, and
//! learns them from thirty rows.

mod exact;
mod learning;
mod recipe;
mod speech;
