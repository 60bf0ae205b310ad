//! Splits and pools.

use alloy_primitives::{B256, U256};
use proptest::prelude::*;
use tributary_contracts::{
    CHAIN_ID_DEV, DATANETS, IDatanets, IModels, IRoyalties, IStaking, MODELS, ROYALTIES, STAKING,
    receipt_digest, receipt_of,
};
use tributary_primitives::{Amount, ReceiptBody, SamplerParams};

use crate::Params;
use crate::session::Session;
use crate::testing::{COIN, Chain, datanet_spec, model_spec, sign, who};

/// A datanet of ann with one published contribution of `items` rows per name.
fn published(chain: &mut Chain, contributors: &[(&str, u64)]) -> (u64, Vec<u64>) {
    chain.provision("rev", 2, 10 * COIN);
    let spec = datanet_spec(true);
    let net = chain.ok("ann", DATANETS, 0, IDatanets::createDatanetCall { spec });
    let ids = contributors
        .iter()
        .enumerate()
        .map(|(at, (name, items))| publish(chain, net, name, *items, at as u8 + 1));
    (net, ids.collect())
}

fn publish(chain: &mut Chain, net: u64, name: &str, items: u64, seed: u8) -> u64 {
    let root = B256::repeat_byte(seed);
    let cost =
        chain.view(DATANETS, IDatanets::contributionCostCall { datanetId: net, itemCount: items });
    let call = IDatanets::contributeCall {
        datanetId: net,
        itemsRoot: root,
        itemCount: items,
        dataCommit: root,
        uri: "".into(),
    };
    let id = chain.ok(name, DATANETS, cost.stake + cost.fee, call);
    chain.wait(1);
    chain.ok("eve", DATANETS, 0, IDatanets::pokeCall { max: 9 });
    let call = IDatanets::reviewCommitmentCall {
        score: 90,
        salt: root,
        reviewer: who("rev"),
        contributionId: id,
        round: 0,
    };
    let commitment = chain.view(DATANETS, call);
    chain.ok("rev", DATANETS, 0, IDatanets::commitReviewCall { contributionId: id, commitment });
    chain.ok(
        "rev",
        DATANETS,
        0,
        IDatanets::revealReviewCall { contributionId: id, score: 90, salt: root },
    );
    chain.wait(2);
    chain.ok("eve", DATANETS, 0, IDatanets::pokeCall { max: 9 });
    id
}

fn donate(chain: &mut Chain, net: u64, wei: u128) {
    chain.ok("dan", ROYALTIES, wei, IRoyalties::donateCall { datanetId: net });
}

/// Pays backers as a claim would, out of eve's coins.
fn pay_backers(chain: &mut Chain, net: u64, wei: u128) {
    use crate::money::{Bucket, Place, Purpose, transfer};
    let value = U256::from(wei);
    assert!(
        crate::Host::transfer(&mut chain.host, who("eve"), tributary_contracts::CHANNELS, value)
            .unwrap()
    );
    let mut s =
        Session::new(&mut chain.host, tributary_contracts::CHANNELS, who("eve"), value).unwrap();
    let pot = Bucket::new(Purpose::Pot, who("eve"));
    transfer(&mut s, Place::Value, pot, wei).unwrap();
    super::pay_backers(&mut s, pot, net, wei).unwrap();
    chain.check();
}

#[test]
fn the_commons_belongs_to_all_published_items_alike() {
    let mut chain = Chain::dev();
    let (net, ids) = published(&mut chain, &[("bob", 10), ("cyn", 30)]);
    donate(&mut chain, net, 407);
    let earned = |chain: &mut Chain, id| {
        chain.view(ROYALTIES, IRoyalties::commonsOfCall { contributionId: id })
    };
    assert_eq!((earned(&mut chain, ids[0]), earned(&mut chain, ids[1])), (100, 300));
    let before = chain.balance(who("bob"));
    assert_eq!(
        chain.ok("eve", ROYALTIES, 0, IRoyalties::claimCommonsCall { contributionId: ids[0] }),
        100
    );
    assert_eq!(chain.balance(who("bob")) - before, 100);
    chain.fails(
        "eve",
        ROYALTIES,
        0,
        IRoyalties::claimCommonsCall { contributionId: ids[0] },
        IRoyalties::NothingEarned {},
    );
    // The remainder of 7 joins the next payment: 33 + 7 = 40 is one wei per item.
    donate(&mut chain, net, 33);
    assert_eq!(earned(&mut chain, ids[1]), 330);
    let late = publish(&mut chain, net, "dan", 5, 9);
    assert_eq!(earned(&mut chain, late), 0, "no part of what came before");
}

#[test]
fn what_comes_before_the_first_row_waits_for_it() {
    let mut chain = Chain::dev();
    let (net, _) = published(&mut chain, &[]);
    donate(&mut chain, net, 100);
    let nothing = IRoyalties::NothingToSweep { datanetId: net };
    chain.fails("eve", ROYALTIES, 0, IRoyalties::sweepCommonsCall { datanetId: net }, nothing);
    let id = publish(&mut chain, net, "bob", 20, 1);
    assert_eq!(chain.view(ROYALTIES, IRoyalties::commonsOfCall { contributionId: id }), 100);
}

#[test]
fn a_tombstoned_contribution_is_paid_and_earns_no_more() {
    let mut chain = Chain::dev();
    let (net, ids) = published(&mut chain, &[("bob", 10), ("cyn", 10)]);
    donate(&mut chain, net, 100);
    let before = chain.balance(who("bob"));
    chain.ok(
        "bob",
        DATANETS,
        0,
        IDatanets::tombstoneCall { contributionId: ids[0], reason: B256::ZERO },
    );
    assert_eq!(chain.balance(who("bob")) - before, 50);
    donate(&mut chain, net, 100);
    assert_eq!(chain.view(ROYALTIES, IRoyalties::commonsOfCall { contributionId: ids[1] }), 150);
    let error = IRoyalties::ContributionNotPublished { contributionId: ids[0] };
    chain.fails(
        "eve",
        ROYALTIES,
        0,
        IRoyalties::claimCommonsCall { contributionId: ids[0] },
        error,
    );
}

#[test]
fn a_remainder_that_no_item_can_receive_goes_to_the_treasury() {
    let mut chain = Chain::dev();
    let (net, _) = published(&mut chain, &[("bob", 10)]);
    donate(&mut chain, net, 17);
    assert_eq!(chain.ok("eve", ROYALTIES, 0, IRoyalties::sweepCommonsCall { datanetId: net }), 7);
    assert_eq!(chain.balance(Params::dev().treasury), 7);
}

#[test]
fn backers_share_by_stake_and_leave_by_thawing() {
    let mut chain = Chain::dev();
    let (net, _) = published(&mut chain, &[]);
    chain.ok("bob", ROYALTIES, 10 * COIN, IRoyalties::backCall { datanetId: net });
    chain.ok("cyn", ROYALTIES, 30 * COIN, IRoyalties::backCall { datanetId: net });
    pay_backers(&mut chain, net, 1_000);
    let of = |chain: &mut Chain, name| {
        chain.view(ROYALTIES, IRoyalties::backingOfCall { datanetId: net, backer: who(name) })
    };
    // Cut to whole wei: a wei below the exact part at most.
    assert_eq!((of(&mut chain, "bob").earned, of(&mut chain, "cyn").earned), (249, 749));
    chain.ok("cyn", ROYALTIES, 0, IRoyalties::unbackCall { datanetId: net, amount: 30 * COIN });
    pay_backers(&mut chain, net, 1_000);
    assert_eq!((of(&mut chain, "bob").earned, of(&mut chain, "cyn").earned), (1_250, 749));
    let error = IRoyalties::BackingStillThawing { thawEnd: chain.host.timestamp + 10 };
    chain.fails("cyn", ROYALTIES, 0, IRoyalties::withdrawBackingCall { datanetId: net }, error);
    chain.wait(10);
    assert_eq!(
        chain.ok("cyn", ROYALTIES, 0, IRoyalties::withdrawBackingCall { datanetId: net }),
        30 * COIN
    );
    assert_eq!(chain.ok("cyn", ROYALTIES, 0, IRoyalties::claimBackingCall { datanetId: net }), 749);
    let error = IRoyalties::UnknownPoolDatanet { datanetId: 9 };
    chain.fails("bob", ROYALTIES, COIN, IRoyalties::backCall { datanetId: 9 }, error);
}

#[test]
fn a_route_adds_up_to_the_whole_over_a_diamond() {
    let mut chain = Chain::dev();
    let mut register = |name: &str, digest: u8, parents: Vec<u64>, share| {
        let kind = if parents.is_empty() { 1 } else { 2 };
        let spec = IModels::ModelSpec {
            kind,
            parents,
            derivativeSharePpm: share,
            ..model_spec(name, digest)
        };
        chain.ok("ann", MODELS, 0, IModels::registerModelCall { spec })
    };
    let base = register("base", 1, vec![], 250_000);
    let left = register("left", 2, vec![base], 200_000);
    let right = register("right", 3, vec![base], 300_000);
    let top = register("top", 4, vec![left, right], 0);
    let route = chain.view(ROYALTIES, IRoyalties::routeOfCall { modelId: top });
    let found: Vec<_> = route.iter().map(|r| (r.modelId, r.sharePpm)).collect();
    assert_eq!(found, [(top, 500_000), (left, 150_000), (right, 225_000), (base, 125_000)]);
}

#[test]
fn a_receipt_counts_only_from_the_key_of_an_active_provider_and_every_field_matters() {
    let mut chain = Chain::dev();
    let provision = chain.provision("prov", 1, COIN);
    let profile = IStaking::setProfileCall {
        provisionId: provision,
        endpoint: "".into(),
        receiptKey: who("key"),
        priceIn: 1,
        priceOut: 1,
        trainPrice: 1,
    };
    chain.ok("prov", STAKING, 0, profile);
    let body = receipt_body();
    let id = receipt_digest(&body, CHAIN_ID_DEV);
    let receipt = receipt_of(&body);
    assert_eq!(
        chain.view(ROYALTIES, IRoyalties::receiptDigestCall { receipt: receipt.clone() }),
        id
    );
    let signature: alloy_primitives::Bytes = sign("key", &id).into();
    let mut verify = |receipt: &IRoyalties::Receipt| {
        let call = IRoyalties::verifyReceiptCall {
            receipt: receipt.clone(),
            signature: signature.clone(),
        };
        chain.view(ROYALTIES, call).valid
    };
    assert!(verify(&receipt));
    let mut changed = receipt.clone();
    changed.sampler.topK = 7;
    assert!(!verify(&changed));
    let mut changed = receipt;
    changed.snapshot.version = 7;
    assert!(!verify(&changed));
    chain.ok("prov", STAKING, 0, IStaking::thawCall { provisionId: provision, amount: COIN });
    let call = IRoyalties::verifyReceiptCall { receipt: receipt_of(&body), signature };
    assert!(!chain.view(ROYALTIES, call).valid, "not active any more");
}

/// `attribution` reads the same example: what providers split by and what the chain says is one.
#[test]
fn the_worked_example_of_the_specification_is_cut_the_same_on_chain() {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/specs/0002-receipts-and-settlement.md");
    let text = std::fs::read_to_string(path).unwrap();
    let fenced = text.split("```json worked-example\n").nth(1).unwrap();
    let example: serde_json::Value =
        serde_json::from_str(fenced.split("\n```").next().unwrap()).unwrap();
    let wei = |value: &serde_json::Value| value.as_str().unwrap().parse::<u128>().unwrap();
    let part = |name: &str| example["parts"][name].as_u64().unwrap() as u32;
    let mut params = Params::dev();
    params.royalties.compute_protocol_ppm = part("compute_protocol_ppm");
    params.royalties.licence_protocol_ppm = part("licence_protocol_ppm");
    params.royalties.lineage_ppm = part("lineage_ppm");
    params.royalties.backers_ppm = part("backers_ppm");
    let mut chain = Chain::new(&params);
    let call = IRoyalties::splitOfCall {
        feeCompute: wei(&example["fee_compute"]),
        feeLicence: wei(&example["fee_licence"]),
    };
    let split = chain.view(ROYALTIES, call);
    let of = |roles: &[&str]| -> u128 {
        let shares = example["shares"].as_array().unwrap().iter();
        let shares = shares.filter(|share| roles.contains(&share["role"].as_str().unwrap()));
        shares.map(|share| wei(&share["amount"])).sum()
    };
    assert_eq!(split.provider, of(&["provider"]));
    assert_eq!(split.protocolCompute, of(&["protocol_compute"]));
    assert_eq!(split.protocolLicence, of(&["protocol_licence"]));
    assert_eq!(split.lineage, of(&["lineage"]));
    assert_eq!(split.backers, of(&["backers"]));
    assert_eq!(split.data, of(&["data", "commons"]));
}

fn receipt_body() -> ReceiptBody {
    let digest = Default::default();
    ReceiptBody {
        gateway: who("gate"),
        payer: who("bob"),
        channel: Default::default(),
        provider: who("prov"),
        model: Default::default(),
        model_digest: digest,
        adapter_digest: digest,
        tokenizer_digest: digest,
        snapshot: Default::default(),
        prompt_commitment: digest,
        completion_commitment: digest,
        prompt_tokens: 3,
        completion_tokens: 4,
        temperature_micro: 0,
        top_p_ppm: 1_000_000,
        top_k: 0,
        max_tokens: 16,
        sampler_digest: SamplerParams::default().digest(),
        job_seed: digest,
        logits_digest: digest,
        fee_compute: Amount::from_wei(1),
        fee_licence: Amount::from_wei(2),
        spans_digest: digest,
        shares_digest: digest,
        block_number: 5,
        block_hash: B256::ZERO,
        issued_at: 6,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn split_parts_sum_to_the_fee_to_the_wei(compute in 0u128..1 << 90, licence in 0u128..1 << 90) {
        let mut chain = Chain::dev();
        let call = IRoyalties::splitOfCall { feeCompute: compute, feeLicence: licence };
        let split = chain.view(ROYALTIES, call);
        prop_assert_eq!(split.provider + split.protocolCompute, compute);
        let parts = split.protocolLicence + split.lineage + split.data + split.backers;
        prop_assert_eq!(parts, licence);
        prop_assert!(split.data >= licence / 100 * 45);
    }

    #[test]
    fn backing_in_is_backing_out_and_pools_empty(
        steps in prop::collection::vec((0usize..3, 0u8..4, 1u128..1_000_000_007), 1..40),
    ) {
        let mut chain = Chain::dev();
        let spec = datanet_spec(true);
        let net = chain.ok("ann", DATANETS, 0, IDatanets::createDatanetCall { spec });
        let names = ["bob", "cyn", "dan"];
        for (who, what, amount) in steps {
            let name = names[who];
            match what {
                0 => { chain.ok(name, ROYALTIES, amount, IRoyalties::backCall { datanetId: net }); }
                1 => {
                    let call = IRoyalties::unbackCall { datanetId: net, amount: amount / 3 + 1 };
                    let _ = chain.send(name, ROYALTIES, 0, call);
                }
                2 => pay_backers(&mut chain, net, amount),
                _ => {
                    let call = IRoyalties::claimBackingCall { datanetId: net };
                    let _ = chain.send(name, ROYALTIES, 0, call);
                }
            }
        }
        for name in names {
            let call = IRoyalties::backingOfCall { datanetId: net, backer: who(name) };
            let backing = chain.view(ROYALTIES, call);
            if backing.amount > 0 {
                let call = IRoyalties::unbackCall { datanetId: net, amount: backing.amount };
                chain.ok(name, ROYALTIES, 0, call);
            }
        }
        chain.wait(10);
        for name in names {
            let call = IRoyalties::withdrawBackingCall { datanetId: net };
            let _ = chain.send(name, ROYALTIES, 0, call);
            let _ = chain.send(name, ROYALTIES, 0, IRoyalties::claimBackingCall { datanetId: net });
        }
        chain.ok("ann", DATANETS, 0, IDatanets::setDatanetStatusCall { datanetId: net, status: 3 });
        let _ = chain.send("eve", ROYALTIES, 0, IRoyalties::sweepCommonsCall { datanetId: net });
        prop_assert_eq!(chain.balance(ROYALTIES), 0, "all money can leave");
    }
}
