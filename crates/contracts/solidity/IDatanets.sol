// SPDX-License-Identifier: MIT OR Apache-2.0
// Written from crates/contracts/src/datanets.rs; edit the declaration there.
pragma solidity ^0.8.20;

/// Datanet status: 1 active, 2 paused, 3 closed.
/// Contribution status: 1 submitted (waits for reviewers), 2 committing, 3 revealing,
/// 4 accepted (challenge window), 5 rejected, 6 slashed, 7 published, 8 withdrawn,
/// 9 expired, 10 tombstoned. Round 0 is the review, round 1 a challenge.
interface IDatanets {
    /// What an owner sets.
    struct DatanetSpec {
        string name;
        string uri;
        bytes32 schemaHash;
        string licence;
        uint8 reviewers;
        uint8 acceptScore;
        bool autoPublish;
    }
    /// A datanet. Stake and fee are the ones in force for new contributions.
    struct Datanet {
        uint64 id;
        address owner;
        uint8 status;
        DatanetSpec spec;
        uint128 stakePerItem;
        uint128 minStake;
        uint128 reviewFee;
        uint32 headVersion;
        uint64 contributionCount;
        uint64 publishedCount;
        uint64 publishedItems;
        uint64 tombstoneCount;
        uint64 createdAt;
    }
    /// Rows behind one Merkle root.
    struct Contribution {
        uint64 id;
        uint64 datanetId;
        address contributor;
        bytes32 itemsRoot;
        uint64 itemCount;
        bytes32 dataCommit;
        string uri;
        uint128 stake;
        uint128 fee;
        uint8 status;
        uint8 round;
        uint8 score;
        uint64 submittedAt;
        uint64 phaseEnd;
        uint32 version;
        uint64 leafIndex;
        address challenger;
        uint128 bond;
        bytes32 evidence;
    }
    /// A reviewer's seat in one round.
    struct Review {
        address reviewer;
        uint64 provisionId;
        bytes32 commitment;
        bool revealed;
        uint8 score;
        uint128 weight;
    }
    /// A frozen version. `root` covers all published contributions in order of acceptance.
    struct Snapshot {
        uint64 datanetId;
        uint32 version;
        bytes32 root;
        uint64 contributionCount;
        uint64 itemCount;
        bytes32 tombstoneRoot;
        uint64 tombstoneCount;
        uint64 publishedAt;
    }
    /// Genesis parameters. Amounts in wei, periods in seconds.
    struct DatanetsParams {
        uint128 stakePerItem;
        uint128 minStake;
        uint128 reviewFee;
        uint8 reviewers;
        uint8 acceptScore;
        bool closeEarly;
        uint64 assignDelay;
        uint64 assignTimeout;
        uint64 commitPeriod;
        uint64 revealPeriod;
        uint64 challengeWindow;
        uint32 noRevealSlashPpm;
        uint32 winnerCutPpm;
    }

    /// Opens a datanet of the caller; zero reviewers or score mean the default.
    function createDatanet(DatanetSpec calldata spec) external returns (uint64 datanetId);
    /// Changes what the owner set.
    function updateDatanet(uint64 datanetId, DatanetSpec calldata spec) external;
    /// Active, paused or closed.
    function setDatanetStatus(uint64 datanetId, uint8 status) external;
    /// Submits rows; the value is exactly stake + fee of `contributionCost`.
    function contribute(uint64 datanetId, bytes32 itemsRoot, uint64 itemCount, bytes32 dataCommit, string calldata uri) external payable returns (uint64 contributionId);
    /// Takes a contribution back before reviewers are drawn.
    function withdrawContribution(uint64 contributionId) external;
    /// A drawn reviewer's hidden score: see `reviewCommitment`.
    function commitReview(uint64 contributionId, bytes32 commitment) external;
    /// Shows the score (0 to 100).
    function revealReview(uint64 contributionId, uint8 score, bytes32 salt) external;
    /// Disputes an accepted contribution inside its window; the value is exactly its stake.
    function challenge(uint64 contributionId, bytes32 evidence) external payable;
    /// Freezes all accepted contributions whose window is over into the next version.
    function publishSnapshot(uint64 datanetId) external returns (uint32 version);
    /// By the owner or the contributor: marks a published contribution as withdrawn.
    function tombstone(uint64 contributionId, bytes32 reason) external;
    /// Does what is due for one contribution: draw, close a phase, expire, publish.
    function pokeContribution(uint64 contributionId) external;
    /// Does what is due for up to `max` (at most 32) contributions; how many.
    function poke(uint32 max) external returns (uint32 handled);

    /// One datanet.
    function getDatanet(uint64 datanetId) external view returns (Datanet memory);
    /// Datanets ever created; ids are 1..count.
    function datanetCount() external view returns (uint64);
    /// `count` (at most 64) datanets from id `from`.
    function datanets(uint64 from, uint64 count) external view returns (Datanet[] memory);
    /// One contribution.
    function getContribution(uint64 contributionId) external view returns (Contribution memory);
    /// Contributions ever made, over all datanets; ids are 1..count.
    function contributionCount() external view returns (uint64);
    /// A datanet's contributions in order of submission, `count` (at most 64) from index `from`.
    function contributionsOf(uint64 datanetId, uint64 from, uint64 count) external view returns (Contribution[] memory);
    /// Ids of an account's contributions, `count` (at most 256) from index `from`.
    function contributionsBy(address contributor, uint64 from, uint64 count) external view returns (uint64[] memory);
    /// A datanet's published contributions in leaf order, `count` (at most 64) from index `from`.
    function publishedOf(uint64 datanetId, uint64 from, uint64 count) external view returns (Contribution[] memory);
    /// The seats of one round.
    function reviewsOf(uint64 contributionId, uint8 round) external view returns (Review[] memory);
    /// One frozen version; reverts with `UnknownSnapshot`.
    function snapshot(uint64 datanetId, uint32 version) external view returns (Snapshot memory);
    /// True when the contribution is a leaf of the version; siblings as in `proofs`.
    function verifyContribution(uint64 datanetId, uint32 version, uint64 contributionId, bytes32[] calldata siblings) external view returns (bool);
    /// What contributing `itemCount` rows takes: stake (returned) and fee.
    function contributionCost(uint64 datanetId, uint64 itemCount) external view returns (uint128 stake, uint128 fee);
    /// keccak256(score, salt, reviewer, contributionId, round), domain-separated.
    function reviewCommitment(uint8 score, bytes32 salt, address reviewer, uint64 contributionId, uint8 round) external view returns (bytes32);
    /// Second at which `poke` has something to do; 0 for never.
    function nextTimer() external view returns (uint64 due);
    /// Genesis parameters.
    function datanetsParams() external view returns (DatanetsParams memory);

    event DatanetCreated(uint64 indexed id, address indexed owner, string name);
    event DatanetUpdated(uint64 indexed id, address indexed owner, string name);
    event DatanetStatusChanged(uint64 indexed id, address indexed owner, uint8 status);
    event ContributionSubmitted(uint64 indexed id, uint64 indexed datanetId, address indexed contributor, bytes32 itemsRoot, uint64 itemCount, bytes32 dataCommit, string uri, uint128 stake, uint128 fee);
    event ContributionWithdrawn(uint64 indexed id, uint64 indexed datanetId, address indexed contributor, uint128 refund);
    event ReviewersAssigned(uint64 indexed id, uint64 indexed datanetId, uint8 round, address[] reviewers, uint64 commitEnd);
    event ReviewCommitted(uint64 indexed id, address indexed reviewer, uint8 round);
    event RevealStarted(uint64 indexed id, uint64 indexed datanetId, uint8 round, uint64 revealEnd);
    event ReviewRevealed(uint64 indexed id, address indexed reviewer, uint8 round, uint8 score);
    event ReviewFeePaid(uint64 indexed id, address indexed reviewer, uint128 amount);
    event ContributionAccepted(uint64 indexed id, uint64 indexed datanetId, address indexed contributor, uint8 score, uint64 windowEnd);
    event ContributionRejected(uint64 indexed id, uint64 indexed datanetId, address indexed contributor, uint8 score, uint128 refund);
    event ContributionExpired(uint64 indexed id, uint64 indexed datanetId, address indexed contributor, uint128 refund);
    event ContributionChallenged(uint64 indexed id, uint64 indexed datanetId, address indexed challenger, uint128 bond, bytes32 evidence);
    event ChallengeDismissed(uint64 indexed id, address indexed challenger, uint8 score, uint128 bondReturned);
    event ContributionSlashed(uint64 indexed id, uint64 indexed datanetId, address indexed contributor, address challenger, uint128 toChallenger, uint128 burned);
    event ContributionPublished(uint64 indexed id, uint64 indexed datanetId, address indexed contributor, uint32 version, uint64 leafIndex, uint128 stakeReturned);
    event SnapshotPublished(uint64 indexed datanetId, uint32 indexed version, bytes32 root, uint64 contributionCount, uint64 itemCount, bytes32 tombstoneRoot);
    event ContributionTombstoned(uint64 indexed id, uint64 indexed datanetId, address indexed by, bytes32 reason);

    error UnknownDatanet(uint64 datanetId);
    error NotDatanetOwner(uint64 datanetId, address caller);
    error DatanetNotActive(uint64 datanetId, uint8 status);
    error UnknownContribution(uint64 contributionId);
    error NotContributor(uint64 contributionId, address caller);
    error WrongContributionStatus(uint64 contributionId, uint8 status);
    error DuplicateItems(uint64 datanetId, bytes32 itemsRoot, uint64 contributionId);
    error NotAssigned(uint64 contributionId, address reviewer);
    error AlreadyCommitted(uint64 contributionId, address reviewer);
    error AlreadyRevealed(uint64 contributionId, address reviewer);
    error NotCommitted(uint64 contributionId, address reviewer);
    error WrongReveal(uint64 contributionId, address reviewer);
    error PhaseOver(uint64 contributionId, uint64 phaseEnd);
    error NothingDue(uint64 contributionId, uint64 due);
    error TooFewReviewers(uint64 contributionId, uint256 eligible, uint256 needed);
    error OwnContribution(uint64 contributionId);
    error AlreadyChallenged(uint64 contributionId);
    error NothingToPublish(uint64 datanetId);
    error UnknownSnapshot(uint64 datanetId, uint32 version);
    error UnknownStatus(uint8 status);

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
