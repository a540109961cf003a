//! Putting the contracts on a development chain: for `make dev` and for tests. Production
//! deployments take the same artifacts, but their keys never come near this process.

mod abi;
mod artifact;
mod sender;

use alloy::primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolValue};

pub use artifact::Artifact;
pub use sender::{DeployError, Sender};

/// Where the contracts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// `SolverRegistry`.
    pub registry: Address,
    /// `Settlement`.
    pub settlement: Address,
}

/// What a development token is called, and how it is divided.
#[derive(Clone, Copy, Debug)]
pub struct TokenSpec<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its symbol.
    pub symbol: &'a str,
    /// Its decimals.
    pub decimals: u8,
}

/// Deploys registry and settlement, owned by the sender. A commitment lives `max_delay` blocks.
///
/// # Errors
/// See [`DeployError`].
pub async fn contracts(sender: &Sender, max_delay: u32) -> Result<Deployment, DeployError> {
    let owner = sender.address();
    let registry = sender.create(Artifact::SolverRegistry.creation(&owner.abi_encode())?).await?;
    let arguments = (owner, registry, max_delay).abi_encode_params();
    let settlement = sender.create(Artifact::Settlement.creation(&arguments)?).await?;
    Ok(Deployment { registry, settlement })
}

/// Deploys a token that anybody may mint.
///
/// # Errors
/// See [`DeployError`].
pub async fn token(sender: &Sender, spec: TokenSpec<'_>) -> Result<Address, DeployError> {
    let arguments = (spec.name, spec.symbol, U256::from(spec.decimals)).abi_encode_params();
    sender.create(Artifact::MockToken.creation(&arguments)?).await
}

/// Opens lanes 0 to `lanes` - 1 for a settler. The sender owns the contract.
///
/// # Errors
/// See [`DeployError`].
pub async fn open_lanes(
    sender: &Sender,
    settlement: Address,
    settler: Address,
    lanes: u32,
) -> Result<(), DeployError> {
    let open = |lane| abi::Settlement::openLaneCall { settler, lane: U256::from(lane) };
    let calls = (0..lanes).map(|lane| (settlement, open(lane).abi_encode().into()));
    sender.send_all(calls.collect()).await
}

/// Lists tokens as moving exactly what they are told. The sender owns the contract.
///
/// # Errors
/// See [`DeployError`].
pub async fn set_plain(
    sender: &Sender,
    settlement: Address,
    tokens: &[Address],
) -> Result<(), DeployError> {
    let plain = |token| abi::Settlement::setPlainTokenCall { token, plain: true };
    let calls = tokens.iter().map(|token| (settlement, plain(*token).abi_encode().into()));
    sender.send_all(calls.collect()).await
}

/// Makes the sender a solver with an inventory filler of its own, bound to it, that lets
/// Settlement pull any amount of `tokens`. Returns the filler; its inventory is still empty.
///
/// # Errors
/// See [`DeployError`].
pub async fn solver(
    sender: &Sender,
    deployment: Deployment,
    tokens: &[Address],
) -> Result<Address, DeployError> {
    let solver = sender.address();
    let arguments = (solver, deployment.settlement).abi_encode_params();
    let filler = sender.create(Artifact::InventoryFiller.creation(&arguments)?).await?;
    let mut calls: Vec<(Address, Bytes)> = vec![
        (deployment.registry, abi::Registry::registerCall {}.abi_encode().into()),
        (filler, abi::Filler::bindCall { solver }.abi_encode().into()),
    ];
    for token in tokens {
        let approve = abi::Filler::approveCall { token: *token, amount: U256::MAX };
        calls.push((filler, approve.abi_encode().into()));
    }
    sender.send_all(calls).await?;
    Ok(filler)
}

/// Mints atoms of development tokens: (token, to, amount) each. Anybody may.
///
/// # Errors
/// See [`DeployError`].
pub async fn mint(sender: &Sender, mints: &[(Address, Address, U256)]) -> Result<(), DeployError> {
    let calls = mints.iter().map(|(token, to, amount)| {
        (*token, abi::Token::mintCall { to: *to, amount: *amount }.abi_encode().into())
    });
    sender.send_all(calls.collect()).await
}

/// Lets `spender` (usually Settlement) pull any amount of the sender's `tokens`.
///
/// # Errors
/// See [`DeployError`].
pub async fn approve(
    sender: &Sender,
    tokens: &[Address],
    spender: Address,
) -> Result<(), DeployError> {
    let approve = abi::Token::approveCall { spender, amount: U256::MAX };
    let calls = tokens.iter().map(|token| (*token, approve.abi_encode().into()));
    sender.send_all(calls.collect()).await
}

/// A token balance, in atoms.
///
/// # Errors
/// See [`DeployError`].
pub async fn balance(sender: &Sender, token: Address, owner: Address) -> Result<U256, DeployError> {
    let answer =
        sender.call(token, abi::Token::balanceOfCall { owner }.abi_encode().into()).await?;
    U256::abi_decode(&answer).map_err(|_| DeployError::BadAnswer)
}
