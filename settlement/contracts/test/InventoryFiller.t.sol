// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {InventoryFiller} from "../src/InventoryFiller.sol";
import {BidData} from "./utils/BatchEncoder.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

contract InventoryFillerTest is SettlementTest {
    function test_OnlySettlementCallsFill() public {
        vm.expectRevert(InventoryFiller.OnlySettlement.selector);
        filler.fill(0, "");
        vm.prank(address(settlement));
        filler.fill(0, "");
    }

    function test_ACalledInventoryFills() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.callbackGas = 10_000;
        _signBid(bid, SOLVER_KEY);
        _expectSettled(bid);
        _settle(_encode(bid));
    }

    function test_OnlyTheOwnerBindsApprovesAndWithdraws() public {
        vm.expectRevert(Ownable.Unauthorized.selector);
        filler.bind(address(0));
        vm.expectRevert(Ownable.Unauthorized.selector);
        filler.approve(address(tokenA), 0);
        vm.expectRevert(Ownable.Unauthorized.selector);
        filler.withdraw(address(tokenA), address(this), 1);
    }

    function test_TheOwnerWithdrawsAndUnbinds() public {
        vm.prank(solver);
        filler.withdraw(address(tokenA), address(0xbeef), 1e30);
        assertEq(tokenA.balanceOf(address(0xbeef)), 1e30, "withdrawn");
        vm.prank(solver);
        filler.approve(address(tokenB), 0);
        assertEq(tokenB.allowance(address(filler), address(settlement)), 0, "no approval");
        vm.prank(solver);
        filler.bind(address(0));
        assertEq(settlement.solverOfFiller(address(filler)), address(0), "unbound");
    }
}
