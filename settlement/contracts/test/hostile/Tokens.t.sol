// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "../../src/interfaces/IBidFrame.sol";
import {BidData} from "../utils/BatchEncoder.sol";
import {Doors} from "./Doors.sol";
import {BadOwner} from "./mocks/BadOwner.sol";
import {BadToken} from "./mocks/BadToken.sol";

/// @dev Each misdeed is tried with the token sold by the suspect and bought by it, on the plain list and
/// off it.
contract HostileTokensTest is Doors {
    bytes4 private constant FAILED = IBidFrame.TransferFailed.selector;
    bytes4 private constant SHORT = IBidFrame.TransferShort.selector;

    BadToken internal token;
    uint256 private _before;

    function setUp() public override {
        super.setUp();
        token = new BadToken();
        token.mint(_user(SUSPECT), SELL);
        vm.prank(_user(SUSPECT));
        token.approve(address(settlement), type(uint256).max);
        token.mint(address(hostileFiller), BUY);
        _approve(address(token), type(uint256).max);
    }

    function test_ATokenThatReturnsFalseFailsItsBidOnly() public {
        _failsAlways(BadToken.Mode.ReturnsFalse, FAILED);
    }

    function test_ATokenThatReturnsTwoFailsItsBidOnly() public {
        _failsAlways(BadToken.Mode.ReturnsTwo, FAILED);
    }

    function test_ATokenThatReturnsNothingSettles() public {
        _settlesAlways(BadToken.Mode.ReturnsNothing);
    }

    function test_ATokenThatReturnsAMegabyteSettles() public {
        _settlesAlways(BadToken.Mode.ReturnsMegabyte);
    }

    function test_ATokenThatRevertsWithAMegabyteFailsItsBidOnly() public {
        _failsAlways(BadToken.Mode.RevertsWithMegabyte, FAILED);
    }

    function test_ATokenThatRefusesAReceiverFailsItsBidOnly() public {
        for (uint256 i = 0; i < 4; ++i) {
            BidData memory bid = _case(i);
            token.refuseTo(_sold(i) ? address(hostileFiller) : _user(SUSPECT));
            _settleFails(bid, NEUTRAL, FAILED);
            _undo();
        }
    }

    /// @dev If 1/64 of the bid's gas is enough to say so, the transfer failed; else all of it is gone.
    function test_ATokenThatBurnsAllGasFailsItsBidOnly() public {
        for (uint256 i = 0; i < 4; ++i) {
            BidData memory bid = _case(i);
            token.behave(BadToken.Mode.BurnsGas);
            _settleFails(bid, NEUTRAL, FAILED);
            _undo();
        }
        BidData memory poor = _case(1);
        poor.gas = 300_000;
        _signHostile(poor);
        token.behave(BadToken.Mode.BurnsGas);
        _settleFails(poor, NEUTRAL, IBidFrame.BidOutOfGas.selector);
    }

    /// @dev The filler or the owner had the funds; only a listed token's word could cost it its bond.
    function test_ATokenOffTheListBlamesNobody() public {
        for (uint256 i = 0; i < 4; i += 2) {
            BidData memory bid = _case(i);
            token.behave(BadToken.Mode.RefusesAndBlames);
            _settleFails(bid, NEUTRAL, FAILED);
            _undo();
        }
    }

    function test_ATokenOnTheListIsBelievedWhenItBlames() public {
        BidData memory bid = _case(1);
        token.behave(BadToken.Mode.RefusesAndBlames);
        _settleFails(bid, OWNER, IBidFrame.OwnerShort.selector);
        _undo();
        bid = _case(3);
        token.behave(BadToken.Mode.RefusesAndBlames);
        _settleFails(bid, SOLVER, IBidFrame.FillerShort.selector);
    }

    function test_ATokenThatTakesAFeeFailsItsBidOnly() public {
        _failsOffTheList(BadToken.Mode.TakesFee, SHORT);
    }

    function test_ATokenThatMovesNothingFailsItsBidOnly() public {
        _failsOffTheList(BadToken.Mode.MovesNothing, SHORT);
    }

    function test_ATokenThatHalvesAllBalancesInTheMiddleFailsItsBidOnly() public {
        _failsOffTheList(BadToken.Mode.HalvesAllBalances, SHORT);
    }

    function test_ATokenThatDoublesAllBalancesInTheMiddleSettles() public {
        _settlesAlways(BadToken.Mode.DoublesAllBalances);
    }

    function test_ATokenWithoutViewsFailsItsBidOnly() public {
        _failsOffTheList(BadToken.Mode.RevertsInViews, FAILED);
    }

    function test_ATokenThatBurnsGasInItsViewsFailsItsBidOnly() public {
        _failsOffTheList(BadToken.Mode.BurnsGasInViews, FAILED);
    }

    function test_ATokenThatReturnsAMegabyteInItsViewsFailsItsBidOnly() public {
        _failsOffTheList(BadToken.Mode.ReturnsMegabyteInViews, FAILED);
    }

    /// @dev Nothing but the token itself is what the token can lie about.
    function test_ATokenThatLiesAboutItselfDeceivesThoseWhoTradeIt() public {
        for (uint256 i = 0; i < 4; ++i) {
            BidData memory bid = _case(i);
            token.behave(BadToken.Mode.MovesNothingAndSaysItDid);
            _settleSettles(bid);
            _undo();
        }
    }

    /// @dev Rebased right before the reveal, so that a payer is short. Off the list nobody is at fault.
    function test_ATokenThatRebasedBeforeTheRevealMakesItsPayerShort() public {
        bytes4[4] memory reasons = [FAILED, IBidFrame.OwnerShort.selector, FAILED, IBidFrame.FillerShort.selector];
        uint8[4] memory faults = [NEUTRAL, OWNER, NEUTRAL, SOLVER];
        for (uint256 i = 0; i < 4; ++i) {
            _commitAround(_case(i));
            token.rebase(99, 100);
            _revealFails(faults[i], reasons[i]);
            _undo();
        }
    }

    function test_ATokenThatCallsBackFindsEveryDoorShut() public {
        for (uint256 i = 0; i < 4; ++i) {
            BidData memory bid = _case(i);
            token.behave(BadToken.Mode.CallsBack);
            token.plan(address(token), _knock());
            _corrupt(hostileSolver);
            token.plan(hostileSolver, _knock());
            _settleSettles(bid);
            assertEq(token.stepsMade(), 2, "it did try");
            _undo();
        }
    }

    /// @dev The token lets a bystander of its own making know, who then takes back what it had approved.
    function test_AnOwnerThatATokenWarnsIsShort() public {
        BadOwner owner = new BadOwner();
        _fund(address(owner));
        BidData memory bid = _hostileBid(address(token), address(tokenB));
        bid.intents[0].owner = address(owner);
        (bid.intents[0].form1, bid.intents[0].signature) = (true, "accepted");
        _signHostile(bid);
        (bid.legs[0], bid.legs[1]) = (bid.legs[1], bid.legs[0]);
        _signBid(bid, HOSTILE_KEY);
        token.behave(BadToken.Mode.CallsBack);
        bytes memory revoke = abi.encodeCall(tokenA.approve, (address(settlement), 0));
        token.plan(address(owner), abi.encodeCall(owner.run, (address(tokenA), revoke)));
        _settleFails(bid, OWNER, IBidFrame.OwnerShort.selector);
        assertEq(tokenA.allowance(address(owner), address(settlement)), type(uint256).max, "even that is undone");
    }

    /// @dev Case i: bought if 2 or 3, else sold; listed if odd. Ends with `_undo`.
    function _case(uint256 i) private returns (BidData memory bid) {
        _before = vm.snapshotState();
        vm.prank(admin);
        settlement.setPlainToken(address(token), i % 2 == 1);
        return _sold(i) ? _hostileBid(address(token), address(tokenB)) : _hostileBid(address(tokenA), address(token));
    }

    function _sold(uint256 i) private pure returns (bool) {
        return i < 2;
    }

    function _undo() private {
        vm.revertToState(_before);
    }

    function _failsAlways(BadToken.Mode mode, bytes4 reason) private {
        for (uint256 i = 0; i < 4; ++i) {
            _fails(i, mode, reason);
        }
    }

    /// @dev On the list it is taken at its word, and settles.
    function _failsOffTheList(BadToken.Mode mode, bytes4 reason) private {
        for (uint256 i = 0; i < 4; ++i) {
            if (i % 2 == 0) _fails(i, mode, reason);
            else _settles(i, mode);
        }
    }

    function _settlesAlways(BadToken.Mode mode) private {
        for (uint256 i = 0; i < 4; ++i) {
            _settles(i, mode);
        }
    }

    /// @dev Neutral, and nothing of the token has moved.
    function _fails(uint256 i, BadToken.Mode mode, bytes4 reason) private {
        BidData memory bid = _case(i);
        token.behave(mode);
        _settleFails(bid, NEUTRAL, reason);
        assertEq(token.held(_user(SUSPECT)), SELL, "the suspect's");
        assertEq(token.held(address(hostileFiller)), BUY, "the filler's");
        _undo();
    }

    function _settles(uint256 i, BadToken.Mode mode) private {
        BidData memory bid = _case(i);
        token.behave(mode);
        _settleSettles(bid);
        _undo();
    }
}
