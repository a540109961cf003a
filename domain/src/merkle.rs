//! OpenZeppelin's standard Merkle tree: double-hashed leaves, sorted; sorted pairs; the empty
//! tree is zero. Any library of that convention verifies our proofs.

use alloy_primitives::{B256, keccak256};

/// A complete binary tree in one array, root first, as OpenZeppelin lays it out.
#[derive(Clone, Debug)]
pub struct StandardTree {
    nodes: Vec<B256>,
    leaves: usize,
}

/// `keccak256(keccak256(value))`: a leaf cannot be taken for an inner node.
#[must_use]
pub fn leaf_hash(abi_encoded: &[u8]) -> B256 {
    keccak256(keccak256(abi_encoded))
}

impl StandardTree {
    /// A tree over leaf hashes, in any order.
    #[must_use]
    pub fn new(mut hashes: Vec<B256>) -> Self {
        hashes.sort_unstable();
        let leaves = hashes.len();
        if leaves == 0 {
            return Self { nodes: Vec::new(), leaves };
        }
        let mut nodes = vec![B256::ZERO; 2 * leaves - 1];
        for (n, hash) in hashes.into_iter().enumerate() {
            let at = nodes.len() - 1 - n;
            nodes[at] = hash;
        }
        for at in (0..leaves - 1).rev() {
            nodes[at] = pair_hash(nodes[2 * at + 1], nodes[2 * at + 2]);
        }
        Self { nodes, leaves }
    }

    /// The root; zero for the empty tree.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.nodes.first().copied().unwrap_or(B256::ZERO)
    }

    /// The siblings from `leaf` up to the root, or `None` if it is not in the tree.
    #[must_use]
    pub fn proof(&self, leaf: B256) -> Option<Vec<B256>> {
        let first = self.nodes.len() - self.leaves;
        let mut at = first + self.nodes[first..].iter().position(|node| *node == leaf)?;
        let mut proof = Vec::new();
        while at > 0 {
            let sibling = if at % 2 == 1 { at + 1 } else { at - 1 };
            proof.push(self.nodes[sibling]);
            at = (at - 1) / 2;
        }
        Some(proof)
    }
}

/// Whether `proof` leads from `leaf` to `root`.
#[must_use]
pub fn verify(root: B256, leaf: B256, proof: &[B256]) -> bool {
    proof.iter().fold(leaf, |node, sibling| pair_hash(node, *sibling)) == root
}

fn pair_hash(a: B256, b: B256) -> B256 {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    keccak256([low.0, high.0].concat())
}
