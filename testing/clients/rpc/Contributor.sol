// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {IChannels} from "IChannels.sol";
import {IDatanets} from "IDatanets.sol";

/// A contract that contributes rows, is paid for answers, and claims by itself.
contract Contributor {
    IDatanets constant DATANETS = IDatanets(0x0000000000000000000000000000000000001003);
    IChannels constant CHANNELS = IChannels(0x0000000000000000000000000000000000001007);

    event Received(uint256 amount);

    address public immutable owner = msg.sender;
    uint64 public contribution;

    function contribute(
        uint64 datanet,
        bytes32 itemsRoot,
        uint64 itemCount,
        bytes32 dataCommit,
        string calldata uri
    ) external payable {
        require(msg.sender == owner, "not the owner");
        contribution = DATANETS.contribute{value: msg.value}(
            datanet, itemsRoot, itemCount, dataCommit, uri
        );
    }

    function claim(
        address gateway,
        uint64 epoch,
        uint8 role,
        uint128 cumulative,
        uint64 index,
        IChannels.SumNode[] calldata siblings
    ) external returns (uint128 amount) {
        amount = CHANNELS.claim(gateway, epoch, role, cumulative, index, siblings);
        emit Received(amount);
    }
}
