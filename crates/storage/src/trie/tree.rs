//! One Merkle-Patricia trie, opened lazily from its stored nodes, changed in memory.

use super::{NodeSource, NodeUpdates};
use crate::{Result, StorageError};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::{Decodable, Encodable};
use alloy_trie::nodes::{BranchNode, ExtensionNodeRef, LeafNodeRef, RlpNode, TrieNode};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieMask};
use core::mem;
use std::collections::{BTreeMap, BTreeSet};

/// A node in memory. A `Stored` one has not been read yet: its place follows from its path.
#[derive(Debug, Default)]
enum Node {
    #[default]
    Empty,
    Stored(RlpNode),
    Leaf {
        key: Nibbles,
        value: Vec<u8>,
    },
    Extension {
        key: Nibbles,
        child: Box<Node>,
    },
    Branch(Box<[Node; 16]>),
}

/// A trie being changed.
pub(crate) struct Tree<'a, S> {
    source: &'a S,
    owner: Option<B256>,
    root: Node,
    loaded: BTreeMap<Nibbles, Bytes>,
}

impl<'a, S: NodeSource> Tree<'a, S> {
    /// Opens the trie with this root.
    pub(crate) fn new(source: &'a S, owner: Option<B256>, root: B256) -> Self {
        let root = if root == EMPTY_ROOT_HASH {
            Node::Empty
        } else {
            Node::Stored(RlpNode::word_rlp(&root))
        };
        Self { source, owner, root, loaded: BTreeMap::new() }
    }

    /// Writes a value.
    pub(crate) fn insert(&mut self, key: &Nibbles, value: Vec<u8>) -> Result<()> {
        let root = mem::take(&mut self.root);
        self.root = self.insert_at(root, 0, key, value)?;
        Ok(())
    }

    /// Removes a value if it is there.
    pub(crate) fn remove(&mut self, key: &Nibbles) -> Result<()> {
        let root = mem::take(&mut self.root);
        self.root = self.remove_at(root, 0, key)?.0;
        Ok(())
    }

    /// RLP of the nodes from the root towards the key, as far as they exist.
    pub(crate) fn proof(&mut self, key: &Nibbles) -> Result<Vec<Bytes>> {
        let mut proof = Vec::new();
        let mut node = mem::take(&mut self.root);
        let mut depth = 0;
        loop {
            let stored = matches!(&node, Node::Stored(rlp) if rlp.as_hash().is_some());
            let path = key.slice(..depth);
            node = self.resolve(node, &path)?;
            if stored && let Some(rlp) = self.loaded.get(&path) {
                proof.push(rlp.clone());
            }
            match node {
                Node::Branch(mut children) => {
                    let Some(index) = key.get(depth) else { break };
                    node = mem::take(&mut children[usize::from(index)]);
                    depth += 1;
                }
                Node::Extension { key: part, child } if key.slice(depth..).starts_with(&part) => {
                    depth += part.len();
                    node = *child;
                }
                _ => break,
            }
        }
        Ok(proof)
    }

    fn resolve(&mut self, node: Node, path: &Nibbles) -> Result<Node> {
        let Node::Stored(reference) = node else { return Ok(node) };
        let Some(hash) = reference.as_hash() else { return decode(reference.as_slice(), path) };
        let rlp = self.source.node(self.owner, path)?;
        if keccak256(&rlp) != hash {
            return Err(StorageError::corrupt(format!(
                "trie node at {path:?} of {:?} does not hash to {hash}",
                self.owner
            )));
        }
        let node = decode(&rlp, path)?;
        self.loaded.insert(*path, rlp);
        Ok(node)
    }

    fn insert_at(
        &mut self,
        node: Node,
        depth: usize,
        full: &Nibbles,
        value: Vec<u8>,
    ) -> Result<Node> {
        let rest = full.slice(depth..);
        Ok(match self.resolve(node, &full.slice(..depth))? {
            Node::Empty | Node::Stored(_) => Node::Leaf { key: rest, value },
            Node::Leaf { key, value: old } => {
                let common = key.common_prefix_length(&rest);
                if common == key.len() {
                    return Ok(Node::Leaf { key, value });
                }
                let mut children = empty_children();
                put(&mut children, &key, common, |key| Node::Leaf { key, value: old });
                put(&mut children, &rest, common, |key| Node::Leaf { key, value });
                extend(key.slice(..common), Node::Branch(children))
            }
            Node::Extension { key, child } => {
                let common = key.common_prefix_length(&rest);
                if common == key.len() {
                    let child = self.insert_at(*child, depth + common, full, value)?;
                    return Ok(Node::Extension { key, child: Box::new(child) });
                }
                let mut children = empty_children();
                put(&mut children, &key, common, |key| extend(key, *child));
                put(&mut children, &rest, common, |key| Node::Leaf { key, value });
                extend(key.slice(..common), Node::Branch(children))
            }
            Node::Branch(mut children) => {
                if let Some(index) = full.get(depth) {
                    let slot = &mut children[usize::from(index)];
                    let child = mem::take(slot);
                    *slot = self.insert_at(child, depth + 1, full, value)?;
                }
                Node::Branch(children)
            }
        })
    }

    /// The node without the key, and whether anything changed.
    fn remove_at(&mut self, node: Node, depth: usize, full: &Nibbles) -> Result<(Node, bool)> {
        let rest = full.slice(depth..);
        Ok(match self.resolve(node, &full.slice(..depth))? {
            Node::Empty | Node::Stored(_) => (Node::Empty, false),
            Node::Leaf { key, .. } if key == rest => (Node::Empty, true),
            leaf @ Node::Leaf { .. } => (leaf, false),
            Node::Extension { key, child } => {
                if !rest.starts_with(&key) {
                    return Ok((Node::Extension { key, child }, false));
                }
                let (child, changed) = self.remove_at(*child, depth + key.len(), full)?;
                if !changed {
                    return Ok((Node::Extension { key, child: Box::new(child) }, false));
                }
                (extend(key, child), true)
            }
            Node::Branch(mut children) => {
                let Some(index) = full.get(depth) else {
                    return Ok((Node::Branch(children), false));
                };
                let slot = &mut children[usize::from(index)];
                let child = mem::take(slot);
                let (child, changed) = self.remove_at(child, depth + 1, full)?;
                *slot = child;
                if !changed {
                    return Ok((Node::Branch(children), false));
                }
                (self.collapse(children, &full.slice(..depth))?, true)
            }
        })
    }

    /// A branch with a single child left becomes that child under a longer key.
    fn collapse(&mut self, mut children: Box<[Node; 16]>, path: &Nibbles) -> Result<Node> {
        let mut left = children.iter().enumerate().filter(|(_, c)| !matches!(c, Node::Empty));
        let (first, second) = (left.next().map(|(index, _)| index), left.next());
        if second.is_some() {
            return Ok(Node::Branch(children));
        }
        let Some(index) = first else { return Ok(Node::Empty) };
        let nibble = Nibbles::from_nibbles([index as u8]);
        let child = self.resolve(mem::take(&mut children[index]), &path.join(&nibble))?;
        Ok(extend(nibble, child))
    }

    /// The new root and what changed among stored nodes.
    pub(crate) fn finish(self) -> (B256, NodeUpdates) {
        let mut out =
            Output { loaded: self.loaded, written: BTreeSet::new(), updates: BTreeMap::new() };
        let root = match self.root {
            Node::Empty => EMPTY_ROOT_HASH,
            Node::Stored(rlp) => rlp.as_hash().unwrap_or(EMPTY_ROOT_HASH),
            node => {
                out.encode(node, Nibbles::new());
                out.updates
                    .get(&Nibbles::new())
                    .and_then(Option::as_ref)
                    .or_else(|| out.loaded.get(&Nibbles::new()))
                    .map_or(EMPTY_ROOT_HASH, keccak256)
            }
        };
        let Output { loaded, written, mut updates } = out;
        for path in loaded.into_keys().filter(|path| !written.contains(path)) {
            updates.insert(path, None);
        }
        (root, updates)
    }
}

struct Output {
    loaded: BTreeMap<Nibbles, Bytes>,
    written: BTreeSet<Nibbles>,
    updates: NodeUpdates,
}

impl Output {
    fn encode(&mut self, node: Node, path: Nibbles) -> RlpNode {
        let mut rlp = Vec::new();
        match node {
            Node::Empty => return RlpNode::from_rlp(&[alloy_rlp::EMPTY_STRING_CODE]),
            Node::Stored(reference) => return reference,
            Node::Leaf { key, value } => LeafNodeRef::new(&key, &value).encode(&mut rlp),
            Node::Extension { key, child } => {
                let child = self.encode(*child, path.join(&key));
                ExtensionNodeRef::new(&key, child.as_slice()).encode(&mut rlp);
            }
            Node::Branch(children) => {
                let mut stack = Vec::with_capacity(16);
                let mut mask = TrieMask::default();
                for (index, child) in (0u8..).zip(*children) {
                    if !matches!(child, Node::Empty) {
                        let mut child_path = path;
                        child_path.push(index);
                        stack.push(self.encode(child, child_path));
                        mask.set_bit(index);
                    }
                }
                BranchNode::new(stack, mask).encode(&mut rlp);
            }
        }
        let reference = RlpNode::from_rlp(&rlp);
        if rlp.len() >= 32 || path.is_empty() {
            self.written.insert(path);
            if self.loaded.get(&path).is_none_or(|old| **old != rlp[..]) {
                self.updates.insert(path, Some(rlp.into()));
            }
        }
        reference
    }
}

fn decode(mut rlp: &[u8], path: &Nibbles) -> Result<Node> {
    let node = TrieNode::decode(&mut rlp)
        .map_err(|error| StorageError::corrupt(format!("trie node at {path:?}: {error}")))?;
    Ok(match node {
        TrieNode::EmptyRoot => Node::Empty,
        TrieNode::Leaf(leaf) => Node::Leaf { key: leaf.key, value: leaf.value },
        TrieNode::Extension(extension) => {
            Node::Extension { key: extension.key, child: Box::new(Node::Stored(extension.child)) }
        }
        TrieNode::Branch(branch) => {
            let mut children = empty_children();
            let mut stack = branch.stack.into_iter();
            for (index, slot) in (0u8..).zip(children.iter_mut()) {
                if branch.state_mask.is_bit_set(index)
                    && let Some(child) = stack.next()
                {
                    *slot = Node::Stored(child);
                }
            }
            Node::Branch(children)
        }
    })
}

/// Decodes a node for tests of hostile bytes.
#[cfg(test)]
pub(crate) fn decode_node(rlp: &[u8]) -> Result<()> {
    decode(rlp, &Nibbles::new()).map(|_| ())
}

fn empty_children() -> Box<[Node; 16]> {
    Box::default()
}

/// Hangs a node below the branch at `key[common]`, under what is left of the key.
fn put(
    children: &mut [Node; 16],
    key: &Nibbles,
    common: usize,
    make: impl FnOnce(Nibbles) -> Node,
) {
    if let Some(index) = key.get(common) {
        children[usize::from(index)] = make(key.slice(common + 1..));
    }
}

/// Lengthens the path to a node; a branch or an unread node gets an extension.
fn extend(prefix: Nibbles, node: Node) -> Node {
    if prefix.is_empty() {
        return node;
    }
    match node {
        Node::Empty => Node::Empty,
        Node::Leaf { key, value } => Node::Leaf { key: prefix.join(&key), value },
        Node::Extension { key, child } => Node::Extension { key: prefix.join(&key), child },
        node @ (Node::Branch(_) | Node::Stored(_)) => {
            Node::Extension { key: prefix, child: Box::new(node) }
        }
    }
}
