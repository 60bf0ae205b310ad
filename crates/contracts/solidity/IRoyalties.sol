// SPDX-License-Identifier: MIT OR Apache-2.0
// Written from crates/contracts; edit the declaration there.
pragma solidity ^0.8.20;

interface IRoyalties {
    error BackingStillThawing(uint64 thawEnd);
    error BackingTooSmall(uint128 backing, uint128 needed);
    error BadCalldata();
    error BrokenInvariant(string what);
    error ContributionNotPublished(uint64 contributionId);
    error DelegateCallRefused();
    error InsufficientFunds(uint256 available, uint256 needed);
    error NoBacking(uint64 datanetId, address backer);
    error NothingEarned();
    error NothingToSweep(uint64 datanetId);
    error OutOfBounds(string what);
    error Overflow();
    error StaticCallRefused();
    error UnknownPoolDatanet(uint64 datanetId);
    error UnknownRouteModel(uint64 modelId);
    error UnknownSelector(bytes4 selector);
    error ValueRefused(uint256 value);
    error WrongValue(uint256 expected, uint256 value);
    error ZeroAmount();

    event Backed(uint64 indexed datanetId, address indexed backer, uint128 amount, uint128 backing);
    event BackersPaid(uint64 indexed datanetId, address indexed from, uint128 amount);
    event BackingClaimed(uint64 indexed datanetId, address indexed backer, uint128 amount);
    event BackingWithdrawn(uint64 indexed datanetId, address indexed backer, uint128 amount);
    event CommonsClaimed(uint64 indexed contributionId, uint64 indexed datanetId, address indexed contributor, uint128 amount);
    event CommonsPaid(uint64 indexed datanetId, address indexed from, uint128 amount);
    event CommonsSwept(uint64 indexed datanetId, uint128 amount);
    event ProtocolPaid(address indexed from, uint8 indexed role, uint128 treasury, uint128 burned);
    event Unbacked(uint64 indexed datanetId, address indexed backer, uint128 amount, uint64 thawEnd);

    function DOMAIN_SEPARATOR() external view returns (bytes32);
    function back(uint64 datanetId) external payable;
    function backingOf(uint64 datanetId, address backer) external view returns ((uint128, uint128, uint64, uint128) memory);
    function claimBacking(uint64 datanetId) external returns (uint128 amount);
    function claimCommons(uint64 contributionId) external returns (uint128 amount);
    function commonsOf(uint64 contributionId) external view returns (uint128 amount);
    function donate(uint64 datanetId) external payable;
    function lineageOf(uint64 modelId) external view returns ((uint64, address, uint64[], uint32[])[] memory);
    function poolOf(uint64 datanetId) external view returns ((uint128, uint128, uint128, uint128, uint64) memory);
    function protocolTotals() external view returns (uint128 treasury, uint128 burned);
    function receiptDigest((address, address, bytes32, address, uint64, bytes32, bytes32, bytes32, (uint64, uint32, bytes32), bytes32, bytes32, uint32, uint32, (uint32, uint32, uint32, uint32, bytes32), bytes32, bytes32, uint128, uint128, bytes32, bytes32, uint64, bytes32, uint64) memory receipt) external view returns (bytes32);
    function routeOf(uint64 modelId) external view returns ((uint64, address, uint32)[] memory);
    function royaltiesParams() external view returns ((uint32, uint32, uint32, uint32, uint32, uint32, uint32, uint64, address) memory);
    function splitOf(uint128 feeCompute, uint128 feeLicence) external view returns ((uint128, uint128, uint128, uint128, uint128, uint128) memory);
    function supportsInterface(bytes4 interfaceId) external view returns (bool);
    function sweepCommons(uint64 datanetId) external returns (uint128 amount);
    function unback(uint64 datanetId, uint128 amount) external;
    function verifyReceipt((address, address, bytes32, address, uint64, bytes32, bytes32, bytes32, (uint64, uint32, bytes32), bytes32, bytes32, uint32, uint32, (uint32, uint32, uint32, uint32, bytes32), bytes32, bytes32, uint128, uint128, bytes32, bytes32, uint64, bytes32, uint64) memory receipt, bytes memory signature) external view returns (address signer, bool valid);
    function withdrawBacking(uint64 datanetId) external returns (uint128 amount);
}
