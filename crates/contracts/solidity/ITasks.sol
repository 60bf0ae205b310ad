// SPDX-License-Identifier: MIT OR Apache-2.0
// Written from crates/contracts; edit the declaration there.
pragma solidity ^0.8.20;

interface ITasks {
    error BadCalldata();
    error BadDeadline(uint64 deadline);
    error BrokenInvariant(string what);
    error ChosenProvider(uint64 taskId, address provider);
    error DeadlineNotReached(uint64 taskId, uint64 deadline);
    error DeadlinePassed(uint64 taskId, uint64 deadline);
    error DelegateCallRefused();
    error EmptyEscrow();
    error EmptyResult();
    error FeeTooHigh(uint128 fee, uint128 maxFee);
    error InsufficientFunds(uint256 available, uint256 needed);
    error NoProvision(address caller);
    error NotCovered(uint64 provisionId, uint128 available, uint128 needed);
    error NotProvider(uint64 taskId, address caller);
    error NotRequester(uint64 taskId, address caller);
    error OutOfBounds(string what);
    error Overflow();
    error StaticCallRefused();
    error UnknownSelector(bytes4 selector);
    error UnknownTask(uint64 taskId);
    error UnknownTaskKind(uint8 kind);
    error ValueRefused(uint256 value);
    error WrongTaskState(uint64 taskId, uint8 state);
    error WrongValue(uint256 expected, uint256 value);

    event TaskAccepted(uint64 indexed id, address indexed provider, uint64 provisionId, uint128 locked);
    event TaskCancelled(uint64 indexed id, address indexed requester, uint128 refund, uint128 toProvider);
    event TaskCompleted(uint64 indexed id, address indexed provider, bytes32 resultDigest, uint64 modelId, uint128 fee, uint128 protocolFee, uint128 refund);
    event TaskExpired(uint64 indexed id, address indexed requester, uint128 refund, uint128 penalty);
    event TaskReleased(uint64 indexed id, address indexed provider);
    event TaskSubmitted(uint64 indexed id, address indexed requester, uint8 indexed kind, uint64 modelId, uint64 datanetId, uint32 version, address provider, uint128 maxFee, uint64 deadline);

    function acceptTask(uint64 taskId) external;
    function cancelTask(uint64 taskId) external;
    function completeTask(uint64 taskId, bytes32 resultDigest, bytes32 cardDigest, uint128 fee) external returns (uint64 modelId);
    function expireTask(uint64 taskId) external;
    function getTask(uint64 taskId) external view returns ((uint64, uint8, address, (uint8, uint64, uint64, uint32, bytes32, string, string, string, uint128, uint128, uint64, address), uint128, uint128, address, uint64, uint128, bytes32, uint64, uint64, uint64, uint64) memory);
    function nextTimer() external view returns (uint64 due);
    function openTasks(uint64 from, uint64 count) external view returns (uint64[] memory);
    function poke(uint32 max) external returns (uint32 handled);
    function releaseTask(uint64 taskId) external;
    function submitTask((uint8, uint64, uint64, uint32, bytes32, string, string, string, uint128, uint128, uint64, address) memory spec) external payable returns (uint64 taskId);
    function supportsInterface(bytes4 interfaceId) external view returns (bool);
    function taskCount() external view returns (uint64);
    function tasks(uint64 from, uint64 count) external view returns ((uint64, uint8, address, (uint8, uint64, uint64, uint32, bytes32, string, string, string, uint128, uint128, uint64, address), uint128, uint128, address, uint64, uint128, bytes32, uint64, uint64, uint64, uint64)[] memory);
    function tasksOf(address requester, uint64 from, uint64 count) external view returns (uint64[] memory);
    function tasksParams() external view returns ((uint32, uint32, uint32, uint32, uint64, uint64, address) memory);
}
