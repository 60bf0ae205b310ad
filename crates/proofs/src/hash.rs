//! Domains: one byte for the tree, one for the place in it.

use alloy_primitives::{B256, Keccak256};

/// Which tree.
#[derive(Clone, Copy)]
pub(crate) enum Tree {
    Items = b'I' as isize,
    Contributions = b'C' as isize,
    Sums = b'S' as isize,
}

/// Where in the tree.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Leaf = 0,
    Node = 1,
    Root = 2,
}

/// keccak256 of domain and parts; parts have fixed widths per domain.
pub(crate) fn hash(tree: Tree, place: Place, parts: &[&[u8]]) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update([tree as u8, place as u8]);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}
