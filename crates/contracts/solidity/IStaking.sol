// SPDX-License-Identifier: MIT OR Apache-2.0
// Written from crates/contracts; edit the declaration there.
pragma solidity ^0.8.20;

interface IStaking {
    error BadCalldata();
    error BrokenInvariant(string what);
    error DelegateCallRefused();
    error InsufficientFunds(uint256 available, uint256 needed);
    error NotActive(address owner, uint8 role);
    error NotOwningModule(address caller);
    error NotProvisionOwner(uint64 provisionId, address caller);
    error NothingToWithdraw(address owner);
    error OutOfBounds(string what);
    error Overflow();
    error ProvisionExists(address owner, uint8 role, uint64 provisionId);
    error ProvisionTooSmall(uint128 tokens, uint128 needed);
    error StakeTooSmall(uint128 free, uint128 needed);
    error StaticCallRefused();
    error StillThawing(uint64 provisionId, uint64 thawEnd);
    error TooManyUnbondings(address owner);
    error UnknownProvision(uint64 provisionId);
    error UnknownRole(uint8 role);
    error UnknownSelector(bytes4 selector);
    error ValueRefused(uint256 value);
    error WrongValue(uint256 expected, uint256 value);
    error ZeroAmount();

    event Deprovisioned(uint64 indexed id, address indexed owner, uint128 amount);
    event Locked(uint64 indexed id, uint128 amount, uint128 locked);
    event ProfileSet(uint64 indexed id, address indexed owner, string endpoint, address receiptKey, uint128 priceIn, uint128 priceOut, uint128 trainPrice);
    event Provisioned(uint64 indexed id, address indexed owner, uint8 indexed role, uint128 amount, uint128 tokens);
    event Slashed(uint64 indexed id, address indexed owner, uint128 amount, uint128 victimCut, uint128 burned, address indexed victim, bytes32 evidence);
    event Staked(address indexed owner, uint128 amount, uint128 free);
    event ThawStarted(uint64 indexed id, address indexed owner, uint128 amount, uint64 thawEnd);
    event Unlocked(uint64 indexed id, uint128 amount, uint128 locked);
    event Unstaked(address indexed owner, uint128 amount, uint64 availableAt);
    event Withdrawn(address indexed owner, uint128 amount);

    function addToProvision(uint64 provisionId, uint128 amount) external;
    function deprovision(uint64 provisionId) external returns (uint128 amount);
    function getProvision(uint64 provisionId) external view returns ((uint64, address, uint8, uint128, uint128, uint64, uint128, bool, uint64) memory);
    function isActive(address owner, uint8 role) external view returns (bool);
    function memberCount(uint8 role) external view returns (uint64);
    function members(uint8 role, uint64 from, uint64 count) external view returns (((uint64, address, uint8, uint128, uint128, uint64, uint128, bool, uint64), (string, address, uint128, uint128, uint128, uint64))[] memory);
    function profileOf(uint64 provisionId) external view returns ((string, address, uint128, uint128, uint128, uint64) memory);
    function provision(uint8 role, uint128 amount) external returns (uint64 provisionId);
    function provisionCount() external view returns (uint64);
    function provisionOf(address owner, uint8 role) external view returns ((uint64, address, uint8, uint128, uint128, uint64, uint128, bool, uint64) memory);
    function provisionsOf(address owner) external view returns ((uint64, address, uint8, uint128, uint128, uint64, uint128, bool, uint64)[] memory);
    function setProfile(uint64 provisionId, string memory endpoint, address receiptKey, uint128 priceIn, uint128 priceOut, uint128 trainPrice) external;
    function slash(uint64 provisionId, uint128 amount, address victim, bytes32 evidence) external;
    function stake() external payable;
    function stakeOf(address owner) external view returns ((uint128, uint128, uint128) memory);
    function stakingParams() external view returns ((uint64, uint64, uint128, uint128, uint128, uint32) memory);
    function supportsInterface(bytes4 interfaceId) external view returns (bool);
    function thaw(uint64 provisionId, uint128 amount) external;
    function unbondingOf(address owner) external view returns ((uint128, uint64)[] memory);
    function unstake(uint128 amount) external;
    function withdrawUnbonded() external returns (uint128 amount);
}
