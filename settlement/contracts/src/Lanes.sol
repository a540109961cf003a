// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {Guard} from "./Guard.sol";

/// @title Lanes
/// @notice Where settlers commit. A lane is one slot: the commitment's top 224 bits and the block of
/// the commit. That it is not zero is the settler's authorisation; block zero means that no
/// commitment is live. Several lanes let one settler have several batches on their way.
abstract contract Lanes is ISettlement, Ownable, Guard {
    uint256 private constant BLOCK = type(uint32).max;

    /// @dev An open lane in which nothing was committed yet.
    bytes32 private constant OPEN = bytes32(uint256(1) << 32);

    /// @inheritdoc ISettlement
    uint32 public immutable MAX_DELAY;

    /// @dev A struct, so that its slot is computed once to read and to write it.
    struct Lane {
        bytes32 slot;
    }

    /// @inheritdoc ISettlement
    mapping(address settler => mapping(uint256 lane => Lane)) public lanes;

    constructor(uint32 maxDelay) {
        if (maxDelay == 0) revert ZeroDelay();
        MAX_DELAY = maxDelay;
    }

    /// @inheritdoc ISettlement
    function openLane(address settler, uint256 lane) external onlyOwner {
        if (lanes[settler][lane].slot != 0) revert LaneAlreadyOpen(settler, lane);
        lanes[settler][lane].slot = OPEN;
        emit LaneOpened(settler, lane);
    }

    /// @inheritdoc ISettlement
    function closeLane(address settler, uint256 lane) external onlyOwner {
        if (lanes[settler][lane].slot == 0) revert LaneNotOpen(settler, lane);
        lanes[settler][lane].slot = 0;
        emit LaneClosed(settler, lane);
    }

    /// @inheritdoc ISettlement
    function commitTo(uint256 lane, bytes32 commitment) external nonReentrant {
        Lane storage own = lanes[msg.sender][lane];
        bytes32 slot = own.slot;
        if (slot == 0) revert LaneNotOpen(msg.sender, lane);
        uint256 committedAt = uint256(slot) & BLOCK;
        if (committedAt != 0) {
            // A live commitment cannot be replaced, not even by itself to make it younger.
            if (!_tooLate(committedAt)) revert CommitmentLive(msg.sender, lane, committedAt);
            emit CommitmentExpired(msg.sender, lane, _prefix(slot));
        }
        own.slot = _prefix(commitment) | bytes32(uint256(uint32(block.number)));
        emit Committed(commitment);
    }

    /// @inheritdoc ISettlement
    function expire(address settler, uint256 lane) external nonReentrant {
        bytes32 slot = lanes[settler][lane].slot;
        uint256 committedAt = uint256(slot) & BLOCK;
        if (committedAt == 0) revert NothingCommitted(settler, lane);
        if (!_tooLate(committedAt)) revert CommitmentLive(settler, lane, committedAt);
        lanes[settler][lane].slot = _prefix(slot);
        emit CommitmentExpired(settler, lane, _prefix(slot));
    }

    /// @dev Uses the caller's commitment up, or reverts. The slot stays non-zero, so that the lane
    /// stays open and the next commit does not pay for a fresh slot.
    function _consume(uint256 lane, bytes32 commitment) internal {
        Lane storage own = lanes[msg.sender][lane];
        bytes32 slot = own.slot;
        uint256 committedAt = uint256(slot) & BLOCK;
        if (committedAt == 0) revert NothingCommitted(msg.sender, lane);
        if (_prefix(slot) != _prefix(commitment)) revert CommitmentMismatch(_prefix(slot), commitment);
        // A block cannot be before the one that took the commitment.
        // slither-disable-next-line incorrect-equality
        if (block.number == committedAt) revert RevealTooEarly(committedAt);
        if (_tooLate(committedAt)) revert RevealTooLate(committedAt);
        own.slot = _prefix(slot);
    }

    function _tooLate(uint256 committedAt) private view returns (bool) {
        return block.number - committedAt > MAX_DELAY;
    }

    function _prefix(bytes32 slot) private pure returns (bytes32) {
        return slot & ~bytes32(BLOCK);
    }
}
