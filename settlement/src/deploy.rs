//! Putting the contracts on a development chain: for `make dev` and for tests. Production
//! deployments take the same artifacts, but their keys never come near this process.

mod abi;
mod artifact;
mod sender;

use alloy::primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolValue};

/// The contract's `Fund`.
const BOND: u8 = 0;
const GAS: u8 = 1;

pub use artifact::Artifact;
pub use sender::{DeployError, Sender};

/// The numbers that a deployment is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Blocks for which a commitment stays live.
    pub max_delay: u32,
    /// Seconds between a solver's asking for its funds and their leaving: longer than any auction that
    /// it could have bid in takes to settle.
    pub withdrawal_delay: u32,
    /// Wei per gas that solvers are charged at most above the base fee.
    pub max_tip: u64,
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

/// Deploys `Settlement`, owned by the sender.
///
/// # Errors
/// See [`DeployError`].
pub async fn settlement(sender: &Sender, terms: Terms) -> Result<Address, DeployError> {
    let Terms { max_delay, withdrawal_delay, max_tip } = terms;
    let arguments = (sender.address(), max_delay, withdrawal_delay, max_tip).abi_encode_params();
    sender.create(Artifact::Settlement.creation(&arguments)?).await
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

/// What a solver on a development chain puts up, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funding {
    /// Answers for penalties.
    pub bond: U256,
    /// Pays for gas.
    pub deposit: U256,
}

impl Default for Funding {
    /// A thousand coins each: enough for any test.
    fn default() -> Self {
        let thousand = U256::from(10).pow(U256::from(21));
        Self { bond: thousand, deposit: thousand }
    }
}

/// Makes the sender a solver with these funds and an inventory filler of its own, bound to it, that lets
/// Settlement pull any amount of `tokens`. Returns the filler; its inventory is still empty.
///
/// # Errors
/// See [`DeployError`].
pub async fn solver(
    sender: &Sender,
    settlement: Address,
    tokens: &[Address],
    funding: Funding,
) -> Result<Address, DeployError> {
    let solver = sender.address();
    let arguments = (solver, settlement).abi_encode_params();
    let filler = sender.create(Artifact::InventoryFiller.creation(&arguments)?).await?;
    let mut calls: Vec<(Address, Bytes)> = vec![
        (settlement, abi::Settlement::registerCall {}.abi_encode().into()),
        (filler, abi::Filler::bindCall { solver }.abi_encode().into()),
    ];
    for token in tokens {
        let approve = abi::Filler::approveCall { token: *token, amount: U256::MAX };
        calls.push((filler, approve.abi_encode().into()));
    }
    sender.send_all(calls).await?;
    for (fund, amount) in [(BOND, funding.bond), (GAS, funding.deposit)] {
        let deposit = abi::Settlement::depositCall { solver, fund };
        sender.pay(settlement, deposit.abi_encode().into(), amount).await?;
    }
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
