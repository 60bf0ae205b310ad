//! What every native module answers: ERC-165, ERC-6372 and the errors any of them may revert with.

use alloy_sol_types::sol;

sol! {
    #![sol(all_derives = true, extra_derives(serde::Serialize, serde::Deserialize))]
    /// Functions and errors common to all modules.
    #[sol(abi)]
    interface IModule {
        /// ERC-165.
        function supportsInterface(bytes4 interfaceId) external view returns (bool);
        /// ERC-6372: what deadlines are measured by, the block's time in seconds.
        function clock() external view returns (uint48);
        /// ERC-6372: "mode=timestamp".
        function CLOCK_MODE() external view returns (string);

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
}
