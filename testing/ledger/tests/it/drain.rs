//! The end of every run: everybody leaves, and no coin stays behind.

use rand::Rng;
use tributary_ledger::{Ledger, Op, Purse, Status, TaskState};
use tributary_primitives::{Address, Amount};

use crate::generate::Generator;
use crate::world::{DATANETS_COUNT, World};

/// Lets all money out, by ordinary calls of those it belongs to.
pub fn drain(world: &mut World, generator: &mut Generator) {
    end_tasks(world);
    close_channels(world);
    end_contributions(world);
    pay_everyone(world, generator);
    empty_pools(world);
    unstake_all(world);
    assert!(world.ledger.purses.is_empty(), "coins left behind: {:?}", world.ledger.purses);
}

fn wait(world: &mut World, seconds: u64) {
    world.mine_and_compare();
    world.later(seconds);
}

fn end_tasks(world: &mut World) {
    world.later(1_000);
    let accepted = |task: &tributary_ledger::Task| matches!(task.state, TaskState::Accepted(..));
    let tasks = world.ledger.tasks.clone();
    for (id, task) in tasks {
        if accepted(&task) && world.ledger.now <= task.deadline {
            world.act(task.requester, Amount::ZERO, &Op::CancelTask { id });
        } else if world.ledger.now > task.deadline {
            world.act(world.actors[1], Amount::ZERO, &Op::ExpireTask { id });
        } else {
            world.act(task.requester, Amount::ZERO, &Op::CancelTask { id });
        }
    }
    wait(world, 0);
}

fn close_channels(world: &mut World) {
    for (number, channel) in world.ledger.channels.clone() {
        if !channel.closed && !channel.closing {
            world.act(channel.payer, Amount::ZERO, &Op::RequestClose { channel: number });
        }
    }
    wait(world, 1_000);
    let open = |ledger: &Ledger| ledger.channels.values().any(|channel| !channel.closed);
    while open(&world.ledger) {
        world.act(world.actors[1], Amount::ZERO, &Op::PokeChannels);
    }
    for owner in world.actors.clone() {
        let amount = world.ledger.purse(Purse::Balance(owner));
        if !amount.is_zero() {
            world.act(owner, Amount::ZERO, &Op::Withdraw { amount });
        }
    }
    wait(world, 0);
}

fn end_contributions(world: &mut World) {
    for (id, contribution) in world.ledger.contributions.clone() {
        if contribution.status == Status::Submitted && contribution.challenger.is_none() {
            world.act(contribution.contributor, Amount::ZERO, &Op::WithdrawContribution { id });
        }
    }
    while !world.ledger.timers.is_empty() {
        wait(world, 2_000);
        for _ in 0..40 {
            world.act(world.actors[1], Amount::ZERO, &Op::PokeDatanets);
        }
    }
    wait(world, 0);
}

/// Gateways that can promise all they took in, and every leaf is claimed. The others have vanished:
/// what is left is wound up.
fn pay_everyone(world: &mut World, generator: &mut Generator) {
    let gateways: Vec<Address> = world.ledger.gateways.keys().copied().collect();
    for gateway in &gateways {
        let sums = &world.ledger.gateways[gateway];
        let vanished = !world.ledger.acts_as(*gateway, 3) || generator.rng.random_bool(0.3);
        if vanished || sums.redeemed == sums.rooted {
            continue;
        }
        for _ in 0..100 {
            let op = generator.root(&world.ledger, &world.actors, *gateway);
            if world.ledger.clone().apply(*gateway, Amount::ZERO, &op).is_ok() {
                world.act(*gateway, Amount::ZERO, &op);
                break;
            }
        }
    }
    wait(world, 1_000);
    for gateway in &gateways {
        let in_force = world.ledger.gateways[gateway].roots.iter().rev();
        let newest = in_force.filter(|(_, root)| !root.rejected).next();
        let Some((epoch, count)) = newest.map(|(epoch, root)| (*epoch, root.leaves.len())) else {
            continue;
        };
        for index in 0..count {
            let op = Op::Claim { gateway: *gateway, epoch, index };
            if world.ledger.clone().apply(*gateway, Amount::ZERO, &op).is_ok() {
                world.act(*gateway, Amount::ZERO, &op);
            }
        }
    }
    wind_up(world, &gateways);
}

/// What no root pays goes out by the calls that anyone can make.
fn wind_up(world: &mut World, gateways: &[Address]) {
    let waiting: Vec<Address> = gateways
        .iter()
        .copied()
        .filter(|gateway| !world.ledger.purse(Purse::Pot(*gateway)).is_zero())
        .collect();
    wait(world, 4_000);
    for gateway in &waiting {
        if world.ledger.gateways[gateway].wind_up_end.is_none() {
            world.act(world.actors[1], Amount::ZERO, &Op::WindUp { gateway: *gateway });
        }
    }
    wait(world, 1_000);
    for gateway in waiting {
        world.act(world.actors[1], Amount::ZERO, &Op::SweepPot { gateway });
    }
    wait(world, 0);
}

fn empty_pools(world: &mut World) {
    for ((datanet, owner), backer) in world.ledger.backers.clone() {
        if !backer.amount.is_zero() {
            world.act(owner, Amount::ZERO, &Op::Unback { datanet, amount: backer.amount });
        }
    }
    wait(world, 1_000);
    for ((datanet, owner), backer) in world.ledger.backers.clone() {
        if !backer.thawing.is_zero() {
            world.act(owner, Amount::ZERO, &Op::WithdrawBacking { datanet });
        }
        if !backer.earned.is_zero() {
            world.act(owner, Amount::ZERO, &Op::ClaimBacking { datanet });
        }
    }
    for (id, contribution) in world.ledger.contributions.clone() {
        if contribution.status == Status::Published {
            world.act(contribution.contributor, Amount::ZERO, &Op::Tombstone { id });
        }
    }
    for datanet in 1..=DATANETS_COUNT {
        let owner = world.ledger.datanet_owners[&datanet];
        world.act(owner, Amount::ZERO, &Op::CloseDatanet { id: datanet });
        if world.ledger.pools.get(&datanet).is_some_and(|pool| pool.undistributed > 0) {
            world.act(owner, Amount::ZERO, &Op::Sweep { datanet });
        }
    }
    wait(world, 0);
}

fn unstake_all(world: &mut World) {
    for (id, provision) in world.ledger.provisions.clone() {
        let amount = world.ledger.available(id);
        if !amount.is_zero() {
            world.act(provision.owner, Amount::ZERO, &Op::Thaw { id, amount });
        }
    }
    wait(world, 1_000);
    for (id, provision) in world.ledger.provisions.clone() {
        if !provision.thawing.is_zero() {
            world.act(provision.owner, Amount::ZERO, &Op::Deprovision { id });
        }
    }
    for owner in world.actors.clone() {
        if world.ledger.unbondings.get(&owner).is_some_and(|queue| !queue.is_empty()) {
            world.act(owner, Amount::ZERO, &Op::WithdrawUnbonded);
        }
        let amount = world.ledger.purse(Purse::FreeStake(owner));
        if !amount.is_zero() {
            world.act(owner, Amount::ZERO, &Op::Unstake { amount });
        }
    }
    wait(world, 1_000);
    for owner in world.actors.clone() {
        if world.ledger.unbondings.get(&owner).is_some_and(|queue| !queue.is_empty()) {
            world.act(owner, Amount::ZERO, &Op::WithdrawUnbonded);
        }
    }
    wait(world, 0);
}
