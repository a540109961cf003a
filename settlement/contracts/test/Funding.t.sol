// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {HostileToken} from "./mocks/HostileToken.sol";
import {BidData} from "./utils/BatchEncoder.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

contract FundingTest is SettlementTest {
    function test_ItTellsWhatCanBePulledForAnIntent() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.intents[0].partiallyFillable = true;
        (bid.legs[0].amount, bid.legs[1].amount) = (SELL / 2, BUY / 2);
        _resign(bid, 0);
        _settle(_encode(bid));
        vm.prank(_user(0));
        tokenA.approve(address(settlement), 33);
        ISettlement.Query memory query = ISettlement.Query(_id(bid, 0), _user(0), address(tokenA), bid.intents[0].nonce);
        ISettlement.Funds memory funds = _ask(query);
        assertEq(funds.balance, 1_000e18 - SELL / 2, "balance");
        assertEq(funds.allowance, 33, "allowance");
        assertEq(funds.filled, SELL / 2, "filled");
        assertTrue(!funds.nonceUsed, "the nonce is free");
        vm.prank(_user(0));
        settlement.invalidateNonces(query.nonce >> 8, 1 << (query.nonce & 0xff));
        assertTrue(_ask(query).nonceUsed, "the nonce is used");
    }

    function testFuzz_AHostileTokenReadsAsZeroAndDisturbsNobody(uint8 mode) public {
        HostileToken token = new HostileToken();
        token.mint(_user(0), 7);
        _fund(_user(0));
        HostileToken.Mode[2] memory modes = [HostileToken.Mode.RevertsInViews, HostileToken.Mode.BurnsGasInViews];
        token.behave(modes[mode % 2]);
        ISettlement.Query[] memory queries = new ISettlement.Query[](3);
        queries[0] = ISettlement.Query(0, _user(0), address(token), 0);
        queries[1] = ISettlement.Query(0, _user(0), address(0xc0de), 0);
        queries[2] = ISettlement.Query(0, _user(0), address(tokenA), 0);
        ISettlement.Funds[] memory funds = settlement.fundable(queries);
        assertEq(funds[0].balance + funds[0].allowance, 0, "hostile");
        assertEq(funds[1].balance + funds[1].allowance, 0, "no token");
        assertEq(funds[2].balance, 1_000e18, "the next one");
        assertEq(funds[2].allowance, type(uint256).max, "the next one");
    }

    function test_ATokenThatReturnsTooMuchCostsNoMoreThanItsGas() public {
        HostileToken token = new HostileToken();
        token.behave(HostileToken.Mode.ReturnsMegabyteInViews);
        ISettlement.Query[] memory queries = new ISettlement.Query[](1);
        queries[0] = ISettlement.Query(0, _user(0), address(token), 0);
        uint256 before = gasleft();
        settlement.fundable(queries);
        assertTrue(before - gasleft() < 250_000, "capped");
    }

    function test_WithTooLittleGasItFailsRatherThanSayZero() public {
        _fund(_user(0));
        ISettlement.Query[] memory queries = new ISettlement.Query[](1);
        queries[0] = ISettlement.Query(0, _user(0), address(tokenA), 0);
        (bool ok, bytes memory answer) =
            address(settlement).call{gas: 200_000}(abi.encodeCall(settlement.fundable, (queries)));
        assertTrue(!ok && bytes4(answer) == ISettlement.InsufficientGas.selector, "a typed error");
    }

    function _ask(ISettlement.Query memory query) private view returns (ISettlement.Funds memory) {
        ISettlement.Query[] memory queries = new ISettlement.Query[](1);
        queries[0] = query;
        return settlement.fundable(queries)[0];
    }
}
