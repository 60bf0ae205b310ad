//! A gateway that vanishes for ever: every coin finds its way out in bounded time.

use tributary_contracts::{CHANNELS, IChannels};
use tributary_primitives::{Party, Role};

use super::challenge_tests::{owed, signed};
use super::tests::{claim_for, leaf, paid_in, post, redeem, setup, voucher};
use crate::Params;
use crate::testing::{COIN, Chain, who};

fn claim_owed(debt: &IChannels::Acknowledgement) -> IChannels::claimAcknowledgedCall {
    let signature = signed("gate", debt);
    IChannels::claimAcknowledgedCall { acknowledgement: debt.clone(), signature }
}

fn wind_up() -> IChannels::windUpCall {
    IChannels::windUpCall { gateway: who("gate") }
}

fn sweep() -> IChannels::sweepPotCall {
    IChannels::sweepPotCall { gateway: who("gate") }
}

/// Main-network values: the payer's rest, a rooted leaf, an acknowledged debt and what nobody
/// can prove are all out within 45 days, without the gateway.
#[test]
fn every_coin_of_a_vanished_gateway_is_out_within_45_days() {
    const DAY: u64 = 86_400;
    let mut chain = Chain::new(&Params::mainnet());
    chain.provision("gate", 3, 1_000 * COIN);
    let id = paid_in(&mut chain, 100);
    let tree = post(&mut chain, 1, vec![leaf(Role::Data, Party::account(who("ann")), 100)]);
    let more = voucher(&chain, id, 2, 400);
    chain.ok("gate", CHANNELS, 0, redeem(&more, "signer"));
    let debt = owed("ann", 250, 2);
    // From here on the gateway is silent.
    let start = chain.host.timestamp;
    chain.ok("bob", CHANNELS, 0, IChannels::requestCloseCall { channelId: id });
    let abandoned = IChannels::NotAbandoned { gateway: who("gate"), abandonedAt: start + 30 * DAY };
    chain.fails("eve", CHANNELS, 0, wind_up(), abandoned);
    chain.wait(DAY);
    assert_eq!(chain.ok("eve", CHANNELS, 0, IChannels::pokeCall { max: 64 }), 1);
    chain.ok("bob", CHANNELS, 0, IChannels::withdrawCall { amount: 10 * COIN - 400 });
    assert_eq!(chain.ok("eve", CHANNELS, 0, claim_for(&tree, 1, 0)), 100);
    let error = IChannels::NotWindingUp { gateway: who("gate") };
    chain.fails("ann", CHANNELS, 0, claim_owed(&debt), error.clone());
    chain.fails("eve", CHANNELS, 0, sweep(), error);
    chain.wait(29 * DAY);
    chain.ok("eve", CHANNELS, 0, wind_up());
    let end = chain.host.timestamp + 14 * DAY;
    assert_eq!(chain.ok("eve", CHANNELS, 0, claim_owed(&debt)), 150);
    let error = IChannels::NothingToClaim { cumulative: 250, paid: 250 };
    chain.fails("eve", CHANNELS, 0, claim_owed(&debt), error);
    let running = IChannels::WindingUp { gateway: who("gate"), windUpEnd: end };
    chain.fails("eve", CHANNELS, 0, sweep(), running);
    chain.wait(14 * DAY);
    assert_eq!(chain.ok("eve", CHANNELS, 0, sweep()), 150);
    assert!(chain.host.timestamp - start <= 45 * DAY);
    assert_eq!(chain.balance(CHANNELS), 0, "nothing stays behind");
    assert_eq!(chain.balance(who("ann")), 100_000 * COIN + 250);
    assert_eq!(chain.balance(Params::mainnet().treasury), 150);
    let sums = chain.view(CHANNELS, IChannels::getGatewayCall { gateway: who("gate") });
    assert_eq!((sums.pot, sums.rooted, sums.windUpEnd), (0, 400, 0), "the books are closed");
    chain.fails("eve", CHANNELS, 0, wind_up(), IChannels::NothingOwed { gateway: who("gate") });
}

#[test]
fn a_gateway_that_comes_back_ends_its_winding_up_with_a_root() {
    let mut chain = setup();
    paid_in(&mut chain, 100);
    chain.wait(3_600);
    chain.ok("eve", CHANNELS, 0, wind_up());
    let end = chain.host.timestamp + 600;
    let running = IChannels::WindingUp { gateway: who("gate"), windUpEnd: end };
    chain.fails("eve", CHANNELS, 0, wind_up(), running);
    let tree = post(&mut chain, 1, vec![leaf(Role::Data, Party::account(who("ann")), 100)]);
    assert_eq!(chain.last::<IChannels::WindUpCancelled>().gateway, who("gate"));
    chain.wait(700);
    chain.fails("eve", CHANNELS, 0, sweep(), IChannels::NotWindingUp { gateway: who("gate") });
    let debt = owed("ann", 100, 1);
    let error = IChannels::NotWindingUp { gateway: who("gate") };
    chain.fails("eve", CHANNELS, 0, claim_owed(&debt), error);
    assert_eq!(chain.ok("eve", CHANNELS, 0, claim_for(&tree, 1, 0)), 100);
}

#[test]
fn an_idle_gateway_has_the_whole_period_from_the_first_voucher_on() {
    let mut chain = setup();
    let id = paid_in(&mut chain, 100);
    let tree = post(&mut chain, 1, vec![leaf(Role::Data, Party::account(who("ann")), 100)]);
    chain.wait(5);
    chain.ok("eve", CHANNELS, 0, claim_for(&tree, 1, 0));
    chain.wait(900);
    chain.fails("eve", CHANNELS, 0, wind_up(), IChannels::NothingOwed { gateway: who("gate") });
    let next = voucher(&chain, id, 2, 101);
    chain.ok("eve", CHANNELS, 0, redeem(&next, "signer"));
    let abandoned_at = chain.host.timestamp + 3_600;
    let error = IChannels::NotAbandoned { gateway: who("gate"), abandonedAt: abandoned_at };
    chain.fails("eve", CHANNELS, 0, wind_up(), error);
}

#[test]
fn acknowledged_debts_beyond_the_pot_get_what_there_is() {
    let mut chain = setup();
    paid_in(&mut chain, 100);
    chain.wait(3_600);
    chain.ok("eve", CHANNELS, 0, wind_up());
    assert_eq!(chain.ok("eve", CHANNELS, 0, claim_owed(&owed("ann", 70, 1))), 70);
    assert_eq!(chain.ok("eve", CHANNELS, 0, claim_owed(&owed("cyn", 70, 1))), 30);
    let mut forged = claim_owed(&owed("dan", 70, 1));
    forged.signature = signed("dan", &forged.acknowledgement);
    let error = IChannels::NotAcknowledged { gateway: who("gate"), recovered: who("dan") };
    chain.fails("dan", CHANNELS, 0, forged, error);
    let error = IChannels::NothingToClaim { cumulative: 70, paid: 30 };
    chain.fails("eve", CHANNELS, 0, claim_owed(&owed("cyn", 70, 1)), error);
}
