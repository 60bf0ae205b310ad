// SPDX-License-Identifier: MIT OR Apache-2.0
// Written from crates/contracts; edit the declaration there.
pragma solidity ^0.8.20;

interface IModels {
    error AdapterNeedsParent();
    error BadCalldata();
    error BadName(string name);
    error BadParent(uint64 modelId);
    error BaseHasParents();
    error BrokenInvariant(string what);
    error DelegateCallRefused();
    error DigestTaken(bytes32 digest, uint64 modelId);
    error InsufficientFunds(uint256 available, uint256 needed);
    error LineageTooDeep(uint8 depth);
    error LineageTooWide(uint256 count);
    error ModelIsDeprecated(uint64 modelId);
    error NameTaken(string name);
    error NotModelOwner(uint64 modelId, address caller);
    error OutOfBounds(string what);
    error Overflow();
    error ParentShareTooHigh(uint32 sharePpm);
    error StaticCallRefused();
    error TooManyParents(uint256 count);
    error TooManySnapshots(uint256 count);
    error UnknownKind(uint8 kind);
    error UnknownModel(uint64 modelId);
    error UnknownModelName(string name);
    error UnknownSelector(bytes4 selector);
    error ValueRefused(uint256 value);
    error WrongValue(uint256 expected, uint256 value);

    event DerivativeShareChanged(uint64 indexed id, address indexed owner, uint32 sharePpm);
    event LicenceChanged(uint64 indexed id, address indexed owner, string licence, string uri);
    event LineageAttested(uint64 indexed id, uint64[] parents, uint32[] sharesPpm, (uint64, uint32)[] snapshots);
    event ModelDeprecated(uint64 indexed id, address indexed owner);
    event ModelRegistered(uint64 indexed id, address indexed owner, uint8 indexed kind, string name, bytes32 digest, uint64 taskId);
    event ModelTransferred(uint64 indexed id, address indexed from, address indexed to);
    event PriceChanged(uint64 indexed id, address indexed owner, uint128 priceIn, uint128 priceOut, uint64 effectiveAt);

    function deprecate(uint64 modelId) external;
    function getModel(uint64 modelId) external view returns ((uint64, uint8, uint8, address, string, bytes32, bytes32, bytes32, string, string, uint64[], uint32[], (uint64, uint32)[], uint128, uint128, uint128, uint128, uint64, uint32, uint8, uint64, uint64) memory);
    function lineageOf(uint64 modelId) external view returns ((uint64, address, uint64[], uint32[])[] memory);
    function modelByName(string memory name) external view returns ((uint64, uint8, uint8, address, string, bytes32, bytes32, bytes32, string, string, uint64[], uint32[], (uint64, uint32)[], uint128, uint128, uint128, uint128, uint64, uint32, uint8, uint64, uint64) memory);
    function modelCount() external view returns (uint64);
    function modelIdByDigest(bytes32 digest) external view returns (uint64 modelId);
    function models(uint64 from, uint64 count) external view returns ((uint64, uint8, uint8, address, string, bytes32, bytes32, bytes32, string, string, uint64[], uint32[], (uint64, uint32)[], uint128, uint128, uint128, uint128, uint64, uint32, uint8, uint64, uint64)[] memory);
    function modelsOf(address owner, uint64 from, uint64 count) external view returns (uint64[] memory);
    function modelsParams() external view returns ((uint64, uint32, uint32, uint8) memory);
    function nameFree(string memory name) external view returns (bool);
    function priceOf(uint64 modelId) external view returns (uint128 priceIn, uint128 priceOut);
    function registerModel((uint8, string, bytes32, bytes32, bytes32, string, string, uint64[], (uint64, uint32)[], uint128, uint128, uint32) memory spec) external returns (uint64 modelId);
    function setDerivativeShare(uint64 modelId, uint32 sharePpm) external;
    function setLicence(uint64 modelId, string memory licence, string memory uri) external;
    function setPrice(uint64 modelId, uint128 priceIn, uint128 priceOut) external;
    function supportsInterface(bytes4 interfaceId) external view returns (bool);
    function transferModel(uint64 modelId, address to) external;
}
