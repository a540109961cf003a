//! Payments that no log shows. A token on the plain list moves what it is told and logs it; of any other
//! the contract measures what arrives, and what the token logs is its own business.

use std::collections::BTreeMap;

use alloy::eips::BlockId;
use alloy_primitives::Address;
use infra::chain::{Chain, ChainError, abi};

use super::{
    fault::Fault,
    finding::Finding,
    node::{Asked, if_kept},
    payments::Unlogged,
};

/// A fault for the first one whose token was on the list when it was revealed; the others are told,
/// counted by token.
pub(super) async fn judge(
    chain: &Chain,
    unlogged: &[Unlogged],
    finding: &mut Finding,
) -> Result<Option<Fault>, ChainError> {
    let mut counted: BTreeMap<(u64, Address), (usize, &Fault)> = BTreeMap::new();
    for Unlogged { token, block, fault } in unlogged {
        counted.entry((*block, *token)).or_insert((0, fault)).0 += 1;
    }
    for ((block, token), (count, fault)) in counted {
        let why = match is_plain(chain, token, block).await? {
            Some(true) => return Ok(Some(fault.clone())),
            Some(false) => "which is not on the plain list".to_owned(),
            None => format!("no state of block {block} says whether it had to"),
        };
        let what = format!("{count} payments in {token} that it did not log ({why})");
        finding.unchecked.push(what);
    }
    Ok(None)
}

/// Whether the token was on the list all through the block; `None` if nobody can say.
async fn is_plain(chain: &Chain, token: Address, block: u64) -> Asked<bool> {
    let (contract, call) = (chain.domain().settlement(), abi::isPlainTokenCall { token });
    for block in [block.saturating_sub(1), block] {
        match if_kept(|| chain.view(contract, &call, BlockId::number(block))).await? {
            Some(true) => {}
            answer => return Ok(answer),
        }
    }
    Ok(Some(true))
}
