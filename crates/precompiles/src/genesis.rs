//! Module accounts of a genesis block: code, nonce and the parameters in storage.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, U256};
use tributary_contracts::{MODULE_CODE, MODULES};

use crate::bounds::{ParamsError, check};
use crate::fault::Result;
use crate::memory::MemoryHost;
use crate::params::Params;
use crate::session::Session;
use crate::{channels, datanets, models, royalties, staking, tasks};

/// What genesis puts at one module's address. Modules start without coins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleAccount {
    /// Where.
    pub address: Address,
    /// 1: the account is not empty.
    pub nonce: u64,
    /// `0xEF`.
    pub code: Bytes,
    /// Parameters.
    pub storage: BTreeMap<U256, U256>,
}

/// Accounts of all modules. Fails only on parameters outside their bounds.
pub fn install(params: &Params) -> std::result::Result<Vec<ModuleAccount>, ParamsError> {
    check(params)?;
    let mut host = MemoryHost::default();
    write(&mut host, params).map_err(|_| ParamsError::Rule("parameters must fit their storage"))?;
    let accounts = MODULES.iter().map(|(_, address)| ModuleAccount {
        address: *address,
        nonce: 1,
        code: Bytes::from_static(&MODULE_CODE),
        storage: host
            .storage
            .iter()
            .filter(|((module, _), _)| module == address)
            .map(|((_, slot), value)| (*slot, *value))
            .collect(),
    });
    Ok(accounts.collect())
}

fn write(host: &mut MemoryHost, params: &Params) -> Result<()> {
    let s = &mut Session::new(host, Address::ZERO, Address::ZERO, U256::ZERO)?;
    staking::PARAMS.set(
        s,
        &staking::ParamsRecord {
            unbonding_period: params.staking.unbonding_period,
            thaw_period: params.staking.thaw_period,
            victim_cut_ppm: params.staking.victim_cut_ppm,
            min_provider: params.staking.min_provider,
            min_reviewer: params.staking.min_reviewer,
            min_gateway: params.staking.min_gateway,
        },
    )?;
    datanets::PARAMS.set(
        s,
        &datanets::ParamsRecord {
            stake_per_item: params.datanets.stake_per_item,
            min_stake: params.datanets.min_stake,
            review_fee: params.datanets.review_fee,
            reviewers: params.datanets.reviewers,
            accept_score: params.datanets.accept_score,
            close_early: params.datanets.close_early,
            no_reveal_slash_ppm: params.datanets.no_reveal_slash_ppm,
            winner_cut_ppm: params.datanets.winner_cut_ppm,
            assign_delay: params.datanets.assign_delay,
            assign_timeout: params.datanets.assign_timeout,
            commit_period: params.datanets.commit_period,
            reveal_period: params.datanets.reveal_period,
            challenge_window: params.datanets.challenge_window,
        },
    )?;
    models::PARAMS.set(
        s,
        &models::ParamsRecord {
            price_rise_delay: params.models.price_rise_delay,
            max_parent_share_ppm: params.models.max_parent_share_ppm,
            max_parent_sum_ppm: params.models.max_parent_sum_ppm,
            max_depth: params.models.max_depth,
        },
    )?;
    write_payments(s, params)
}

fn write_payments(s: &mut Session<'_>, params: &Params) -> Result<()> {
    tasks::PARAMS.set(
        s,
        &tasks::ParamsRecord {
            treasury: params.treasury,
            cover_ppm: params.tasks.cover_ppm,
            protocol_ppm: params.tasks.protocol_ppm,
            cancel_ppm: params.tasks.cancel_ppm,
            expire_penalty_ppm: params.tasks.expire_penalty_ppm,
            min_duration: params.tasks.min_duration,
            max_duration: params.tasks.max_duration,
        },
    )?;
    channels::PARAMS.set(
        s,
        &channels::ParamsRecord {
            treasury: params.treasury,
            challenge_slash_ppm: params.channels.challenge_slash_ppm,
            hold_back: params.channels.hold_back,
            close_grace: params.channels.close_grace,
            max_expiry: params.channels.max_expiry,
            min_epoch: params.channels.min_epoch,
            abandon_period: params.channels.abandon_period,
            wind_up_period: params.channels.wind_up_period,
        },
    )?;
    royalties::PARAMS.set(
        s,
        &royalties::ParamsRecord {
            treasury: params.treasury,
            compute_protocol_ppm: params.royalties.compute_protocol_ppm,
            licence_protocol_ppm: params.royalties.licence_protocol_ppm,
            lineage_ppm: params.royalties.lineage_ppm,
            data_ppm: params.royalties.data_ppm,
            backers_ppm: params.royalties.backers_ppm,
            compute_burn_ppm: params.royalties.compute_burn_ppm,
            licence_burn_ppm: params.royalties.licence_burn_ppm,
            backing_thaw: params.royalties.backing_thaw,
        },
    )
}
