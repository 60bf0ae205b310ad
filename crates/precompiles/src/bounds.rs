//! Hard bounds of genesis parameters: whatever a chain's founders write, no period can lock coins
//! for more than 45 days, no part exceeds the whole, and no amount the supply.

use tributary_primitives::TOTAL_SUPPLY;

use crate::params::{DatanetsParams, Params};

const DAY: u64 = 86_400;
/// From any state all coins are out within this time.
const LONGEST_WAIT: u64 = 45 * DAY;
const WHOLE: u32 = 1_000_000;

/// Why parameters make no chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// One of them is too small or too large.
    #[error("module parameter {name} is {value}: it must lie between {least} and {most}")]
    OutOfBounds {
        /// Section and key.
        name: &'static str,
        /// What it is.
        value: u128,
        /// The least it may be.
        least: u128,
        /// The most it may be.
        most: u128,
    },
    /// Several do not fit together.
    #[error("module parameters: {0}")]
    Rule(&'static str),
}

type Outcome = Result<(), ParamsError>;

fn within(name: &'static str, value: impl Into<u128>, least: u128, most: u128) -> Outcome {
    let value = value.into();
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(ParamsError::OutOfBounds { name, value, least, most })
}

fn rule(holds: bool, text: &'static str) -> Outcome {
    if holds { Ok(()) } else { Err(ParamsError::Rule(text)) }
}

/// Fails on the first parameter outside its bounds.
pub(crate) fn check(params: &Params) -> Outcome {
    rule(!params.treasury.is_zero(), "treasury must not be zero")?;
    let module = tributary_contracts::is_reserved(&params.treasury);
    rule(!module, "treasury must not be a module's address")?;
    parts(params)?;
    amounts(params)?;
    periods(params)?;
    datanets(&params.datanets)?;
    within("models.max_depth", params.models.max_depth, 1, 8)
}

fn parts(params: &Params) -> Outcome {
    let (tasks, royalties, models) = (&params.tasks, &params.royalties, &params.models);
    let half = WHOLE / 2;
    let all = [
        ("staking.victim_cut_ppm", params.staking.victim_cut_ppm, half),
        ("datanets.no_reveal_slash_ppm", params.datanets.no_reveal_slash_ppm, half),
        ("datanets.winner_cut_ppm", params.datanets.winner_cut_ppm, WHOLE),
        ("models.max_parent_share_ppm", models.max_parent_share_ppm, WHOLE),
        ("models.max_parent_sum_ppm", models.max_parent_sum_ppm, WHOLE),
        ("tasks.cover_ppm", tasks.cover_ppm, WHOLE),
        ("tasks.protocol_ppm", tasks.protocol_ppm, half),
        ("tasks.cancel_ppm", tasks.cancel_ppm, WHOLE),
        ("tasks.expire_penalty_ppm", tasks.expire_penalty_ppm, tasks.cover_ppm),
        ("channels.challenge_slash_ppm", params.channels.challenge_slash_ppm, WHOLE),
        ("royalties.compute_protocol_ppm", royalties.compute_protocol_ppm, half),
        ("royalties.licence_protocol_ppm", royalties.licence_protocol_ppm, half),
        ("royalties.lineage_ppm", royalties.lineage_ppm, WHOLE),
        ("royalties.data_ppm", royalties.data_ppm, WHOLE),
        ("royalties.backers_ppm", royalties.backers_ppm, WHOLE),
        ("royalties.compute_burn_ppm", royalties.compute_burn_ppm, WHOLE),
        ("royalties.licence_burn_ppm", royalties.licence_burn_ppm, WHOLE),
    ];
    all.into_iter().try_for_each(|(name, value, most)| within(name, value, 0, most.into()))?;
    let licence = [
        royalties.licence_protocol_ppm,
        royalties.lineage_ppm,
        royalties.data_ppm,
        royalties.backers_ppm,
    ];
    let sum: u64 = licence.iter().map(|part| u64::from(*part)).sum();
    rule(sum == u64::from(WHOLE), "the licence parts of royalties must sum to 1000000")
}

fn amounts(params: &Params) -> Outcome {
    let (staking, datanets) = (&params.staking, &params.datanets);
    let supply = TOTAL_SUPPLY.wei();
    // The largest contribution must be payable.
    let rows = tributary_primitives::limits::CONTRIBUTION_ROWS as u128;
    let per_item = supply.checked_div(rows).unwrap_or_default();
    within("staking.min_provider", staking.min_provider, 1, supply)?;
    within("staking.min_reviewer", staking.min_reviewer, 1, supply)?;
    within("staking.min_gateway", staking.min_gateway, 1, supply)?;
    within("datanets.stake_per_item", datanets.stake_per_item, 0, per_item)?;
    within("datanets.min_stake", datanets.min_stake, 1, supply)?;
    within("datanets.review_fee", datanets.review_fee, 0, supply >> 8)
}

fn periods(params: &Params) -> Outcome {
    let (staking, tasks, channels) = (&params.staking, &params.tasks, &params.channels);
    let (year, week, wait) = (365 * DAY, 7 * DAY, u128::from(LONGEST_WAIT));
    let all = [
        ("staking.unbonding_period", staking.unbonding_period, 0, LONGEST_WAIT),
        ("staking.thaw_period", staking.thaw_period, 0, LONGEST_WAIT),
        ("models.price_rise_delay", params.models.price_rise_delay, 0, LONGEST_WAIT),
        ("tasks.min_duration", tasks.min_duration, 1, DAY),
        ("tasks.max_duration", tasks.max_duration, tasks.min_duration, LONGEST_WAIT),
        ("channels.hold_back", channels.hold_back, 0, week),
        ("channels.close_grace", channels.close_grace, 1, week),
        ("channels.max_expiry", channels.max_expiry, 1, year),
        ("channels.min_epoch", channels.min_epoch, 1, week),
        ("channels.abandon_period", channels.abandon_period, 1, LONGEST_WAIT),
        ("channels.wind_up_period", channels.wind_up_period, 1, LONGEST_WAIT),
        ("royalties.backing_thaw", params.royalties.backing_thaw, 0, LONGEST_WAIT),
    ];
    all.into_iter().try_for_each(|(name, value, least, most)| {
        within(name, value, least.into(), most.into())
    })?;
    let stake = u128::from(staking.thaw_period) + u128::from(staking.unbonding_period);
    rule(stake <= wait, "thaw_period and unbonding_period together must not exceed 45 days")?;
    let vanished = u128::from(channels.abandon_period) + u128::from(channels.wind_up_period);
    rule(vanished <= wait, "abandon_period and wind_up_period together must not exceed 45 days")?;
    let quick = channels.abandon_period > channels.hold_back.saturating_add(channels.min_epoch);
    rule(quick, "abandon_period must exceed hold_back and min_epoch together")
}

fn datanets(params: &DatanetsParams) -> Outcome {
    within("datanets.reviewers", params.reviewers, 1, 15)?;
    within("datanets.accept_score", params.accept_score, 1, 100)?;
    let all = [
        ("datanets.assign_delay", params.assign_delay, 0u64, params.assign_timeout),
        ("datanets.assign_timeout", params.assign_timeout, 1, LONGEST_WAIT),
        ("datanets.commit_period", params.commit_period, 1, LONGEST_WAIT),
        ("datanets.reveal_period", params.reveal_period, 1, LONGEST_WAIT),
        ("datanets.challenge_window", params.challenge_window, 1, LONGEST_WAIT),
    ];
    all.into_iter().try_for_each(|(name, value, least, most)| {
        within(name, value, least.into(), most.into())
    })?;
    // Two rounds, a review and a challenge, and the window between them.
    let round = [params.assign_timeout, params.commit_period, params.reveal_period];
    let round: u128 = round.into_iter().map(u128::from).sum();
    let all = 2 * round + u128::from(params.challenge_window);
    rule(all <= u128::from(LONGEST_WAIT), "a contribution must end within 45 days")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_networks_lie_within_the_bounds() {
        assert_eq!(check(&Params::mainnet()), Ok(()));
        assert_eq!(check(&Params::dev()), Ok(()));
    }

    #[test]
    fn each_parameter_outside_its_bounds_is_named_with_them() {
        type Alter = fn(&mut Params);
        let cases: [(Alter, &str); 9] = [
            (|p| p.staking.victim_cut_ppm = 500_001, "staking.victim_cut_ppm is 500001: it must"),
            (|p| p.channels.hold_back = 604_801, "channels.hold_back is 604801: it must lie betw"),
            (|p| p.staking.min_gateway = 0, "between 1 and 1000000000000000000000000000"),
            (|p| p.datanets.reviewers = 16, "datanets.reviewers is 16"),
            (|p| p.datanets.stake_per_item = u128::MAX, "datanets.stake_per_item"),
            (|p| p.royalties.backers_ppm += 1, "must sum to 1000000"),
            (|p| p.datanets.challenge_window = 44 * DAY, "must end within 45 days"),
            (|p| p.channels.wind_up_period = 16 * DAY, "abandon_period and wind_up_period"),
            (|p| p.tasks.expire_penalty_ppm = p.tasks.cover_ppm + 1, "tasks.expire_penalty_ppm"),
        ];
        for (alter, text) in cases {
            let mut params = Params::mainnet();
            alter(&mut params);
            let error = check(&params).unwrap_err().to_string();
            assert!(error.contains(text), "`{error}` should say `{text}`");
        }
        let mut params = Params::mainnet();
        params.treasury = tributary_contracts::STAKING;
        assert!(check(&params).unwrap_err().to_string().contains("module's address"));
    }
}
