// SPDX-License-Identifier: MIT OR Apache-2.0
// Written from crates/contracts/src/open.rs; edit the declaration there.
pragma solidity ^0.8.20;

/// ERC-20, ERC-2612, EIP-3009 and ERC-5267 over the native balance.
interface IOpen {
    /// "OPEN".
    function name() external view returns (string memory);
    /// "OPEN".
    function symbol() external view returns (string memory);
    /// 18.
    function decimals() external view returns (uint8);
    /// Always 10^27: burned coins are counted, not subtracted.
    function totalSupply() external view returns (uint256);
    /// Coins destroyed since genesis.
    function burned() external view returns (uint256);
    /// The native balance.
    function balanceOf(address account) external view returns (uint256);
    /// What `spender` may still move for `owner`.
    function allowance(address owner, address spender) external view returns (uint256);
    /// Moves native coins.
    function transfer(address to, uint256 amount) external returns (bool);
    /// Allows `spender` to move up to `amount`; the maximum is never used up.
    function approve(address spender, uint256 amount) external returns (bool);
    /// Moves native coins within an allowance.
    function transferFrom(address from, address to, uint256 amount) external returns (bool);

    /// ERC-2612.
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
    /// Next permit nonce.
    function nonces(address owner) external view returns (uint256);
    /// EIP-712 domain separator.
    function DOMAIN_SEPARATOR() external view returns (bytes32);
    /// ERC-5267.
    function eip712Domain() external view returns (bytes1 fields, string memory name, string memory version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] memory extensions);

    /// EIP-3009.
    function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external;
    /// EIP-3009 with a packed signature (r, s, v).
    function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes calldata signature) external;
    /// EIP-3009; only the payee may submit.
    function receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external;
    /// EIP-3009 with a packed signature; only the payee may submit.
    function receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes calldata signature) external;
    /// EIP-3009.
    function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external;
    /// EIP-3009 with a packed signature.
    function cancelAuthorization(address authorizer, bytes32 nonce, bytes calldata signature) external;
    /// True when the nonce is used or cancelled.
    function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
    event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);

    error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
    error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
    /// Nobody: the zero address or a native module.
    error ERC20InvalidReceiver(address receiver);
    error ERC20InvalidSpender(address spender);
    error ERC2612ExpiredSignature(uint256 deadline);
    error ERC2612InvalidSigner(address signer, address owner);
    error AuthorizationNotYetValid(uint256 validAfter);
    error AuthorizationExpired(uint256 validBefore);
    error AuthorizationUsedOrCanceled(address authorizer, bytes32 nonce);
    error AuthorizationInvalidSigner(address signer, address authorizer);
    error CallerMustBePayee(address caller, address payee);

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
