// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title What solvers stand for with their money: bonds for penalties, deposits for gas
/// @notice All amounts are wei. The contract holds nothing else: its balance is the bonds, what was
/// deposited for gas and not withdrawn or collected, the penalties not claimed and those not burned.
interface IBonds {
    /// @notice What a solver's money is for: penalties, or the gas of its bids.
    enum Fund {
        Bond,
        Gas
    }

    /// @notice A fund would hold more than its counter can.
    error DepositTooLarge(uint256 total);
    /// @notice More is requested than the fund holds.
    error FundsMissing(uint256 available);
    /// @notice The solver has not requested a withdrawal from this fund.
    error NothingRequested();
    /// @notice The withdrawal can be made from `availableAt` (Unix seconds) on.
    error WithdrawalTooEarly(uint256 availableAt);
    /// @notice The owners and amounts are not those of this bid's penalty.
    error NotThePenalty(bytes32 bid);
    /// @notice This share of the penalty is paid out already.
    error AlreadyClaimed(bytes32 bid, uint256 index);
    /// @notice Reason of a failed bid: its signed gas is below `gasOverhead`.
    error GasTooLow();
    /// @notice Reason of a failed bid: its solver's deposit does not cover its signed gas at the
    /// price of this transaction.
    error DepositShort();

    /// @notice Somebody paid into a fund of a solver.
    event FundsDeposited(address indexed solver, Fund fund, uint256 amount, address from);
    /// @notice A solver requested a withdrawal, in place of what it had requested before.
    event WithdrawalRequested(address indexed solver, Fund fund, uint256 amount, uint256 availableAt);
    /// @notice A solver took out of a fund what it had requested, or what penalties and charges left.
    event FundsWithdrawn(address indexed solver, Fund fund, uint256 amount, address to);
    /// @notice The operator was paid what a solver had been charged for gas.
    event ChargesCollected(address indexed solver, uint256 amount, address to);
    /// @notice A bid that failed by its solver's fault cost bond. `amounts` are for `owners`, in the
    /// order of the bid's intents; the rest is `burned`. Precedes the bid's `BidFailed`.
    event PenaltyTaken(
        bytes32 indexed bid, address indexed solver, uint256 amount, uint256 burned, address[] owners, uint256[] amounts
    );
    /// @notice An owner was paid its share of a penalty.
    event PenaltyClaimed(bytes32 indexed bid, address indexed owner, uint256 amount);

    /// @notice Pays into a fund of a registered solver. Anybody may.
    function deposit(address solver, Fund fund) external payable;

    /// @notice Requests a withdrawal from a fund of the caller, in place of the former request; zero
    /// cancels it. It can be made WITHDRAWAL_DELAY later. Until it is made the amount still pays
    /// penalties and charges, but it is not free to stand for new bids.
    function requestWithdrawal(Fund fund, uint128 amount) external;

    /// @notice Pays out what the caller requested, or what is left of it.
    function withdraw(Fund fund, address payable to) external;

    /// @notice Pays out what the solvers were charged since the last time. Only the owner.
    function collect(address[] calldata solvers, address payable to) external;

    /// @notice Pays `amounts[index]` of a bid's penalty to `owners[index]`. Anybody may call; owners and
    /// amounts are those of the bid's `PenaltyTaken`.
    function claimPenalty(bytes32 bid, address[] calldata owners, uint256[] calldata amounts, uint256 index) external;

    /// @notice Sends to the zero address what penalties left for nobody. Anybody may call.
    function burn() external;

    /// @notice A solver's funds, and how much of them it has requested to withdraw.
    function fundsOf(address solver)
        external
        view
        returns (uint128 bond, uint128 bondLeaving, uint128 gas, uint128 gasLeaving);

    /// @notice What is to be burned.
    function burnable() external view returns (uint256 amount);

    /// @notice What is kept of a bid's penalty: keccak256(abi.encode(owners, amounts)), and a bit for each
    /// share that was claimed.
    function penalties(bytes32 bid) external view returns (bytes32 shares, uint256 claimed);

    /// @notice The part of a bid's signed gas that is not for its frame: reading and authorising it, its
    /// calldata and logs, and the whole of what commit and reveal cost by themselves. A batch of
    /// several bids shares the latter among them.
    function gasOverhead(uint256 intents, uint256 legs, uint256 callbackBytes) external pure returns (uint256 gas);

    /// @notice The seconds between the request of a withdrawal and the withdrawal.
    function WITHDRAWAL_DELAY() external view returns (uint32 secs);

    /// @notice The wei per gas that are charged at most above the base fee.
    function MAX_TIP() external view returns (uint64 tip);
}
