// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bonds} from "../src/Bonds.sol";
import {IBonds} from "../src/interfaces/IBonds.sol";

interface Vm {
    function assume(bool condition) external pure;
    function prank(address sender) external;
    function deal(address account, uint256 balance) external;
    function warp(uint256 timestamp) external;
}

/// @dev The purses, with the doors open that only a reveal goes through.
contract OpenBonds is Bonds {
    constructor(address owner) Bonds(1 days, 1 gwei) {
        _initializeOwner(owner);
    }

    function charge(address solver, uint256 amount) external {
        _charge(solver, amount);
    }

    function penalise(bytes32 bid, address solver, uint256 penalty, address[] memory owners, uint256[] memory amounts)
        external
        returns (bool taken, uint256[] memory shares)
    {
        taken = _penalise(bid, solver, penalty, owners, amounts);
        shares = amounts;
    }
}

/// @dev The accounting of bonds and deposits for all values at once: each function is a theorem that halmos
/// proves or refutes with a counterexample (`make symbolic`).
contract BondsSymbolic {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bytes32 private constant BID = keccak256("bid");

    OpenBonds internal bonds;
    address internal solver = address(0x501);

    function setUp() public {
        bonds = new OpenBonds(address(this));
        vm.prank(solver);
        bonds.register();
    }

    /// @dev What is taken is the lesser of penalty and bond; owners and fire have all of it, to the last wei.
    function check_APenaltyIsSharedToTheLastWei(uint128 bond, uint128 penalty, uint16 one, uint16 two) public {
        vm.assume(uint256(one) + two <= 10_000);
        _deposit(IBonds.Fund.Bond, bond);
        address[] memory owners = new address[](2);
        uint256[] memory amounts = new uint256[](2);
        (amounts[0], amounts[1]) = (one, two);
        (bool taken, uint256[] memory shares) = bonds.penalise(BID, solver, penalty, owners, amounts);
        uint256 due = penalty < bond ? penalty : bond;
        (uint128 left,,,) = bonds.fundsOf(solver);
        assert(taken == (due != 0));
        assert(left == bond - due);
        if (taken) assert(shares[0] + shares[1] + bonds.burnable() == due);
    }

    /// @dev A charge leaves all but the deposit alone, and is what the operator collects, once.
    function check_WhatIsChargedIsCollectedOnce(uint88 gas, uint88 charge, uint128 bond) public {
        vm.assume(charge <= gas);
        _deposit(IBonds.Fund.Bond, bond);
        _deposit(IBonds.Fund.Gas, gas);
        bonds.charge(solver, charge);
        (uint128 bondLeft,, uint128 gasLeft,) = bonds.fundsOf(solver);
        assert(gasLeft == gas - charge);
        assert(bondLeft == bond);
        address[] memory solvers = new address[](2);
        (solvers[0], solvers[1]) = (solver, solver);
        bonds.collect(solvers, payable(address(0xc0)));
        assert(address(0xc0).balance == charge);
        (bondLeft,, gasLeft,) = bonds.fundsOf(solver);
        assert(gasLeft == gas - charge);
        assert(address(bonds).balance == uint256(bondLeft) + gasLeft);
    }

    /// @dev A withdrawal pays no more than was requested and no more than is left, and leaves the rest.
    function check_AWithdrawalPaysWhatIsLeftOfIt(uint88 gas, uint88 requested, uint88 charge) public {
        vm.assume(requested <= gas && charge <= gas && requested != 0);
        _deposit(IBonds.Fund.Gas, gas);
        vm.prank(solver);
        bonds.requestWithdrawal(IBonds.Fund.Gas, requested);
        bonds.charge(solver, charge);
        (,, uint128 left, uint128 leaving) = bonds.fundsOf(solver);
        assert(leaving == (requested < left ? requested : left));
        vm.warp(block.timestamp + 1 days);
        vm.prank(solver);
        bonds.withdraw(IBonds.Fund.Gas, payable(address(0xc0)));
        assert(address(0xc0).balance == leaving);
        (,, uint128 rest, uint128 still) = bonds.fundsOf(solver);
        assert(rest == left - leaving && still == 0);
    }

    /// @dev Of two owners each is paid its own share, and a share paid is paid for good.
    function check_AShareIsClaimedOnce(uint128 penalty, uint16 one, uint16 two, bool secondFirst) public {
        vm.assume(uint256(one) + two <= 10_000 && penalty != 0);
        _deposit(IBonds.Fund.Bond, penalty);
        address[] memory owners = new address[](2);
        uint256[] memory amounts = new uint256[](2);
        (owners[0], owners[1]) = (address(0xa1), address(0xa2));
        (amounts[0], amounts[1]) = (one, two);
        (, amounts) = bonds.penalise(BID, solver, penalty, owners, amounts);
        if (secondFirst) _claimBoth(owners, amounts, 1);
        else _claimBoth(owners, amounts, 0);
        bonds.burn();
        assert(address(bonds).balance == 0);
    }

    /// @dev The index is a constant where this is called: halmos follows no others.
    function _claimBoth(address[] memory owners, uint256[] memory amounts, uint256 first) private {
        bonds.claimPenalty(BID, owners, amounts, first);
        assert(owners[first].balance == amounts[first]);
        assert(owners[1 - first].balance == 0);
        (bool again,) = address(bonds).call(abi.encodeCall(bonds.claimPenalty, (BID, owners, amounts, first)));
        assert(!again);
        bonds.claimPenalty(BID, owners, amounts, 1 - first);
        assert(owners[1 - first].balance == amounts[1 - first]);
    }

    function _deposit(IBonds.Fund fund, uint256 amount) private {
        vm.deal(address(this), amount);
        bonds.deposit{value: amount}(solver, fund);
    }
}
