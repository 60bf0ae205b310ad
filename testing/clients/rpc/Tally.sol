// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// What the client scripts deploy: an event, a mapping, a payable call, every kind of failure.
contract Tally {
    event Added(address indexed who, uint256 amount, uint256 sum);
    error TooMuch(uint256 asked, uint256 limit);

    uint256 public sum;
    mapping(address => uint256) public added;

    constructor(uint256 start) {
        sum = start;
    }

    function add(uint256 amount) external returns (uint256) {
        require(amount != 0, "nothing to add");
        if (amount > 1000) revert TooMuch(amount, 1000);
        sum += amount;
        added[msg.sender] += amount;
        emit Added(msg.sender, amount, sum);
        return sum;
    }

    function pay() external payable returns (uint256) {
        return address(this).balance;
    }

    function time() external view returns (uint256) {
        return block.timestamp;
    }
}
