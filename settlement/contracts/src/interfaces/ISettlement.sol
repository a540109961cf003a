// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IBidFrame} from "./IBidFrame.sol";
import {IBonds} from "./IBonds.sol";
import {IPlainTokens} from "./IPlainTokens.sol";
import {ISolvers} from "./ISolvers.sol";

/// @title Settlement: winning batches of signed intents, put on chain by commit and reveal
/// @notice FORMAT.md beside the sources defines every byte that is signed, committed or revealed.
interface ISettlement is IBidFrame, IBonds, IPlainTokens, ISolvers {
    /// @notice What `fundable` is asked about one intent.
    struct Query {
        bytes32 digest;
        address owner;
        address token;
        uint256 nonce;
    }

    /// @notice What can be pulled for one intent: `allowance` is the one given to Settlement.
    struct Funds {
        uint256 balance;
        uint256 allowance;
        uint256 filled;
        bool nonceUsed;
    }

    /// @notice How one bid of a simulated batch ended. `gasUsed` is the gas that it would be charged. `reason` as in
    /// `BidFailed`.
    struct BidResult {
        bytes32 bid;
        bool settled;
        uint8 fault;
        bytes32 reason;
        uint256 gasUsed;
    }

    /// @notice The delay within which a commitment can be revealed cannot be zero.
    error ZeroDelay();
    /// @notice The settler may not commit in this lane.
    error LaneNotOpen(address settler, uint256 lane);
    /// @notice Opening the lane again could erase a live commitment.
    error LaneAlreadyOpen(address settler, uint256 lane);
    /// @notice The lane holds a commitment that can still be revealed.
    error CommitmentLive(address settler, uint256 lane, uint256 committedAt);
    /// @notice The lane holds no commitment: never made, revealed already, expired, or lost in a reorg.
    error NothingCommitted(address settler, uint256 lane);
    /// @notice The lane holds another commitment than the one that was revealed.
    error CommitmentMismatch(bytes32 lane, bytes32 revealed);
    /// @notice A commitment cannot be revealed in the block that took it.
    error RevealTooEarly(uint256 committedAt);
    /// @notice More than the maximal delay has passed since the commitment.
    error RevealTooLate(uint256 committedAt);
    /// @notice The batch is of a version that this contract does not read.
    error UnsupportedVersion(uint256 version);
    /// @notice The batch is not in its only permitted encoding, at this position of the calldata.
    error NotCanonical(uint256 position);
    /// @notice A bid's section holds an intent that none of its legs touches, for which its solver would pay.
    error UntouchedIntent(bytes32 intent);
    /// @notice The transaction cannot give a bid the gas its solver signed, so it settles nothing.
    error InsufficientGas(uint256 required, uint256 available);
    /// @notice The outcome of `simulate`, which always reverts.
    error SimulationResult(BidResult[] results);

    /// @notice The caller committed to a batch. The commitment stands for the settler and the lane as well.
    event Committed(bytes32 indexed commitment);
    /// @notice A committed batch was revealed; what became of its bids follows in the log.
    event Revealed(bytes32 indexed commitment, uint64 auctionId, uint8 attempt);
    /// @notice A commitment (its top 224 bits) was not revealed in time.
    event CommitmentExpired(address indexed settler, uint256 indexed lane, bytes32 commitment);
    /// @notice A settler may commit in the lane.
    event LaneOpened(address indexed settler, uint256 indexed lane);
    /// @notice A settler may no longer commit in the lane, nor reveal what it committed.
    event LaneClosed(address indexed settler, uint256 indexed lane);
    /// @notice A bid settled. `charge`: the wei that its gas took from the solver's deposit.
    event BidSettled(bytes32 indexed bid, address indexed solver, uint256 charge, Fill[] fills);
    /// @notice A bid failed and moved nothing. `fault`: 0 neutral, 1 solver, 2 owner. `reason` is the
    /// selector of an error of this contract and the upper 224 bits of that error's first argument, zero if it has none: so
    /// `OwnerShort` names the intent whose owner was short. `charge` in wei is zero if the bid was not attempted.
    event BidFailed(bytes32 indexed bid, address indexed solver, uint8 fault, bytes32 reason, uint256 charge);

    /// @notice Commits the caller to a batch. See FORMAT.md for the preimage. The selectors of this function,
    /// of `executeBid` and of `reveal` are the smallest, which are compared first: the others cost 22 gas each.
    function commitTo(uint256 lane, bytes32 commitment) external;

    /// @notice Settles the committed batch. Bids that fail do not affect the others.
    function reveal(bytes calldata batch, bytes32 salt, uint256 lane) external;

    /// @notice Records that a commitment was not revealed in time. Anybody may call.
    function expire(address settler, uint256 lane) external;

    /// @notice Lets a settler commit in a lane. Only the owner.
    function openLane(address settler, uint256 lane) external;

    /// @notice Takes a lane away, with the commitment in it. Only the owner.
    function closeLane(address settler, uint256 lane) external;

    /// @notice Runs a batch as `reveal` would, without a commitment, and reverts with
    /// `SimulationResult`. For `eth_call`; in a transaction it changes nothing.
    function simulate(bytes calldata batch) external;

    /// @notice How much can be pulled for each of some intents. A token that fails, or takes more
    /// gas than is sensible, reads as zero and does not disturb the others.
    function fundable(Query[] calldata queries) external view returns (Funds[] memory funds);

    /// @notice A lane's slot: the commitment's top 224 bits and the block of the commit (0: none live).
    function lanes(address settler, uint256 lane) external view returns (bytes32 slot);

    /// @notice The blocks for which a commitment stays live.
    function MAX_DELAY() external view returns (uint32 blocks);

    /// @notice The EIP-712 domain separator of intents, bids and cancellations.
    function domainSeparator() external view returns (bytes32 separator);

    /// @notice A word of the bitmap of a solver's used bid nonces.
    function bidNonces(address solver, uint256 word) external view returns (uint256 bits);
}
