// SPDX-License-Identifier: MIT OR Apache-2.0
// Written from crates/contracts/src/royalties.rs; edit the declaration there.
pragma solidity ^0.8.20;

/// The split of a paid call and the pools that are not single accounts.
interface IRoyalties {
    /// A fee cut into parts; they sum to compute + licence.
    struct Split {
        uint128 provider;
        uint128 protocolCompute;
        uint128 protocolLicence;
        uint128 lineage;
        uint128 data;
        uint128 backers;
    }
    /// One model of a lineage: who owns it now and what part of its income climbs to whom.
    struct LineageStep { uint64 modelId; address owner; uint64[] parents; uint32[] sharesPpm; }
    /// A payee's part of the lineage part, in millionths; they sum to 1,000,000.
    struct Route { uint64 modelId; address owner; uint32 sharePpm; }
    /// A datanet's pools. `backing` is staked; the others are paid in.
    struct Pool {
        uint128 backing;
        uint128 backersReceived;
        uint128 commonsReceived;
        uint128 commonsUndistributed;
        uint64 commonsItems;
    }
    /// A backer's stake in one datanet.
    struct Backing { uint128 amount; uint128 thawing; uint64 thawEnd; uint128 earned; }
    /// Genesis parameters. The licence parts sum to 1,000,000; data gets what flooring leaves, too.
    struct RoyaltiesParams {
        uint32 computeProtocolPpm;
        uint32 licenceProtocolPpm;
        uint32 lineagePpm;
        uint32 dataPpm;
        uint32 backersPpm;
        uint32 computeBurnPpm;
        uint32 licenceBurnPpm;
        uint64 backingThaw;
        address treasury;
    }
    /// The data that attribution searched.
    struct SnapshotPoint { uint64 datanetId; uint32 version; bytes32 root; }
    /// How tokens were chosen; `digest` covers the stop texts too.
    struct Sampler {
        uint32 temperatureMicro;
        uint32 topPPpm;
        uint32 topK;
        uint32 maxTokens;
        bytes32 digest;
    }
    /// EIP-712, domain "Tributary Receipts" version "1"; field by field `ReceiptBody`.
    struct Receipt {
        address gateway;
        address payer;
        bytes32 channelId;
        address provider;
        uint64 modelId;
        bytes32 modelDigest;
        bytes32 adapterDigest;
        bytes32 tokenizerDigest;
        SnapshotPoint snapshot;
        bytes32 promptCommitment;
        bytes32 completionCommitment;
        uint32 promptTokens;
        uint32 completionTokens;
        Sampler sampler;
        bytes32 jobSeed;
        bytes32 logitsDigest;
        uint128 feeCompute;
        uint128 feeLicence;
        bytes32 spansDigest;
        bytes32 sharesDigest;
        uint64 blockNumber;
        bytes32 blockHash;
        uint64 issuedAt;
    }

    /// Stakes the value behind a datanet.
    function back(uint64 datanetId) external payable;
    /// Starts the way out; thawing backing earns nothing.
    function unback(uint64 datanetId, uint128 amount) external;
    /// Pays out thawed backing.
    function withdrawBacking(uint64 datanetId) external returns (uint128 amount);
    /// Pays what the caller's backing has earned.
    function claimBacking(uint64 datanetId) external returns (uint128 amount);
    /// Pays what a published contribution has earned from the commons, to its contributor.
    function claimCommons(uint64 contributionId) external returns (uint128 amount);
    /// Moves a commons remainder that no item can receive to the treasury: less than a wei
    /// per item, or all of it once a datanet is closed and has no items.
    function sweepCommons(uint64 datanetId) external returns (uint128 amount);
    /// Adds the value to a datanet's commons.
    function donate(uint64 datanetId) external payable;

    /// Cuts a fee.
    function splitOf(uint128 feeCompute, uint128 feeLicence) external view returns (Split memory);
    /// The lineage of a model, nearest first (as `models.lineageOf`).
    function lineageOf(uint64 modelId) external view returns (LineageStep[] memory);
    /// What part of the lineage part each model's owner gets.
    function routeOf(uint64 modelId) external view returns (Route[] memory);
    /// A datanet's pools.
    function poolOf(uint64 datanetId) external view returns (Pool memory);
    /// A backer's stake and unclaimed earnings.
    function backingOf(uint64 datanetId, address backer) external view returns (Backing memory);
    /// What `claimCommons` would pay.
    function commonsOf(uint64 contributionId) external view returns (uint128 amount);
    /// Paid in so far: (to the treasury, burned).
    function protocolTotals() external view returns (uint128 treasury, uint128 burned);
    /// EIP-712 digest of a receipt: its id.
    function receiptDigest(Receipt calldata receipt) external view returns (bytes32);
    /// Who signed, and whether it is the receipt key of the provider's active provision.
    function verifyReceipt(Receipt calldata receipt, bytes calldata signature) external view returns (address signer, bool valid);
    /// EIP-712 domain separator.
    function DOMAIN_SEPARATOR() external view returns (bytes32);
    /// Genesis parameters.
    function royaltiesParams() external view returns (RoyaltiesParams memory);

    event Backed(uint64 indexed datanetId, address indexed backer, uint128 amount, uint128 backing);
    event Unbacked(uint64 indexed datanetId, address indexed backer, uint128 amount, uint64 thawEnd);
    event BackingWithdrawn(uint64 indexed datanetId, address indexed backer, uint128 amount);
    event BackersPaid(uint64 indexed datanetId, address indexed from, uint128 amount);
    event CommonsPaid(uint64 indexed datanetId, address indexed from, uint128 amount);
    event BackingClaimed(uint64 indexed datanetId, address indexed backer, uint128 amount);
    event CommonsClaimed(uint64 indexed contributionId, uint64 indexed datanetId, address indexed contributor, uint128 amount);
    event CommonsSwept(uint64 indexed datanetId, uint128 amount);
    event ProtocolPaid(address indexed from, uint8 indexed role, uint128 treasury, uint128 burned);

    error NothingEarned();
    error NoBacking(uint64 datanetId, address backer);
    error BackingTooSmall(uint128 backing, uint128 needed);
    error BackingStillThawing(uint64 thawEnd);
    error ContributionNotPublished(uint64 contributionId);
    error NothingToSweep(uint64 datanetId);
    error UnknownPoolDatanet(uint64 datanetId);
    error UnknownRouteModel(uint64 modelId);
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
