//! The records of one contribution: leaves are record ids in the order of the file. A level with
//! an odd number of nodes carries its last node up; the root binds the count.

use alloy_primitives::B256;

use crate::ProofError;
use crate::hash::{Place, Tree, hash};

fn leaf(record: &B256) -> B256 {
    hash(Tree::Items, Place::Leaf, &[record.as_slice()])
}

fn node(left: &B256, right: &B256) -> B256 {
    hash(Tree::Items, Place::Node, &[left.as_slice(), right.as_slice()])
}

fn bind(count: u64, top: &B256) -> B256 {
    hash(Tree::Items, Place::Root, &[&count.to_be_bytes(), top.as_slice()])
}

fn parents(level: &[B256]) -> Vec<B256> {
    let pairs = level.chunks(2);
    pairs.map(|pair| if let [left, right] = pair { node(left, right) } else { pair[0] }).collect()
}

/// Root over record ids. Zero records have a root too.
pub fn root(records: &[B256]) -> B256 {
    let mut level: Vec<B256> = records.iter().map(leaf).collect();
    while level.len() > 1 {
        level = parents(&level);
    }
    bind(records.len() as u64, &level.first().copied().unwrap_or_default())
}

/// Siblings of the record at `index`, from the leaf up.
pub fn prove(records: &[B256], index: u64) -> Result<Vec<B256>, ProofError> {
    let count = records.len() as u64;
    if index >= count {
        return Err(ProofError::NoSuchLeaf { index, count });
    }
    let mut place = usize::try_from(index).map_err(|_| ProofError::Overflow)?;
    let mut level: Vec<B256> = records.iter().map(leaf).collect();
    let mut siblings = Vec::new();
    while level.len() > 1 {
        siblings.extend(level.get(place ^ 1));
        level = parents(&level);
        place /= 2;
    }
    Ok(siblings)
}

/// True when `record` is the leaf at `index` of the `count` leaves under `root`.
pub fn verify(root: &B256, count: u64, index: u64, record: &B256, siblings: &[B256]) -> bool {
    if index >= count {
        return false;
    }
    let (mut place, mut width, mut top) = (index, count, leaf(record));
    let mut siblings = siblings.iter();
    while width > 1 {
        if place % 2 == 1 {
            let Some(left) = siblings.next() else { return false };
            top = node(left, &top);
        } else if place + 1 < width {
            let Some(right) = siblings.next() else { return false };
            top = node(&top, right);
        }
        place /= 2;
        width = width.div_ceil(2);
    }
    siblings.next().is_none() && bind(count, &top) == *root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn records(count: usize) -> Vec<B256> {
        (0..count).map(|i| alloy_primitives::keccak256(i.to_be_bytes())).collect()
    }

    proptest! {
        #[test]
        fn every_record_proves_and_nothing_else_does(
            count in 1usize..40,
            pick in any::<prop::sample::Index>(),
            flip in 0usize..256,
        ) {
            let records = records(count);
            let (root, index) = (root(&records), pick.index(count));
            let siblings = prove(&records, index as u64).unwrap();
            type Siblings<'a> = &'a [B256];
            let holds = |root: &B256, count: usize, index: usize, record: &B256, up: Siblings<'_>| {
                verify(root, count as u64, index as u64, record, up)
            };
            prop_assert!(holds(&root, count, index, &records[index], &siblings));
            prop_assert!(!holds(&root, count + 1, index, &records[index], &siblings));
            prop_assert!(!holds(&root, count, index + 1, &records[index], &siblings));
            let mut wrong = records[index];
            wrong[flip / 8] ^= 1 << (flip % 8);
            prop_assert!(!holds(&root, count, index, &wrong, &siblings));
            let mut longer = siblings.clone();
            longer.push(B256::ZERO);
            prop_assert!(!holds(&root, count, index, &records[index], &longer));
            if let Some((_, shorter)) = siblings.split_last() {
                prop_assert!(!holds(&root, count, index, &records[index], shorter));
            }
        }
    }

    #[test]
    fn order_and_count_change_the_root() {
        let mut all = records(3);
        let before = root(&all);
        all.swap(0, 1);
        assert_ne!(root(&all), before);
        assert_ne!(root(&records(2)), root(&records(3)));
        assert_ne!(root(&[]), B256::ZERO);
        assert_eq!(prove(&[], 0), Err(ProofError::NoSuchLeaf { index: 0, count: 0 }));
    }
}
