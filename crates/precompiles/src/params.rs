//! Everything a chain may set at genesis. Modules read these from their own storage; no code
//! knows which chain it runs on.

use alloy_primitives::{Address, address};
use serde::{Deserialize, Serialize};

const OPEN: u128 = 1_000_000_000_000_000_000;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Genesis parameters of all modules. Amounts are wei as decimal text, periods seconds, parts
/// millionths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Where the protocol's part goes.
    pub treasury: Address,
    /// `staking`.
    pub staking: StakingParams,
    /// `datanets`.
    pub datanets: DatanetsParams,
    /// `models`.
    pub models: ModelsParams,
    /// `tasks`.
    pub tasks: TasksParams,
    /// `channels`.
    pub channels: ChannelsParams,
    /// `royalties`.
    pub royalties: RoyaltiesParams,
}

/// Stake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StakingParams {
    /// From `unstake` to coins.
    pub unbonding_period: u64,
    /// From `thaw` to free stake.
    pub thaw_period: u64,
    /// Least provision of a provider.
    #[serde(with = "wei")]
    pub min_provider: u128,
    /// Least provision of a reviewer.
    #[serde(with = "wei")]
    pub min_reviewer: u128,
    /// Least provision of a gateway.
    #[serde(with = "wei")]
    pub min_gateway: u128,
    /// Part of a slash that goes to the victim, at most a half; the rest burns.
    pub victim_cut_ppm: u32,
}

/// Contributions and reviews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatanetsParams {
    /// Stake for each item.
    #[serde(with = "wei")]
    pub stake_per_item: u128,
    /// Least stake of a contribution.
    #[serde(with = "wei")]
    pub min_stake: u128,
    /// Fee to each reviewer who reveals.
    #[serde(with = "wei")]
    pub review_fee: u128,
    /// Reviewers of a contribution unless the datanet says otherwise.
    pub reviewers: u8,
    /// Least median score unless the datanet says otherwise.
    pub accept_score: u8,
    /// Close a phase as soon as all drawn reviewers have acted.
    pub close_early: bool,
    /// From submission to the draw; at least two blocks in any case.
    pub assign_delay: u64,
    /// Without enough reviewers the contribution goes back after this long.
    pub assign_timeout: u64,
    /// For hidden scores.
    pub commit_period: u64,
    /// For shown scores.
    pub reveal_period: u64,
    /// For disputes after acceptance.
    pub challenge_window: u64,
    /// Part of a reviewer's provision lost for not revealing.
    pub no_reveal_slash_ppm: u32,
    /// Part of a lost stake or bond that goes to the winner; the rest burns.
    pub winner_cut_ppm: u32,
}

/// The registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelsParams {
    /// From announcing a price rise to its effect.
    pub price_rise_delay: u64,
    /// Most that climbs to one parent.
    pub max_parent_share_ppm: u32,
    /// Most that climbs to all parents.
    pub max_parent_sum_ppm: u32,
    /// Most ancestors in one line.
    pub max_depth: u8,
}

/// Jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TasksParams {
    /// Part of the escrow that the provider's free provision must cover.
    pub cover_ppm: u32,
    /// Part of the fee that goes to the protocol.
    pub protocol_ppm: u32,
    /// Part of the escrow owed to the provider when an accepted task is cancelled.
    pub cancel_ppm: u32,
    /// Part of the escrow slashed when an accepted task expires.
    pub expire_penalty_ppm: u32,
    /// Least time to the deadline.
    pub min_duration: u64,
    /// Most time to the deadline.
    pub max_duration: u64,
}

/// Payments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelsParams {
    /// From posting a root to claims.
    pub hold_back: u64,
    /// From asking to close to closing; also after expiry.
    pub close_grace: u64,
    /// Longest life of a channel.
    pub max_expiry: u64,
    /// Least time between two roots of a gateway.
    pub min_epoch: u64,
    /// Part of a gateway's provision slashed for a contradicting root.
    pub challenge_slash_ppm: u32,
    /// A gateway that owes and posts nothing for so long may be wound up.
    pub abandon_period: u64,
    /// How long payees have then to claim what it acknowledged.
    pub wind_up_period: u64,
}

/// The split of a fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoyaltiesParams {
    /// Of compute: protocol; the rest is the provider's.
    pub compute_protocol_ppm: u32,
    /// Of licence: protocol.
    pub licence_protocol_ppm: u32,
    /// Of licence: lineage.
    pub lineage_ppm: u32,
    /// Of licence: data.
    pub data_ppm: u32,
    /// Of licence: backers of the datanet.
    pub backers_ppm: u32,
    /// Of the protocol's compute part: burned.
    pub compute_burn_ppm: u32,
    /// Of the protocol's licence part: burned.
    pub licence_burn_ppm: u32,
    /// From `unback` to coins.
    pub backing_thaw: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self::mainnet()
    }
}

impl Params {
    /// The main network's values (handbook defaults).
    pub fn mainnet() -> Self {
        Self {
            treasury: address!("0000000000000000000000000000000074726561"),
            staking: StakingParams {
                unbonding_period: 7 * DAY,
                thaw_period: 7 * DAY,
                min_provider: 100 * OPEN,
                min_reviewer: 100 * OPEN,
                min_gateway: 1_000 * OPEN,
                victim_cut_ppm: 500_000,
            },
            datanets: DatanetsParams {
                stake_per_item: OPEN,
                min_stake: 10 * OPEN,
                review_fee: OPEN / 500,
                reviewers: 5,
                accept_score: 60,
                close_early: false,
                assign_delay: 2,
                assign_timeout: DAY,
                commit_period: DAY,
                reveal_period: 12 * HOUR,
                challenge_window: 7 * DAY,
                no_reveal_slash_ppm: 50_000,
                winner_cut_ppm: 500_000,
            },
            models: ModelsParams {
                price_rise_delay: DAY,
                max_parent_share_ppm: 300_000,
                max_parent_sum_ppm: 500_000,
                max_depth: 8,
            },
            tasks: TasksParams {
                cover_ppm: 1_000_000,
                protocol_ppm: 40_000,
                cancel_ppm: 100_000,
                expire_penalty_ppm: 100_000,
                min_duration: MINUTE,
                max_duration: 30 * DAY,
            },
            channels: ChannelsParams {
                hold_back: DAY,
                close_grace: DAY,
                max_expiry: 365 * DAY,
                min_epoch: 10 * MINUTE,
                challenge_slash_ppm: 500_000,
                abandon_period: 30 * DAY,
                wind_up_period: 14 * DAY,
            },
            royalties: RoyaltiesParams {
                compute_protocol_ppm: 40_000,
                licence_protocol_ppm: 50_000,
                lineage_ppm: 400_000,
                data_ppm: 450_000,
                backers_ppm: 100_000,
                compute_burn_ppm: 0,
                licence_burn_ppm: 500_000,
                backing_thaw: 7 * DAY,
            },
        }
    }

    /// The development chain's values: one reviewer, seconds instead of days.
    pub fn dev() -> Self {
        let mut params = Self::mainnet();
        params.staking = StakingParams {
            unbonding_period: 10,
            thaw_period: 10,
            min_provider: OPEN,
            min_reviewer: OPEN,
            min_gateway: OPEN,
            ..params.staking
        };
        params.datanets = DatanetsParams {
            stake_per_item: OPEN / 20,
            min_stake: OPEN,
            review_fee: OPEN / 500,
            reviewers: 1,
            close_early: true,
            assign_delay: 0,
            assign_timeout: 10 * MINUTE,
            commit_period: 10 * MINUTE,
            reveal_period: 10 * MINUTE,
            challenge_window: 2,
            ..params.datanets
        };
        params.models.price_rise_delay = 5;
        params.tasks = TasksParams { cancel_ppm: 0, min_duration: 1, ..params.tasks };
        params.channels = ChannelsParams {
            hold_back: 5,
            close_grace: 10,
            min_epoch: 1,
            abandon_period: HOUR,
            wind_up_period: 10 * MINUTE,
            ..params.channels
        };
        params.royalties.backing_thaw = 10;
        params
    }
}

/// Wei as decimal text: TOML and JSON integers are too small.
mod wei {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(wei: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(wei)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
