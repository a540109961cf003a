// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";
import {IBonds} from "./interfaces/IBonds.sol";
import {GasSchedule} from "./libraries/GasSchedule.sol";
import {Guard} from "./Guard.sol";
import {Solvers} from "./Solvers.sol";

/// @title Bonds
/// @notice Money that solvers stand for their bids with, and the four ways on which it leaves: withdrawn,
/// collected, claimed, burned.
abstract contract Bonds is IBonds, Solvers, Guard {
    /// @dev `gasPaid` is what was deposited for gas and neither withdrawn nor collected. The solver's account
    /// slot says what is left of it; the difference is what was charged. `leaving` is what was requested,
    /// which may be more than is left.
    struct Purse {
        uint128 bond;
        uint128 bondLeaving;
        uint88 gasPaid;
        uint88 gasLeaving;
        uint40 bondAvailableAt;
        uint40 gasAvailableAt;
    }

    struct Penalty {
        bytes32 shares;
        uint256 claimed;
    }

    uint256 private constant WHOLE = 10_000;

    /// @inheritdoc IBonds
    uint32 public immutable WITHDRAWAL_DELAY;

    /// @inheritdoc IBonds
    uint64 public immutable MAX_TIP;

    /// @inheritdoc IBonds
    uint256 public burnable;

    /// @inheritdoc IBonds
    mapping(bytes32 bid => Penalty) public penalties;

    mapping(address solver => Purse) private _purses;

    constructor(uint32 withdrawalDelay, uint64 maxTip) {
        (WITHDRAWAL_DELAY, MAX_TIP) = (withdrawalDelay, maxTip);
    }

    /// @inheritdoc IBonds
    function deposit(address solver, Fund fund) external payable nonReentrant {
        _onlySolver(solver);
        Purse storage purse = _purses[solver];
        uint256 total = msg.value + (fund == Fund.Bond ? purse.bond : purse.gasPaid);
        if (total > (fund == Fund.Bond ? type(uint128).max : type(uint88).max)) revert DepositTooLarge(total);
        if (fund == Fund.Bond) {
            purse.bond = uint128(total);
        } else {
            purse.gasPaid = uint88(total);
            _accounts[solver].gas += uint88(msg.value);
        }
        emit FundsDeposited(solver, fund, msg.value, msg.sender);
    }

    /// @inheritdoc IBonds
    function requestWithdrawal(Fund fund, uint128 amount) external nonReentrant {
        _onlySolver(msg.sender);
        Purse storage purse = _purses[msg.sender];
        uint256 available = fund == Fund.Bond ? purse.bond : _accounts[msg.sender].gas;
        if (amount > available) revert FundsMissing(available);
        uint40 availableAt = uint40(block.timestamp + WITHDRAWAL_DELAY);
        if (fund == Fund.Bond) (purse.bondLeaving, purse.bondAvailableAt) = (amount, availableAt);
        else (purse.gasLeaving, purse.gasAvailableAt) = (uint88(amount), availableAt);
        emit WithdrawalRequested(msg.sender, fund, amount, availableAt);
    }

    /// @inheritdoc IBonds
    function withdraw(Fund fund, address payable to) external nonReentrant {
        Purse storage purse = _purses[msg.sender];
        uint256 amount;
        if (fund == Fund.Bond) {
            amount = _due(purse.bondLeaving, purse.bond, purse.bondAvailableAt);
            (purse.bond, purse.bondLeaving) = (purse.bond - uint128(amount), 0);
        } else {
            uint88 gas_ = _accounts[msg.sender].gas;
            amount = _due(purse.gasLeaving, gas_, purse.gasAvailableAt);
            (purse.gasPaid, purse.gasLeaving) = (purse.gasPaid - uint88(amount), 0);
            _accounts[msg.sender].gas = gas_ - uint88(amount);
        }
        emit FundsWithdrawn(msg.sender, fund, amount, to);
        SafeTransferLib.safeTransferETH(to, amount);
    }

    /// @inheritdoc IBonds
    function collect(address[] calldata solvers, address payable to) external onlyOwner nonReentrant {
        uint256 total = 0;
        for (uint256 i = 0; i < solvers.length; ++i) {
            uint88 left = _accounts[solvers[i]].gas;
            uint256 charged = _purses[solvers[i]].gasPaid - left;
            if (charged == 0) continue;
            _purses[solvers[i]].gasPaid = left;
            total += charged;
            emit ChargesCollected(solvers[i], charged, to);
        }
        SafeTransferLib.safeTransferETH(to, total);
    }

    /// @inheritdoc IBonds
    function claimPenalty(bytes32 bid, address[] calldata owners, uint256[] calldata amounts, uint256 index)
        external
        nonReentrant
    {
        Penalty storage penalty = penalties[bid];
        if (penalty.shares != keccak256(abi.encode(owners, amounts))) revert NotThePenalty(bid);
        (address owner, uint256 amount) = (owners[index], amounts[index]);
        if (penalty.claimed >> index & 1 != 0) revert AlreadyClaimed(bid, index);
        penalty.claimed |= 1 << index;
        emit PenaltyClaimed(bid, owner, amount);
        SafeTransferLib.safeTransferETH(owner, amount);
    }

    /// @inheritdoc IBonds
    function burn() external nonReentrant {
        uint256 amount = burnable;
        burnable = 0;
        SafeTransferLib.safeTransferETH(address(0), amount);
    }

    /// @inheritdoc IBonds
    function fundsOf(address solver)
        external
        view
        returns (uint128 bond, uint128 bondLeaving, uint128 gas, uint128 gasLeaving)
    {
        Purse storage purse = _purses[solver];
        (bond, gas) = (purse.bond, _accounts[solver].gas);
        (bondLeaving, gasLeaving) = (purse.bondLeaving, purse.gasLeaving);
        if (bondLeaving > bond) bondLeaving = bond;
        if (gasLeaving > gas) gasLeaving = gas;
    }

    /// @inheritdoc IBonds
    function gasOverhead(uint256 intents, uint256 legs, uint256 callbackBytes) external pure returns (uint256 gas) {
        return GasSchedule.overhead(intents, legs, callbackBytes);
    }

    /// @inheritdoc Solvers
    function _answersFor() internal view override returns (uint256) {
        return WITHDRAWAL_DELAY;
    }

    /// @dev Wei per gas: the base fee and no more than MAX_TIP above it. A call without a gas price, as
    /// nodes simulate, costs nothing.
    function _gasPrice() internal view returns (uint256 price) {
        price = block.basefee + MAX_TIP;
        if (tx.gasprice < price) price = tx.gasprice;
    }

    /// @dev Takes wei that `_gasPrice` and the signed gas showed to be there before the bid began.
    function _charge(address solver, uint256 amount) internal {
        _accounts[solver].gas -= uint88(amount);
    }

    /// @dev Takes a penalty from what there is of the bond. `amounts` comes in as the basis points of the
    /// owners, at most WHOLE together. Returns false if there was nothing to take.
    function _penalise(bytes32 bid, address solver, uint256 penalty, address[] memory owners, uint256[] memory amounts)
        internal
        returns (bool taken)
    {
        uint128 bond = _purses[solver].bond;
        uint256 amount = penalty < bond ? penalty : bond;
        // An amount of its own reckoning, which nobody can nudge past zero; and no time is in it.
        // slither-disable-next-line incorrect-equality,timestamp
        if (amount == 0) return false;
        uint256 burned = amount;
        for (uint256 i = 0; i < amounts.length; ++i) {
            amounts[i] = amount * amounts[i] / WHOLE;
            burned -= amounts[i];
        }
        _purses[solver].bond = bond - uint128(amount);
        burnable += burned;
        penalties[bid].shares = keccak256(abi.encode(owners, amounts));
        emit PenaltyTaken(bid, solver, amount, burned, owners, amounts);
        return true;
    }

    /// @dev What a withdrawal pays now.
    function _due(uint256 requested, uint256 left, uint256 availableAt) private view returns (uint256 amount) {
        if (requested == 0) revert NothingRequested();
        // The delay is days; a block's author can shift a few seconds.
        // slither-disable-next-line timestamp
        if (block.timestamp < availableAt) revert WithdrawalTooEarly(availableAt);
        return requested < left ? requested : left;
    }
}
