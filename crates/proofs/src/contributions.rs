//! The append-only tree of a datanet's accepted contributions: depth 32, empty places hash as
//! zero leaves, the chain keeps only the frontier.

use alloy_primitives::{Address, B256};

use crate::ProofError;
use crate::hash::{Place, Tree, hash};

/// Levels between a leaf and the root.
pub const DEPTH: usize = 32;

/// What a snapshot says about one contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContributionLeaf {
    /// Its id.
    pub contribution: u64,
    /// Who made it.
    pub contributor: Address,
    /// Root over its records.
    pub items_root: B256,
    /// How many records.
    pub item_count: u64,
}

impl ContributionLeaf {
    /// The leaf's hash.
    pub fn hash(&self) -> B256 {
        let id = self.contribution.to_be_bytes();
        let count = self.item_count.to_be_bytes();
        let parts: [&[u8]; 4] =
            [&id, self.contributor.as_slice(), self.items_root.as_slice(), &count];
        hash(Tree::Contributions, Place::Leaf, &parts)
    }
}

fn node(left: &B256, right: &B256) -> B256 {
    hash(Tree::Contributions, Place::Node, &[left.as_slice(), right.as_slice()])
}

/// Hashes of empty subtrees, leaf level first.
pub fn empty_subtrees() -> [B256; DEPTH + 1] {
    let mut empty = [B256::ZERO; DEPTH + 1];
    for level in 0..DEPTH {
        empty[level + 1] = node(&empty[level], &empty[level]);
    }
    empty
}

/// The right edge of the tree: all that appending needs. `left[i]` is the last full subtree of
/// height `i`, meaningful where bit `i` of `count` is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    /// Leaves so far.
    pub count: u64,
    /// Last full subtree per height.
    pub left: [B256; DEPTH],
}

impl Default for Frontier {
    fn default() -> Self {
        Self { count: 0, left: [B256::ZERO; DEPTH] }
    }
}

impl Frontier {
    /// Appends a leaf hash. Returns the height at which `left` changed.
    pub fn append(&mut self, leaf: B256) -> Result<usize, ProofError> {
        if self.count >> DEPTH != 0 || self.count == (1 << DEPTH) - 1 {
            return Err(ProofError::Full);
        }
        let height = self.count.trailing_ones() as usize;
        let mut top = leaf;
        for left in self.left.iter().take(height) {
            top = node(left, &top);
        }
        if let Some(place) = self.left.get_mut(height) {
            *place = top;
        }
        self.count += 1;
        Ok(height)
    }

    /// Root over the leaves so far.
    pub fn root(&self) -> B256 {
        let mut empty = B256::ZERO;
        let mut top = B256::ZERO;
        for (height, left) in self.left.iter().enumerate() {
            top = if self.count >> height & 1 == 1 { node(left, &top) } else { node(&top, &empty) };
            empty = node(&empty, &empty);
        }
        top
    }
}

/// Root over all leaves.
pub fn root(leaves: &[ContributionLeaf]) -> Result<B256, ProofError> {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.append(leaf.hash())?;
    }
    Ok(frontier.root())
}

/// The 32 siblings of the leaf at `index`, from the leaf up.
pub fn prove(leaves: &[ContributionLeaf], index: u64) -> Result<Vec<B256>, ProofError> {
    let count = leaves.len() as u64;
    if index >= count {
        return Err(ProofError::NoSuchLeaf { index, count });
    }
    let mut place = usize::try_from(index).map_err(|_| ProofError::Overflow)?;
    let mut level: Vec<B256> = leaves.iter().map(ContributionLeaf::hash).collect();
    let mut siblings = Vec::with_capacity(DEPTH);
    for empty in empty_subtrees().iter().take(DEPTH) {
        siblings.push(level.get(place ^ 1).copied().unwrap_or(*empty));
        let pairs = level.chunks(2);
        let pair_hash = |pair: &[B256]| match pair {
            [left, right] => node(left, right),
            [left] => node(left, empty),
            _ => B256::ZERO,
        };
        level = pairs.map(pair_hash).collect();
        place /= 2;
    }
    Ok(siblings)
}

/// True when `leaf` stands at `index` under `root`.
pub fn verify(root: &B256, index: u64, leaf: &ContributionLeaf, siblings: &[B256]) -> bool {
    if siblings.len() != DEPTH || index >> DEPTH != 0 {
        return false;
    }
    let mut top = leaf.hash();
    for (height, sibling) in siblings.iter().enumerate() {
        top = if index >> height & 1 == 1 { node(sibling, &top) } else { node(&top, sibling) };
    }
    top == *root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaves(count: usize) -> Vec<ContributionLeaf> {
        let leaf = |i: usize| ContributionLeaf {
            contribution: i as u64 + 1,
            contributor: Address::repeat_byte(i as u8),
            items_root: B256::repeat_byte(i as u8 ^ 0x55),
            item_count: i as u64 * 7 + 1,
        };
        (0..count).map(leaf).collect()
    }

    /// Slow and obvious: the whole tree to a small depth, then padded up.
    fn naive_root(leaves: &[ContributionLeaf]) -> B256 {
        let empty = empty_subtrees();
        let mut level: Vec<B256> = leaves.iter().map(ContributionLeaf::hash).collect();
        for height in 0..DEPTH {
            if level.len() % 2 == 1 {
                level.push(empty[height]);
            }
            level = level.chunks(2).map(|pair| node(&pair[0], &pair[1])).collect();
        }
        level.first().copied().unwrap_or(empty[DEPTH])
    }

    proptest! {
        #[test]
        fn the_frontier_agrees_with_the_whole_tree(count in 0usize..70) {
            prop_assert_eq!(root(&leaves(count)).unwrap(), naive_root(&leaves(count)));
        }

        #[test]
        fn every_contribution_proves_and_no_changed_one_does(
            count in 1usize..40,
            pick in any::<prop::sample::Index>(),
        ) {
            let leaves = leaves(count);
            let root = root(&leaves).unwrap();
            let index = pick.index(count);
            let siblings = prove(&leaves, index as u64).unwrap();
            prop_assert!(verify(&root, index as u64, &leaves[index], &siblings));
            prop_assert!(!verify(&root, index as u64 + 1, &leaves[index], &siblings));
            prop_assert!(!verify(&root, index as u64, &leaves[index], &siblings[1..]));
            let item_count = leaves[index].item_count + 1;
            let changed = ContributionLeaf { item_count, ..leaves[index] };
            prop_assert!(!verify(&root, index as u64, &changed, &siblings));
        }
    }
}
