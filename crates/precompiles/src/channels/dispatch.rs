//! Routes calls of `channels`.

use alloy_primitives::{Address, B256};
use tributary_contracts::{IChannels, RootStatus, channels_domain};

use super::claims::{self, PAID};
use super::roots::{self, EPOCHS, GATEWAYS, ROOTS};
use super::{
    BY_GATEWAY, BY_PAYER, PARAMS, RESERVED, balance, challenges, channel, next_timer, pot,
    vouchers, windup,
};
use crate::dispatch::{decode, returns};
use crate::fault::{Result, revert};
use crate::layout::Page;
use crate::money;
use crate::session::Session;

pub(crate) fn dispatch(s: &mut Session<'_>, data: &[u8]) -> Result<Vec<u8>> {
    use IChannels::IChannelsCalls as Calls;
    match decode(data)? {
        Calls::deposit(_) => super::deposit(s, s.caller)?,
        Calls::depositFor(call) => super::deposit(s, call.payer)?,
        Calls::withdraw(call) => super::withdraw(s, call.amount)?,
        Calls::openChannel(call) => {
            let id = super::open(s, &call)?;
            return Ok(returns::<IChannels::openChannelCall>(&id));
        }
        Calls::topUpChannel(call) => super::top_up(s, call.channelId, call.amount)?,
        Calls::extendChannel(call) => super::extend(s, call.channelId, call.expiry)?,
        Calls::requestClose(call) => super::request_close(s, call.channelId)?,
        Calls::closeChannel(call) => super::close(s, call.channelId)?,
        Calls::postEpochRoot(call) => roots::post(s, &call)?,
        Calls::challengeRoot(call) => challenges::challenge(s, &call.earlier, &call.later)?,
        Calls::challengeUnderpay(call) => {
            challenges::underpay(s, &call.acknowledgement, &call.signature, &call.posted)?;
        }
        Calls::windUp(call) => windup::begin(s, call.gateway)?,
        paying => return payments(s, paying),
    }
    Ok(Vec::new())
}

fn payments(s: &mut Session<'_>, call: IChannels::IChannelsCalls) -> Result<Vec<u8>> {
    use IChannels::IChannelsCalls as Calls;
    Ok(match call {
        Calls::redeem(call) => {
            let delta = vouchers::redeem(s, &call.voucher, &call.signature)?;
            returns::<IChannels::redeemCall>(&delta)
        }
        Calls::redeemBatch(call) => {
            returns::<IChannels::redeemBatchCall>(&vouchers::redeem_batch(s, &call)?)
        }
        Calls::claim(call) => returns::<IChannels::claimCall>(&claims::claim_own(s, call)?),
        Calls::claimFor(call) => {
            returns::<IChannels::claimForCall>(&claims::claim_for(s, &call.claim_)?)
        }
        Calls::claimMany(call) => {
            returns::<IChannels::claimManyCall>(&claims::claim_many(s, &call.claims)?)
        }
        Calls::claimAcknowledged(call) => {
            let amount = windup::claim(s, &call.acknowledgement, &call.signature)?;
            returns::<IChannels::claimAcknowledgedCall>(&amount)
        }
        Calls::sweepPot(call) => {
            returns::<IChannels::sweepPotCall>(&windup::sweep(s, call.gateway)?)
        }
        Calls::poke(call) => returns::<IChannels::pokeCall>(&super::poke(s, call.max)?),
        view => return views(s, view),
    })
}

fn views(s: &mut Session<'_>, call: IChannels::IChannelsCalls) -> Result<Vec<u8>> {
    use IChannels::IChannelsCalls as Calls;
    Ok(match call {
        Calls::escrowOf(call) => {
            let escrow = IChannels::Escrow {
                balance: money::held(s, balance(call.payer))?,
                reserved: RESERVED.get(s, call.payer)?.0,
            };
            returns::<IChannels::escrowOfCall>(&escrow)
        }
        Calls::getChannel(call) => returns::<IChannels::getChannelCall>(&shown(s, call.channelId)?),
        Calls::channelsOf(call) => {
            let page = Page { from: call.from, count: call.count, most: 64 };
            let ids = BY_PAYER.page(s, call.payer, page)?;
            returns::<IChannels::channelsOfCall>(&all_shown(s, ids)?)
        }
        Calls::channelsOfGateway(call) => {
            let page = Page { from: call.from, count: call.count, most: 64 };
            let ids = BY_GATEWAY.page(s, call.gateway, page)?;
            returns::<IChannels::channelsOfGatewayCall>(&all_shown(s, ids)?)
        }
        Calls::nextChannelId(call) => {
            let id = super::next_id(s, call.payer, call.gateway, call.signer)?;
            returns::<IChannels::nextChannelIdCall>(&id)
        }
        Calls::checkVoucher(call) => {
            let (_, delta) = vouchers::check(s, &call.voucher, &call.signature)?;
            returns::<IChannels::checkVoucherCall>(&delta)
        }
        Calls::voucherDigest(call) => {
            let domain = channels_domain(s.host.chain_id());
            let digest = s.typed_digest(&call.voucher, &domain)?;
            returns::<IChannels::voucherDigestCall>(&digest)
        }
        more => return root_views(s, more),
    })
}

fn root_views(s: &mut Session<'_>, call: IChannels::IChannelsCalls) -> Result<Vec<u8>> {
    use IChannels::IChannelsCalls as Calls;
    Ok(match call {
        Calls::acknowledgementDigest(call) => {
            let domain = channels_domain(s.host.chain_id());
            let digest = s.typed_digest(&call.acknowledgement, &domain)?;
            returns::<IChannels::acknowledgementDigestCall>(&digest)
        }
        Calls::getGateway(call) => {
            let record = GATEWAYS.get(s, call.gateway)?;
            returns::<IChannels::getGatewayCall>(&IChannels::Gateway {
                pot: money::held(s, pot(call.gateway))?,
                redeemed: record.redeemed,
                rooted: record.rooted,
                paid: record.paid,
                epoch: record.epoch,
                rootCount: EPOCHS.len(s, call.gateway)?,
                owingSince: record.owing_since,
                windUpEnd: record.wind_up_end,
            })
        }
        Calls::epochRoot(call) => {
            returns::<IChannels::epochRootCall>(&root(s, call.gateway, call.epoch)?)
        }
        Calls::epochRoots(call) => {
            let page = Page { from: call.from, count: call.count, most: 64 };
            let mut found = Vec::new();
            for epoch in EPOCHS.page(s, call.gateway, page)? {
                found.push(root(s, call.gateway, epoch)?);
            }
            returns::<IChannels::epochRootsCall>(&found)
        }
        Calls::claimableRoot(call) => {
            returns::<IChannels::claimableRootCall>(&claimable(s, call.gateway)?)
        }
        Calls::claimed(call) => {
            let paid = PAID.get(s, (call.gateway, call.role, call.party))?.0;
            returns::<IChannels::claimedCall>(&paid)
        }
        Calls::nextTimer(_) => returns::<IChannels::nextTimerCall>(&next_timer(s)?),
        Calls::DOMAIN_SEPARATOR(_) => {
            s.charge_keccak(256)?;
            let separator = channels_domain(s.host.chain_id()).separator();
            returns::<IChannels::DOMAIN_SEPARATORCall>(&separator)
        }
        Calls::channelsParams(_) => {
            let params = PARAMS.get(s)?;
            returns::<IChannels::channelsParamsCall>(&IChannels::ChannelsParams {
                holdBack: params.hold_back,
                closeGrace: params.close_grace,
                maxExpiry: params.max_expiry,
                minEpoch: params.min_epoch,
                challengeSlashPpm: params.challenge_slash_ppm,
                treasury: params.treasury,
                abandonPeriod: params.abandon_period,
                windUpPeriod: params.wind_up_period,
            })
        }
        _ => return Err(revert(tributary_contracts::IModule::BadCalldata {})),
    })
}

/// The newest root in force past its hold-back. Roots come out of it in the order of posting, so
/// halving finds the last that did; before it at most 64 rejected ones are passed over.
fn claimable(s: &mut Session<'_>, gateway: Address) -> Result<IChannels::EpochRoot> {
    let (mut out, mut held, now) = (0, EPOCHS.len(s, gateway)?, s.now());
    while out < held {
        let middle = out.midpoint(held);
        let epoch = EPOCHS.get(s, gateway, middle)?;
        if ROOTS.get(s, (gateway, epoch))?.claimable_at <= now {
            out = middle.saturating_add(1);
        } else {
            held = middle;
        }
    }
    for index in (out.saturating_sub(64)..out).rev() {
        let epoch = EPOCHS.get(s, gateway, index)?;
        if ROOTS.get(s, (gateway, epoch))?.status == RootStatus::Posted.code() {
            return root(s, gateway, epoch);
        }
    }
    Ok(IChannels::EpochRoot::default())
}

fn root(s: &mut Session<'_>, gateway: Address, epoch: u64) -> Result<IChannels::EpochRoot> {
    let record = ROOTS.get(s, (gateway, epoch))?;
    if record.status == 0 {
        return Err(revert(IChannels::UnknownRoot { gateway, epoch }));
    }
    Ok(IChannels::EpochRoot {
        epoch,
        root: record.root,
        total: record.total,
        leaves: record.leaves,
        dataHash: record.data_hash,
        postedAt: record.posted_at,
        claimableAt: record.claimable_at,
        status: record.status,
    })
}

fn shown(s: &mut Session<'_>, id: B256) -> Result<IChannels::Channel> {
    let record = channel(s, id)?;
    Ok(IChannels::Channel {
        id,
        payer: record.payer,
        gateway: record.gateway,
        signer: record.signer,
        cap: record.cap,
        redeemed: record.redeemed,
        seq: record.seq,
        expiry: record.expiry,
        closeAt: record.close_at,
        status: record.status,
        openedAt: record.opened_at,
    })
}

fn all_shown(s: &mut Session<'_>, ids: Vec<B256>) -> Result<Vec<IChannels::Channel>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.push(shown(s, id)?);
    }
    Ok(found)
}
