// SPDX-License-Identifier: MIT OR Apache-2.0
// Written from crates/contracts/src/models.rs; edit the declaration there.
pragma solidity ^0.8.20;

/// The registry of models. Kinds: 1 base, 2 adapter. Status: 1 active, 2 deprecated.
interface IModels {
    /// A frozen version of a datanet.
    struct SnapshotKey { uint64 datanetId; uint32 version; }
    /// What an owner registers. `parents` have smaller ids; an adapter has at least one.
    struct ModelSpec {
        uint8 kind;
        string name;
        bytes32 digest;
        bytes32 tokenizerDigest;
        bytes32 cardDigest;
        string licence;
        string uri;
        uint64[] parents;
        SnapshotKey[] snapshots;
        uint128 priceIn;
        uint128 priceOut;
        uint32 derivativeSharePpm;
    }
    /// A registered model. Prices (wei per token) are the ones in force now.
    struct Model {
        uint64 id;
        uint8 kind;
        uint8 status;
        address owner;
        string name;
        bytes32 digest;
        bytes32 tokenizerDigest;
        bytes32 cardDigest;
        string licence;
        string uri;
        uint64[] parents;
        uint32[] parentSharesPpm;
        SnapshotKey[] snapshots;
        uint128 priceIn;
        uint128 priceOut;
        uint128 nextPriceIn;
        uint128 nextPriceOut;
        uint64 nextPriceAt;
        uint32 derivativeSharePpm;
        uint8 depth;
        uint64 taskId;
        uint64 registeredAt;
    }
    /// One model of a lineage: who owns it now and what part of its income climbs to whom.
    struct LineageStep { uint64 modelId; address owner; uint64[] parents; uint32[] sharesPpm; }
    /// Genesis parameters.
    struct ModelsParams {
        uint64 priceRiseDelay;
        uint32 maxParentSharePpm;
        uint32 maxParentSumPpm;
        uint8 maxDepth;
    }

    /// Registers a model of the caller; the name is first come, first served.
    function registerModel(ModelSpec calldata spec) external returns (uint64 modelId);
    /// Sets prices: a fall holds at once, a rise after the delay.
    function setPrice(uint64 modelId, uint128 priceIn, uint128 priceOut) external;
    /// Sets what part of a later child's income climbs to this model.
    function setDerivativeShare(uint64 modelId, uint32 sharePpm) external;
    /// Sets licence and uri.
    function setLicence(uint64 modelId, string calldata licence, string calldata uri) external;
    /// Moves future, not accrued, income.
    function transferModel(uint64 modelId, address to) external;
    /// No new children and no new service; income still routes.
    function deprecate(uint64 modelId) external;

    /// One model.
    function getModel(uint64 modelId) external view returns (Model memory);
    /// By its name; reverts with `UnknownModelName`.
    function modelByName(string calldata name) external view returns (Model memory);
    /// By the digest of its file; id 0 when there is none.
    function modelIdByDigest(bytes32 digest) external view returns (uint64 modelId);
    /// Models ever registered; ids are 1..count.
    function modelCount() external view returns (uint64);
    /// `count` (at most 64) models from id `from`.
    function models(uint64 from, uint64 count) external view returns (Model[] memory);
    /// Ids of an owner's models, `count` (at most 256) from index `from`.
    function modelsOf(address owner, uint64 from, uint64 count) external view returns (uint64[] memory);
    /// The model, then its ancestors breadth first.
    function lineageOf(uint64 modelId) external view returns (LineageStep[] memory);
    /// Prices in force now.
    function priceOf(uint64 modelId) external view returns (uint128 priceIn, uint128 priceOut);
    /// True when nobody has the name and no task has reserved it.
    function nameFree(string calldata name) external view returns (bool);
    /// Genesis parameters.
    function modelsParams() external view returns (ModelsParams memory);

    event ModelRegistered(uint64 indexed id, address indexed owner, uint8 indexed kind, string name, bytes32 digest, uint64 taskId);
    event LineageAttested(uint64 indexed id, uint64[] parents, uint32[] sharesPpm, SnapshotKey[] snapshots);
    event PriceChanged(uint64 indexed id, address indexed owner, uint128 priceIn, uint128 priceOut, uint64 effectiveAt);
    event DerivativeShareChanged(uint64 indexed id, address indexed owner, uint32 sharePpm);
    event LicenceChanged(uint64 indexed id, address indexed owner, string licence, string uri);
    event ModelTransferred(uint64 indexed id, address indexed from, address indexed to);
    event ModelDeprecated(uint64 indexed id, address indexed owner);

    error UnknownModel(uint64 modelId);
    error UnknownModelName(string name);
    error NotModelOwner(uint64 modelId, address caller);
    error UnknownKind(uint8 kind);
    error BadName(string name);
    error NameTaken(string name);
    error DigestTaken(bytes32 digest, uint64 modelId);
    error BadParent(uint64 modelId);
    error TooManyParents(uint256 count);
    error TooManySnapshots(uint256 count);
    error LineageTooDeep(uint8 depth);
    error LineageTooWide(uint256 count);
    error ParentShareTooHigh(uint32 sharePpm);
    error ModelIsDeprecated(uint64 modelId);
    error AdapterNeedsParent();
    error BaseHasParents();

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
