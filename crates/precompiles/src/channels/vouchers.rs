//! Vouchers: the newest one wins, the difference goes to the gateway's pot.

use alloy_primitives::{Address, FixedBytes};
use tributary_contracts::{CHANNELS, ChannelStatus, IChannels, channels_domain};

use super::roots::GATEWAYS;
use super::{ChannelRecord, RECORDS, RESERVED, channel, pot, reserved};
use crate::fault::{Fault, Result, require};
use crate::layout::One;
use crate::money::{self, Bucket};
use crate::session::{Session, add, bound, sub};

/// Vouchers of one batch.
const MOST_VOUCHERS: usize = 256;

/// Checks a voucher against its channel without changing anything.
pub(super) fn check(
    s: &mut Session<'_>,
    voucher: &IChannels::Voucher,
    signature: &[u8],
) -> Result<(ChannelRecord, u128)> {
    let (id, now) = (voucher.channelId, s.now());
    let record = channel(s, id)?;
    let status = record.status;
    let open = status != ChannelStatus::Closed.code();
    require!(open, IChannels::ChannelNotOpen { channelId: id, status });
    let in_time = now < record.close_at;
    require!(in_time, IChannels::ChannelExpired { channelId: id, expiry: record.expiry });
    let (seq, last) = (voucher.seq, record.seq);
    require!(seq > last, IChannels::StaleVoucher { channelId: id, seq, lastSeq: last });
    let deadline = voucher.deadline;
    require!(now <= deadline, IChannels::VoucherExpired { channelId: id, deadline });
    let (cumulative, cap, redeemed) = (voucher.cumulative, record.cap, record.redeemed);
    require!(cumulative <= cap, IChannels::VoucherOverCap { channelId: id, cumulative, cap });
    let rises = cumulative >= redeemed;
    require!(rises, IChannels::VoucherDecreases { channelId: id, cumulative, redeemed });
    let domain = channels_domain(s.host.chain_id());
    let digest = s.typed_digest(voucher, &domain)?;
    let (recovered, signer) = (s.recover(&digest, signature)?, record.signer);
    let error = IChannels::VoucherWrongSigner { channelId: id, recovered, signer };
    require!(recovered == signer, error);
    Ok((record, sub(cumulative, redeemed)?))
}

/// Takes one voucher.
pub(super) fn redeem(
    s: &mut Session<'_>,
    voucher: &IChannels::Voucher,
    signature: &[u8],
) -> Result<u128> {
    let (record, delta) = check(s, voucher, signature)?;
    settle(s, voucher, record, delta)
}

/// Moves an amount from where a payer's coins lie into a gateway's pot: from now on it owes a root
/// that divides it.
pub(crate) fn take_in(
    s: &mut Session<'_>,
    gateway: Address,
    from: Bucket,
    amount: u128,
) -> Result<()> {
    money::transfer(s, from, pot(gateway), amount)?;
    let mut sums = GATEWAYS.get(s, gateway)?;
    if sums.redeemed == sums.rooted && amount > 0 {
        sums.owing_since = s.now();
    }
    sums.redeemed = add(sums.redeemed, amount)?;
    GATEWAYS.set(s, gateway, &sums)
}

fn settle(
    s: &mut Session<'_>,
    voucher: &IChannels::Voucher,
    mut record: ChannelRecord,
    delta: u128,
) -> Result<u128> {
    let (id, gateway, payer) = (voucher.channelId, record.gateway, record.payer);
    record.seq = voucher.seq;
    record.redeemed = voucher.cumulative;
    RECORDS.set(s, id, &record)?;
    take_in(s, gateway, reserved(id), delta)?;
    let rest = sub(RESERVED.get(s, payer)?.0, delta)?;
    RESERVED.set(s, payer, &One(rest))?;
    let event = IChannels::VoucherRedeemed {
        channelId: id,
        gateway,
        seq: voucher.seq,
        cumulative: voucher.cumulative,
        delta,
        usageRoot: voucher.usageRoot,
    };
    s.emit(CHANNELS, event)?;
    Ok(delta)
}

/// Takes many; a bad one is reported with its error's selector and harms no other.
pub(super) fn redeem_batch(s: &mut Session<'_>, call: &IChannels::redeemBatchCall) -> Result<u128> {
    let (left, right) = (call.vouchers.len(), call.signatures.len());
    let error = IChannels::LengthMismatch {
        left: alloy_primitives::U256::from(left),
        right: alloy_primitives::U256::from(right),
    };
    require!(left == right, error);
    bound(left <= MOST_VOUCHERS, "vouchers")?;
    let mut sum = 0;
    for (voucher, signature) in call.vouchers.iter().zip(&call.signatures) {
        match check(s, voucher, signature) {
            Ok((record, delta)) => sum = add(sum, settle(s, voucher, record, delta)?)?,
            Err(Fault::Revert(reason)) => {
                let selector: [u8; 4] = reason.first_chunk::<4>().copied().unwrap_or_default();
                let event = IChannels::VoucherRejected {
                    channelId: voucher.channelId,
                    seq: voucher.seq,
                    reason: FixedBytes(selector),
                };
                s.emit(CHANNELS, event)?;
            }
            Err(other) => return Err(other),
        }
    }
    Ok(sum)
}
