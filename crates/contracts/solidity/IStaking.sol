// SPDX-License-Identifier: MIT OR Apache-2.0
// Written from crates/contracts/src/staking.rs; edit the declaration there.
pragma solidity ^0.8.20;

/// Stake and what it stands for. Roles: 1 provider, 2 reviewer, 3 gateway.
interface IStaking {
    /// Coins of one owner.
    struct Stake { uint128 free; uint128 provisioned; uint128 unbonding; }
    /// Coins on their way out.
    struct Unbonding { uint128 amount; uint64 availableAt; }
    /// Coins set aside for one role. `tokens` includes `thawing` and `locked`.
    struct Provision {
        uint64 id;
        address owner;
        uint8 role;
        uint128 tokens;
        uint128 thawing;
        uint64 thawEnd;
        uint128 locked;
        bool active;
        uint64 createdAt;
    }
    /// What a provider (or gateway) tells the world. Prices are wei per token.
    struct Profile {
        string endpoint;
        address receiptKey;
        uint128 priceIn;
        uint128 priceOut;
        uint128 trainPrice;
        uint64 updatedAt;
    }
    /// A provision and its profile.
    struct Member { Provision provision; Profile profile; }
    /// Genesis parameters.
    struct StakingParams {
        uint64 unbondingPeriod;
        uint64 thawPeriod;
        uint128 minProvider;
        uint128 minReviewer;
        uint128 minGateway;
        uint32 victimCutPpm;
    }

    /// Adds the value to the caller's free stake.
    function stake() external payable;
    /// Starts the way out of free stake.
    function unstake(uint128 amount) external;
    /// Pays out whatever has unbonded.
    function withdrawUnbonded() external returns (uint128 amount);
    /// Sets free stake aside for a role; one provision per owner and role.
    function provision(uint8 role, uint128 amount) external returns (uint64 provisionId);
    /// Adds free stake to an own provision.
    function addToProvision(uint64 provisionId, uint128 amount) external;
    /// Starts the way back to free stake; thawing stake can still be slashed.
    function thaw(uint64 provisionId, uint128 amount) external;
    /// Moves thawed stake back to free stake.
    function deprovision(uint64 provisionId) external returns (uint128 amount);
    /// Sets the public profile of an own provision.
    function setProfile(uint64 provisionId, string calldata endpoint, address receiptKey, uint128 priceIn, uint128 priceOut, uint128 trainPrice) external;
    /// Takes stake away; only the module that owns the role, so never from outside.
    function slash(uint64 provisionId, uint128 amount, address victim, bytes32 evidence) external;

    /// An owner's coins.
    function stakeOf(address owner) external view returns (Stake memory);
    /// An owner's coins on their way out.
    function unbondingOf(address owner) external view returns (Unbonding[] memory);
    /// One provision.
    function getProvision(uint64 provisionId) external view returns (Provision memory);
    /// An owner's provision for a role; id 0 when there is none.
    function provisionOf(address owner, uint8 role) external view returns (Provision memory);
    /// An owner's provisions of all roles.
    function provisionsOf(address owner) external view returns (Provision[] memory);
    /// How many provisions were ever made; ids are 1..count.
    function provisionCount() external view returns (uint64);
    /// A provision's profile.
    function profileOf(uint64 provisionId) external view returns (Profile memory);
    /// True when the owner's provision for the role holds at least the minimum unthawed.
    function isActive(address owner, uint8 role) external view returns (bool);
    /// How many active provisions a role has.
    function memberCount(uint8 role) external view returns (uint64);
    /// Active provisions of a role with profiles, `count` (at most 64) from index `from`.
    function members(uint8 role, uint64 from, uint64 count) external view returns (Member[] memory);
    /// Genesis parameters.
    function stakingParams() external view returns (StakingParams memory);

    event Staked(address indexed owner, uint128 amount, uint128 free);
    event Unstaked(address indexed owner, uint128 amount, uint64 availableAt);
    event Withdrawn(address indexed owner, uint128 amount);
    event Provisioned(uint64 indexed id, address indexed owner, uint8 indexed role, uint128 amount, uint128 tokens);
    event ThawStarted(uint64 indexed id, address indexed owner, uint128 amount, uint64 thawEnd);
    event Deprovisioned(uint64 indexed id, address indexed owner, uint128 amount);
    event ProfileSet(uint64 indexed id, address indexed owner, string endpoint, address receiptKey, uint128 priceIn, uint128 priceOut, uint128 trainPrice);
    event Slashed(uint64 indexed id, address indexed owner, uint128 amount, uint128 victimCut, uint128 burned, address indexed victim, bytes32 evidence);
    event Locked(uint64 indexed id, uint128 amount, uint128 locked);
    event Unlocked(uint64 indexed id, uint128 amount, uint128 locked);

    error UnknownProvision(uint64 provisionId);
    error NotProvisionOwner(uint64 provisionId, address caller);
    error NotOwningModule(address caller);
    error UnknownRole(uint8 role);
    error ProvisionExists(address owner, uint8 role, uint64 provisionId);
    error ProvisionTooSmall(uint128 tokens, uint128 needed);
    error StakeTooSmall(uint128 free, uint128 needed);
    error StillThawing(uint64 provisionId, uint64 thawEnd);
    error NothingToWithdraw(address owner);
    error TooManyUnbondings(address owner);
    error NotActive(address owner, uint8 role);
    error StillOwing(address owner);
    error ZeroAmount();

    /// ERC-165.
    function supportsInterface(bytes4 interfaceId) external view returns (bool);
    /// ERC-6372: what deadlines are measured by, the block's time in seconds.
    function clock() external view returns (uint48);
    /// ERC-6372: "mode=timestamp".
    function CLOCK_MODE() external view returns (string memory);

    /// The call is shorter than a selector, or its arguments do not decode.
    error BadCalldata();
    /// No function has this selector.
    error UnknownSelector(bytes4 selector);
    /// Modules act for their direct caller only: no `DELEGATECALL`, no `CALLCODE`.
    error DelegateCallRefused();
    /// A state change inside a `STATICCALL`.
    error StaticCallRefused();
    /// The function takes no coins.
    error ValueRefused(uint256 value);
    /// The function needs exactly this value.
    error WrongValue(uint256 expected, uint256 value);
    /// An argument is outside its bounds; `what` names it.
    error OutOfBounds(string what);
    /// A sum or product does not fit.
    error Overflow();
    /// A bucket holds less than the move needs.
    error InsufficientFunds(uint256 available, uint256 needed);
    /// A module's own books do not match: the call changes nothing.
    error BrokenInvariant(string what);
}
