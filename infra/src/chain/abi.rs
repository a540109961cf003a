//! Bindings of `settlement/contracts/src/interfaces`; a test compares the selectors with the
//! committed artifacts.

#![allow(missing_docs, reason = "generated; the interfaces are documented in Solidity")]

pub use alloy_sol_types::{SolCall, SolError, SolEvent};

alloy_sol_types::sol! {
    #[derive(Debug, PartialEq, Eq)]
    struct Query {
        bytes32 digest;
        address owner;
        address token;
        uint256 nonce;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Funds {
        uint256 balance;
        uint256 allowance;
        uint256 filled;
        bool nonceUsed;
    }

    #[derive(Debug, Default, PartialEq, Eq)]
    struct BidResult {
        bytes32 bid;
        bool settled;
        uint8 fault;
        bytes32 reason;
        uint256 gasUsed;
    }

    // Settlement
    function commitTo(uint256 lane, bytes32 commitment) external;
    function reveal(bytes calldata batch, bytes32 salt, uint256 lane) external;
    function expire(address settler, uint256 lane) external;
    function openLane(address settler, uint256 lane) external;
    function closeLane(address settler, uint256 lane) external;
    function setPlainToken(address token, bool plain) external;
    function simulate(bytes calldata batch) external;
    function fundable(Query[] calldata queries) external view returns (Funds[] memory funds);
    function lanes(address settler, uint256 lane) external view returns (bytes32 slot);
    function MAX_DELAY() external view returns (uint32 blocks);
    function WITHDRAWAL_DELAY() external view returns (uint32);
    function MAX_TIP() external view returns (uint64);
    function gasOverhead(uint256 intents, uint256 legs, uint256 callbackBytes) external pure returns (uint256);
    function domainSeparator() external view returns (bytes32 separator);
    function bidNonces(address solver, uint256 word) external view returns (uint256 bits);
    function isPlainToken(address token) external view returns (bool plain);
    function nonces(address owner, uint256 word) external view returns (uint256 bits);
    function filled(bytes32 intent) external view returns (uint256 amount);
    function invalidateNonces(uint256 word, uint256 mask) external;

    #[derive(Debug, PartialEq, Eq)]
    event Committed(bytes32 indexed commitment);
    #[derive(Debug, PartialEq, Eq)]
    event Revealed(bytes32 indexed commitment, uint64 auctionId, uint8 attempt);
    #[derive(Debug, PartialEq, Eq)]
    event CommitmentExpired(address indexed settler, uint256 indexed lane, bytes32 commitment);
    #[derive(Debug, PartialEq, Eq)]
    event LaneOpened(address indexed settler, uint256 indexed lane);
    #[derive(Debug, PartialEq, Eq)]
    event LaneClosed(address indexed settler, uint256 indexed lane);
    #[derive(Debug, PartialEq, Eq)]
    struct Fill {
        bytes32 intent;
        uint256 amounts;
    }
    #[derive(Debug, PartialEq, Eq)]
    event BidSettled(bytes32 indexed bid, address indexed solver, uint256 charge, Fill[] fills);
    #[derive(Debug, PartialEq, Eq)]
    event BidFailed(bytes32 indexed bid, address indexed solver, uint8 fault, bytes32 reason, uint256 charge);
    #[derive(Debug, PartialEq, Eq)]
    event PenaltyTaken(bytes32 indexed bid, address indexed solver, uint256 amount, uint256 burned, address[] owners, uint256[] amounts);
    #[derive(Debug, PartialEq, Eq)]
    event PenaltyClaimed(bytes32 indexed bid, address indexed owner, uint256 amount);
    #[derive(Debug, PartialEq, Eq)]
    event PlainTokenSet(address indexed token, bool plain);
    #[derive(Debug, PartialEq, Eq)]
    event NoncesInvalidated(address indexed owner, uint256 word, uint256 mask);

    #[derive(Debug, PartialEq, Eq)]
    error LaneNotOpen(address settler, uint256 lane);
    #[derive(Debug, PartialEq, Eq)]
    error LaneAlreadyOpen(address settler, uint256 lane);
    #[derive(Debug, PartialEq, Eq)]
    error CommitmentLive(address settler, uint256 lane, uint256 committedAt);
    #[derive(Debug, PartialEq, Eq)]
    error NothingCommitted(address settler, uint256 lane);
    #[derive(Debug, PartialEq, Eq)]
    error CommitmentMismatch(bytes32 lane, bytes32 revealed);
    #[derive(Debug, PartialEq, Eq)]
    error RevealTooEarly(uint256 committedAt);
    #[derive(Debug, PartialEq, Eq)]
    error RevealTooLate(uint256 committedAt);
    #[derive(Debug, PartialEq, Eq)]
    error UnsupportedVersion(uint256 version);
    #[derive(Debug, PartialEq, Eq)]
    error NotCanonical(uint256 position);
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientGas(uint256 required, uint256 available);
    #[derive(Debug, PartialEq, Eq)]
    error SimulationResult(BidResult[] results);

    // solvers, their keys, fillers and funds
    function register() external;
    function setKey(address key, bool enabled) external;
    function bindFiller(address solver) external;
    function setPaused(address solver, bool paused) external;
    function authorise(address key, address solver, address filler) external view returns (bytes4 reason);
    function solverOfKey(address key) external view returns (address solver);
    function solverOfFiller(address filler) external view returns (address solver);
    function isPaused(address solver) external view returns (bool paused);
    function deposit(address solver, uint8 fund) external payable;
    function requestWithdrawal(uint8 fund, uint128 amount) external;
    function withdraw(uint8 fund, address to) external;
    function fundsOf(address solver) external view returns (uint128 bond, uint128 bondLeaving, uint128 gas, uint128 gasLeaving);
    function collect(address[] calldata solvers, address to) external;
    function claimPenalty(bytes32 bid, address[] calldata owners, uint256[] calldata amounts, uint256 index) external;

    #[derive(Debug, PartialEq, Eq)]
    event FundsDeposited(address indexed solver, uint8 fund, uint256 amount, address from);
    #[derive(Debug, PartialEq, Eq)]
    event WithdrawalRequested(address indexed solver, uint8 fund, uint256 amount, uint256 availableAt);
    #[derive(Debug, PartialEq, Eq)]
    event FundsWithdrawn(address indexed solver, uint8 fund, uint256 amount, address to);
    #[derive(Debug, PartialEq, Eq)]
    event ChargesCollected(address indexed solver, uint256 amount, address to);

    #[derive(Debug, PartialEq, Eq)]
    event SolverRegistered(address indexed solver);
    #[derive(Debug, PartialEq, Eq)]
    event KeySet(address indexed solver, address indexed key, bool enabled);
    #[derive(Debug, PartialEq, Eq)]
    event FillerBound(address indexed filler, address indexed solver);
    #[derive(Debug, PartialEq, Eq)]
    event SolverPauseSet(address indexed solver, bool paused);

    #[derive(Debug, PartialEq, Eq)]
    error UnknownKey();
    #[derive(Debug, PartialEq, Eq)]
    error KeyRemoved();
    #[derive(Debug, PartialEq, Eq)]
    error SolverPaused();
    #[derive(Debug, PartialEq, Eq)]
    error FillerNotBound();
    #[derive(Debug, PartialEq, Eq)]
    error GasTooLow();
    #[derive(Debug, PartialEq, Eq)]
    error DepositShort();

    // ERC-1271 and ERC-20, as far as we use them
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4 magic);
    function balanceOf(address account) external view returns (uint256 balance);
    function allowance(address owner, address spender) external view returns (uint256 amount);
    function approve(address spender, uint256 amount) external returns (bool done);

    #[derive(Debug, PartialEq, Eq)]
    event Transfer(address indexed from, address indexed to, uint256 value);
}

#[cfg(test)]
mod tests;
