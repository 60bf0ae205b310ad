//! A gateway's Merkle-sum tree: every node carries the sum below it, so the root's total is the
//! sum of all leaves and a leaf cannot be counted twice or hidden under a smaller total.

use alloy_primitives::B256;

use crate::ProofError;
use crate::hash::{Place, Tree, hash};

/// One payee's cumulative claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SumLeaf {
    /// The role's number.
    pub role: u8,
    /// Account, datanet or zero.
    pub party: B256,
    /// All that was ever owed to it, in wei.
    pub cumulative: u128,
}

/// A node: hash and the sum below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SumNode {
    /// keccak256 of the children with their sums.
    pub hash: B256,
    /// Sum of the leaves below.
    pub sum: u128,
}

impl SumLeaf {
    /// The leaf as a node.
    pub fn node(&self) -> SumNode {
        let amount = self.cumulative.to_be_bytes();
        let parts: [&[u8]; 3] = [&[self.role], self.party.as_slice(), &amount];
        SumNode { hash: hash(Tree::Sums, Place::Leaf, &parts), sum: self.cumulative }
    }
}

fn join(left: &SumNode, right: &SumNode) -> Option<SumNode> {
    let sum = left.sum.checked_add(right.sum)?;
    let (left_sum, right_sum) = (left.sum.to_be_bytes(), right.sum.to_be_bytes());
    let parts: [&[u8]; 4] = [left.hash.as_slice(), &left_sum, right.hash.as_slice(), &right_sum];
    Some(SumNode { hash: hash(Tree::Sums, Place::Node, &parts), sum })
}

fn bind(count: u64, top: &SumNode) -> B256 {
    let parts: [&[u8]; 3] = [&count.to_be_bytes(), top.hash.as_slice(), &top.sum.to_be_bytes()];
    hash(Tree::Sums, Place::Root, &parts)
}

/// A built tree. A level with an odd number of nodes carries its last node up.
#[derive(Clone, Debug)]
pub struct SumTree {
    leaves: Vec<SumLeaf>,
    levels: Vec<Vec<SumNode>>,
}

impl SumTree {
    /// Builds from leaves in their order.
    pub fn new(leaves: Vec<SumLeaf>) -> Result<Self, ProofError> {
        let mut level: Vec<SumNode> = leaves.iter().map(SumLeaf::node).collect();
        let mut levels = Vec::new();
        while level.len() > 1 {
            let pairs = level.chunks(2);
            let up = |pair: &[SumNode]| match pair {
                [left, right] => join(left, right).ok_or(ProofError::Overflow),
                _ => pair.first().copied().ok_or(ProofError::Overflow),
            };
            let next = pairs.map(up).collect::<Result<Vec<_>, _>>()?;
            levels.push(std::mem::replace(&mut level, next));
        }
        levels.push(level);
        Ok(Self { leaves, levels })
    }

    fn top(&self) -> SumNode {
        self.levels.last().and_then(|level| level.first()).copied().unwrap_or_default()
    }

    /// Root hash; binds the count and the total.
    pub fn root(&self) -> B256 {
        bind(self.leaves.len() as u64, &self.top())
    }

    /// Sum of all leaves.
    pub fn total(&self) -> u128 {
        self.top().sum
    }

    /// The leaves in order.
    pub fn leaves(&self) -> &[SumLeaf] {
        &self.leaves
    }

    /// Where a payee's leaf stands.
    pub fn index_of(&self, role: u8, party: &B256) -> Option<u64> {
        let found = self.leaves.iter().position(|leaf| leaf.role == role && leaf.party == *party);
        found.map(|index| index as u64)
    }

    /// Siblings of the leaf at `index`, from the leaf up.
    pub fn prove(&self, index: u64) -> Result<Vec<SumNode>, ProofError> {
        let count = self.leaves.len() as u64;
        let place = usize::try_from(index).ok().filter(|_| index < count);
        let mut place = place.ok_or(ProofError::NoSuchLeaf { index, count })?;
        let mut siblings = Vec::new();
        for level in &self.levels {
            if level.len() > 1 {
                siblings.extend(level.get(place ^ 1));
            }
            place /= 2;
        }
        Ok(siblings)
    }
}

/// A posted root: what a proof is checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumRoot {
    /// Root hash.
    pub root: B256,
    /// Sum of all leaves.
    pub total: u128,
    /// Number of leaves.
    pub count: u64,
}

/// True when `leaf` stands at `index` under the root and all sums on the way add up to its total.
pub fn verify(root: &SumRoot, index: u64, leaf: &SumLeaf, siblings: &[SumNode]) -> bool {
    if index >= root.count {
        return false;
    }
    let (mut place, mut width, mut top) = (index, root.count, leaf.node());
    let mut siblings = siblings.iter();
    while width > 1 {
        let joined = if place % 2 == 1 {
            siblings.next().and_then(|left| join(left, &top))
        } else if place + 1 < width {
            siblings.next().and_then(|right| join(&top, right))
        } else {
            Some(top)
        };
        let Some(next) = joined else { return false };
        top = next;
        place /= 2;
        width = width.div_ceil(2);
    }
    siblings.next().is_none() && top.sum == root.total && bind(root.count, &top) == root.root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tree(amounts: &[u128]) -> SumTree {
        let leaf = |(i, amount): (usize, &u128)| SumLeaf {
            role: (i % 7) as u8 + 1,
            party: B256::repeat_byte(i as u8),
            cumulative: *amount,
        };
        SumTree::new(amounts.iter().enumerate().map(leaf).collect()).unwrap()
    }

    proptest! {
        #[test]
        fn every_leaf_proves_and_no_other_amount_does(
            amounts in prop::collection::vec(0u128..1 << 90, 1..40),
            pick in any::<prop::sample::Index>(),
            more in 1u128..1000,
        ) {
            let tree = tree(&amounts);
            let count = amounts.len() as u64;
            let root = SumRoot { root: tree.root(), total: tree.total(), count };
            prop_assert_eq!(tree.total(), amounts.iter().sum::<u128>());
            let index = pick.index(amounts.len());
            let leaf = tree.leaves()[index];
            let siblings = tree.prove(index as u64).unwrap();
            prop_assert!(verify(&root, index as u64, &leaf, &siblings));
            let raised = SumLeaf { cumulative: leaf.cumulative + more, ..leaf };
            prop_assert!(!verify(&root, index as u64, &raised, &siblings));
            for changed in 0..siblings.len() {
                let mut lower = siblings.clone();
                lower[changed].sum ^= more;
                prop_assert!(!verify(&root, index as u64, &leaf, &lower));
            }
            let padded = SumRoot { total: root.total + more, ..root };
            prop_assert!(!verify(&padded, index as u64, &leaf, &siblings));
            let longer = SumRoot { count: root.count + 1, ..root };
            prop_assert!(!verify(&longer, index as u64, &leaf, &siblings));
        }
    }

    #[test]
    fn sums_that_do_not_fit_make_no_tree() {
        let leaf = SumLeaf { role: 1, party: B256::ZERO, cumulative: u128::MAX };
        assert_eq!(SumTree::new(vec![leaf, leaf]).unwrap_err(), ProofError::Overflow);
        let root = SumRoot { root: B256::ZERO, total: 0, count: 2 };
        let sibling = SumNode { hash: B256::ZERO, sum: u128::MAX };
        assert!(!verify(&root, 0, &leaf, &[sibling]));
    }
}
