// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "../../src/interfaces/IBidFrame.sol";
import {INonces} from "../../src/interfaces/INonces.sol";
import {BidData} from "../utils/BatchEncoder.sol";
import {Doors} from "./Doors.sol";
import {BadOwner} from "./mocks/BadOwner.sol";

/// @dev What owners do after the commit, right before the reveal, and what the contracts among them
/// answer when they are asked for their signature.
contract HostileOwnersTest is Doors {
    bytes4 private constant UNSIGNED = IBidFrame.BadSignature.selector;
    uint256 private constant ERC1271_GAS = 300_000;

    function test_AnOwnerThatRevokesItsApprovalFailsItsBidOnly() public {
        _commitAround(_hostileBid());
        vm.prank(_user(SUSPECT));
        tokenA.approve(address(settlement), SELL - 1);
        _revealFails(OWNER, IBidFrame.OwnerShort.selector);
    }

    /// @dev Of several owners the log says which: by 28 bytes of its intent's digest.
    function test_TheLogNamesTheIntentWhoseOwnerIsShort() public {
        uint256[2] memory owners = [SUSPECT, BYSTANDER];
        for (uint256 i = 0; i < 2; ++i) {
            uint256 before = vm.snapshotState();
            BidData memory bid = _hostileBid();
            _commitAround(bid);
            vm.prank(_user(owners[i]));
            tokenA.approve(address(settlement), 0);
            bytes32 said = _revealFails(OWNER, IBidFrame.OwnerShort.selector);
            assertEq(said, _reason(IBidFrame.OwnerShort.selector, _id(bid, 1 - i)), "the intent");
            vm.revertToState(before);
        }
    }

    function test_AnOwnerThatMovesItsBalanceFailsItsBidOnly() public {
        _commitAround(_hostileBid());
        vm.prank(_user(SUSPECT));
        tokenA.transfer(address(1), 1_000e18 - SELL + 1);
        _revealFails(OWNER, IBidFrame.OwnerShort.selector);
    }

    function test_AnOwnerThatCancelsOnChainFailsItsBidOnly() public {
        BidData memory bid = _hostileBid();
        _commitAround(bid);
        uint256 nonce = bid.intents[1].nonce;
        vm.prank(_user(SUSPECT));
        settlement.invalidateNonces(nonce >> 8, 1 << (nonce & 0xff));
        _revealFails(NEUTRAL, INonces.NonceUsed.selector);
    }

    /// @dev A part was left: cancelling takes that away as well.
    function test_AnOwnerThatCancelsWhatIsFilledInPartsFailsItsBidOnly() public {
        BidData memory bid = _hostileBid();
        _commitAround(bid);
        uint256 nonce = bid.intents[0].nonce;
        vm.prank(_user(BYSTANDER));
        settlement.invalidateNonces(nonce >> 8, 1 << (nonce & 0xff));
        _revealFails(NEUTRAL, INonces.NonceUsed.selector);
    }

    /// @dev Enough for either intent, not for both.
    function test_AnOwnerWithOneBalanceBehindTwoIntentsFailsItsBidOnly() public {
        BidData memory bid = _hostileBid();
        bid.intents[0].owner = _user(SUSPECT);
        _sign(bid.intents[0], _userKey(SUSPECT));
        _signBid(bid, HOSTILE_KEY);
        _commitAround(bid);
        vm.prank(_user(SUSPECT));
        tokenA.approve(address(settlement), SELL);
        _revealFails(OWNER, IBidFrame.OwnerShort.selector);
    }

    function test_AContractThatTakesItsSignatureBackFailsItsBidOnly() public {
        BadOwner.Mode[4] memory modes =
            [BadOwner.Mode.Refuses, BadOwner.Mode.Reverts, BadOwner.Mode.BurnsGas, BadOwner.Mode.RevertsWithMegabyte];
        for (uint256 i = 0; i < 4; ++i) {
            uint256 before = vm.snapshotState();
            (BidData memory bid, BadOwner owner) = _contractsBid();
            _commitAround(bid);
            owner.behave(modes[i]);
            _revealFails(NEUTRAL, UNSIGNED);
            vm.revertToState(before);
        }
    }

    /// @dev The answer is one word. What follows it is not copied, and what it costs to make counts
    /// against the gas that the contract is asked with.
    function test_AContractsAnswerIsOneWord() public {
        uint256[5] memory lengths = [uint256(0), 4, 31, 100_000, 1_000_000];
        for (uint256 i = 0; i < 5; ++i) {
            uint256 before = vm.snapshotState();
            (BidData memory bid, BadOwner owner) = _contractsBid();
            _commitAround(bid);
            owner.answerAtLength(lengths[i]);
            if (lengths[i] == 100_000) _revealSettles();
            else _revealFails(NEUTRAL, UNSIGNED);
            vm.revertToState(before);
        }
    }

    function test_ACostlySignatureIsPaidByItsBid() public {
        (BidData memory bid, BadOwner owner) = _contractsBid();
        _commitAround(bid);
        owner.useGas(ERC1271_GAS - 10_000);
        _revealSettles();
    }

    function test_ASignatureThatCostsMoreThanItMayFailsItsBidOnly() public {
        (BidData memory bid, BadOwner owner) = _contractsBid();
        _commitAround(bid);
        owner.useGas(ERC1271_GAS);
        _revealFails(NEUTRAL, UNSIGNED);
    }

    /// @dev A costly signature is within its cap, but not within what its bid has signed.
    function test_ACostlySignatureUsesUpItsOwnBidsGasOnly() public {
        (BidData memory bid, BadOwner owner) = _contractsBid();
        bid.gas = 250_000;
        _signHostile(bid);
        _commitAround(bid);
        owner.useGas(ERC1271_GAS - 10_000);
        _revealFails(NEUTRAL, UNSIGNED);
    }

    function test_TwoContractsThatBurnGasFailTheirBidOnly() public {
        (BidData memory bid, BadOwner owner) = _contractsBid();
        BadOwner other = _contract();
        bid.intents[0].owner = address(other);
        (bid.intents[0].form1, bid.intents[0].signature) = (true, "accepted");
        _signHostile(bid);
        _commitAround(bid);
        other.useGas(ERC1271_GAS - 10_000);
        owner.behave(BadOwner.Mode.BurnsGas);
        _revealFails(NEUTRAL, UNSIGNED);
    }

    /// @dev It is asked in a static call: doors that are open otherwise fail, those that are shut say so.
    function test_AContractThatIsAskedFindsEveryDoorShut() public {
        (BidData memory bid, BadOwner owner) = _contractsBid();
        bid.intents[1].signature = abi.encode(address(settlement), _staticDoors());
        _signHostile(bid);
        _commitAround(bid);
        owner.behave(BadOwner.Mode.Knocks);
        _revealSettles();
    }

    function _contractsBid() private returns (BidData memory bid, BadOwner owner) {
        owner = _contract();
        bid = _hostileBid();
        bid.intents[1].owner = address(owner);
        (bid.intents[1].form1, bid.intents[1].signature) = (true, "accepted");
        _signHostile(bid);
    }

    function _contract() private returns (BadOwner owner) {
        owner = new BadOwner();
        _fund(address(owner));
    }
}
