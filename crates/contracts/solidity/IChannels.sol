// SPDX-License-Identifier: MIT OR Apache-2.0
// Written from crates/contracts/src/channels.rs; edit the declaration there.
pragma solidity ^0.8.20;

/// The payment line. Channel status: 1 open, 2 closing, 3 closed.
/// Leaf roles: 1 provider, 2 lineage, 3 data (party: account); 4 backers, 5 commons
/// (party: datanet id); 6 protocol compute, 7 protocol licence (party: 0).
interface IChannels {
    /// A payer's prepaid coins.
    struct Escrow { uint128 balance; uint128 reserved; }
    /// A cap of one payer for one gateway and one voucher key.
    struct Channel {
        bytes32 id;
        address payer;
        address gateway;
        address signer;
        uint128 cap;
        uint128 redeemed;
        uint64 seq;
        uint64 expiry;
        uint64 closeAt;
        uint8 status;
        uint64 openedAt;
    }
    /// EIP-712, domain "Tributary Channels" version "1"; `cumulative` is over the channel's life.
    struct Voucher {
        bytes32 channelId;
        uint64 seq;
        uint128 cumulative;
        bytes32 usageRoot;
        uint64 deadline;
    }
    /// A gateway's word that it owes a payee at least so much: EIP-712 in the domain of the
    /// vouchers, signed by the gateway's account. It holds from the root of `epoch` on.
    struct Acknowledgement {
        address gateway;
        uint8 role;
        bytes32 party;
        uint128 cumulative;
        uint64 epoch;
        bytes32 receiptId;
    }
    /// What a gateway took in, promised and paid. `pot` is what is still here; `owingSince` is
    /// its last root or the first voucher after it, `windUpEnd` 0 unless it is being wound up.
    struct Gateway {
        uint128 pot;
        uint128 redeemed;
        uint128 rooted;
        uint128 paid;
        uint64 epoch;
        uint64 rootCount;
        uint64 owingSince;
        uint64 windUpEnd;
    }
    /// A posted Merkle-sum root. Status: 1 posted, 2 rejected.
    struct EpochRoot {
        uint64 epoch;
        bytes32 root;
        uint128 total;
        uint64 leaves;
        bytes32 dataHash;
        uint64 postedAt;
        uint64 claimableAt;
        uint8 status;
    }
    /// A sibling of a Merkle-sum path.
    struct SumNode { bytes32 hash; uint128 sum; }
    /// A leaf with its path.
    struct Claim {
        address gateway;
        uint64 epoch;
        uint8 role;
        bytes32 party;
        uint128 cumulative;
        uint64 index;
        SumNode[] siblings;
    }
    /// Genesis parameters.
    struct ChannelsParams {
        uint64 holdBack;
        uint64 closeGrace;
        uint64 maxExpiry;
        uint64 minEpoch;
        uint32 challengeSlashPpm;
        address treasury;
        uint64 abandonPeriod;
        uint64 windUpPeriod;
    }

    /// Adds the value to the caller's balance.
    function deposit() external payable;
    /// Adds the value to another payer's balance.
    function depositFor(address payer) external payable;
    /// Pays out unreserved balance.
    function withdraw(uint128 amount) external;
    /// Reserves `cap` of the balance for one gateway and one voucher key.
    function openChannel(address gateway, address signer, uint128 cap, uint64 expiry) external returns (bytes32 channelId);
    /// Raises the cap from the balance.
    function topUpChannel(bytes32 channelId, uint128 amount) external;
    /// Moves the expiry out.
    function extendChannel(bytes32 channelId, uint64 expiry) external;
    /// By the payer: closes after the grace in which the last voucher may come.
    function requestClose(bytes32 channelId) external;
    /// By the gateway at any time, by anyone once grace or expiry is over: frees the rest.
    function closeChannel(bytes32 channelId) external;
    /// Takes the newest voucher; anyone may bring it, the difference goes to the gateway's pot.
    function redeem(Voucher calldata voucher, bytes calldata signature) external returns (uint128 delta);
    /// Takes many (at most 256); bad ones are reported, not fatal. The sum of differences.
    function redeemBatch(Voucher[] calldata vouchers, bytes[] calldata signatures) external returns (uint128 delta);
    /// By the gateway: promises `total`, cumulative over all time, split under one root.
    function postEpochRoot(uint64 epoch, bytes32 root, uint128 total, uint64 leaves, bytes32 dataHash) external;
    /// A root that contradicts an earlier one: `later` is the payee's leaf with less, its second
    /// leaf in the same root, or the one or two neighbours between which its leaf is missing.
    /// The later root must still be held back; it is rejected and the gateway slashed.
    function challengeRoot(Claim calldata earlier, Claim[] calldata later) external;
    /// A root that gives a payee less than the gateway acknowledged, or leaves it out: `posted`
    /// as `later` above. The root must still be held back; it is rejected, the gateway slashed.
    function challengeUnderpay(Acknowledgement calldata acknowledgement, bytes calldata signature, Claim[] calldata posted) external;
    /// Pays the caller's own leaf: cumulative less what was paid.
    function claim(address gateway, uint64 epoch, uint8 role, uint128 cumulative, uint64 index, SumNode[] calldata siblings) external returns (uint128 amount);
    /// Pays any leaf to its party; anyone may call.
    function claimFor(Claim calldata claim_) external returns (uint128 amount);
    /// Pays many leaves (at most 64), skipping the ones that owe nothing.
    function claimMany(Claim[] calldata claims) external returns (uint128 amount);
    /// Starts to wind up a gateway that owes and has posted nothing for `abandonPeriod`; its next
    /// root ends that.
    function windUp(address gateway) external;
    /// While a gateway is wound up: pays what it acknowledged less what was paid, at most the pot.
    function claimAcknowledged(Acknowledgement calldata acknowledgement, bytes calldata signature) external returns (uint128 amount);
    /// Once a winding up is over: what nobody could claim goes to the treasury, the books close.
    function sweepPot(address gateway) external returns (uint128 amount);
    /// Closes up to `max` (at most 64) due channels; how many.
    function poke(uint32 max) external returns (uint32 handled);

    /// A payer's coins.
    function escrowOf(address payer) external view returns (Escrow memory);
    /// One channel.
    function getChannel(bytes32 channelId) external view returns (Channel memory);
    /// A payer's channels, `count` (at most 64) from index `from`.
    function channelsOf(address payer, uint64 from, uint64 count) external view returns (Channel[] memory);
    /// A gateway's channels, `count` (at most 64) from index `from`.
    function channelsOfGateway(address gateway, uint64 from, uint64 count) external view returns (Channel[] memory);
    /// The id the payer's next channel will get.
    function nextChannelId(address payer, address gateway, address signer) external view returns (bytes32);
    /// What redeeming would give; reverts as `redeem` would.
    function checkVoucher(Voucher calldata voucher, bytes calldata signature) external view returns (uint128 delta);
    /// EIP-712 digest of a voucher.
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32);
    /// EIP-712 digest of an acknowledgement.
    function acknowledgementDigest(Acknowledgement calldata acknowledgement) external view returns (bytes32);
    /// A gateway's sums.
    function getGateway(address gateway) external view returns (Gateway memory);
    /// One root.
    function epochRoot(address gateway, uint64 epoch) external view returns (EpochRoot memory);
    /// A gateway's roots in order of posting, `count` (at most 64) from index `from`.
    function epochRoots(address gateway, uint64 from, uint64 count) external view returns (EpochRoot[] memory);
    /// The newest root that can be claimed from now; epoch 0 when there is none.
    function claimableRoot(address gateway) external view returns (EpochRoot memory);
    /// Paid so far to a leaf.
    function claimed(address gateway, uint8 role, bytes32 party) external view returns (uint128);
    /// Second at which `poke` has something to do; 0 for never.
    function nextTimer() external view returns (uint64 due);
    /// EIP-712 domain separator.
    function DOMAIN_SEPARATOR() external view returns (bytes32);
    /// Genesis parameters.
    function channelsParams() external view returns (ChannelsParams memory);

    event Deposited(address indexed payer, address indexed from, uint128 amount, uint128 balance);
    event EscrowWithdrawn(address indexed payer, uint128 amount, uint128 balance);
    event ChannelOpened(bytes32 indexed channelId, address indexed payer, address indexed gateway, address signer, uint128 cap, uint64 expiry);
    event ChannelToppedUp(bytes32 indexed channelId, address indexed payer, uint128 amount, uint128 cap);
    event ChannelExtended(bytes32 indexed channelId, address indexed payer, uint64 expiry);
    event CloseRequested(bytes32 indexed channelId, address indexed payer, uint64 closeAt);
    event ChannelClosed(bytes32 indexed channelId, address indexed payer, address indexed gateway, uint128 redeemed, uint128 refund);
    event VoucherRedeemed(bytes32 indexed channelId, address indexed gateway, uint64 seq, uint128 cumulative, uint128 delta, bytes32 usageRoot);
    event VoucherRejected(bytes32 indexed channelId, uint64 seq, bytes4 reason);
    event EpochRootPosted(address indexed gateway, uint64 indexed epoch, bytes32 root, uint128 total, uint64 leaves, bytes32 dataHash, uint64 claimableAt);
    event RootRejected(address indexed gateway, uint64 indexed epoch, address indexed challenger);
    event WindUpStarted(address indexed gateway, uint64 windUpEnd);
    event WindUpCancelled(address indexed gateway);
    event PotSwept(address indexed gateway, uint128 amount);
    event Claimed(address indexed gateway, uint8 indexed role, bytes32 indexed party, uint64 epoch, uint128 cumulative, uint128 amount);

    error UnknownChannel(bytes32 channelId);
    error NotPayer(bytes32 channelId, address caller);
    error NotGateway(bytes32 channelId, address caller);
    error ChannelNotOpen(bytes32 channelId, uint8 status);
    error ChannelExpired(bytes32 channelId, uint64 expiry);
    error GraceNotOver(bytes32 channelId, uint64 closeAt);
    error BadExpiry(uint64 expiry);
    error BalanceTooSmall(address payer, uint128 balance, uint128 needed);
    error NotAGateway(address gateway);
    error StaleVoucher(bytes32 channelId, uint64 seq, uint64 lastSeq);
    error VoucherExpired(bytes32 channelId, uint64 deadline);
    error VoucherOverCap(bytes32 channelId, uint128 cumulative, uint128 cap);
    error VoucherDecreases(bytes32 channelId, uint128 cumulative, uint128 redeemed);
    error VoucherWrongSigner(bytes32 channelId, address recovered, address signer);
    error LengthMismatch(uint256 left, uint256 right);
    error StaleEpoch(uint64 epoch, uint64 lastEpoch);
    error TotalOverRedeemed(uint128 total, uint128 redeemed);
    error TotalDecreases(uint128 total, uint128 rooted);
    error EmptyRoot();
    error UnknownRoot(address gateway, uint64 epoch);
    error RootHeldBack(address gateway, uint64 epoch, uint64 claimableAt);
    error RootIsRejected(address gateway, uint64 epoch);
    error BadProof();
    error BadParty(uint8 role, bytes32 party);
    error UnknownLeafRole(uint8 role);
    error NothingToClaim(uint128 cumulative, uint128 paid);
    error PotTooSmall(uint128 pot, uint128 needed);
    error NoContradiction();
    error NotAcknowledged(address gateway, address recovered);
    error AcknowledgedLater(uint64 epoch, uint64 acknowledgedEpoch);
    error NotAbandoned(address gateway, uint64 abandonedAt);
    error NothingOwed(address gateway);
    error NotWindingUp(address gateway);
    error WindingUp(address gateway, uint64 windUpEnd);
    error HoldBackOver(address gateway, uint64 epoch);
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
