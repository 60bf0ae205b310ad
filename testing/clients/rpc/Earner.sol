// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import "IChannels.sol";
import "IDatanets.sol";

/// A contract that contributes rows and claims its own royalty. It has no `receive`: what it is
/// paid arrives without running it.
contract Earner {
    IDatanets constant DATANETS = IDatanets(0x0000000000000000000000000000000000001003);
    IChannels constant CHANNELS = IChannels(0x0000000000000000000000000000000000001007);

    constructor() payable {}

    /// Stakes for rows behind a root, out of its own coins.
    function contribute(uint64 datanet, bytes32 root, uint64 items, bytes32 commit) external returns (uint64) {
        (uint128 stake, uint128 fee) = DATANETS.contributionCost(datanet, items);
        return DATANETS.contribute{value: stake + fee}(datanet, root, items, commit, "");
    }

    /// Claims its data leaf with the proof.
    function claim(address gateway, uint64 epoch, uint128 cumulative, uint64 index, IChannels.SumNode[] calldata siblings)
        external
        returns (uint128)
    {
        return CHANNELS.claim(gateway, epoch, 3, cumulative, index, siblings);
    }
}
