//! The registry of models.

use alloy_primitives::{Address, B256};
use tributary_contracts::{IModels, MODELS};

use crate::testing::{Chain, model_spec, who};

fn adapter(name: &str, digest: u8, parents: Vec<u64>) -> IModels::ModelSpec {
    IModels::ModelSpec { kind: 2, parents, ..model_spec(name, digest) }
}

fn register(chain: &mut Chain, by: &str, spec: IModels::ModelSpec) -> u64 {
    chain.ok(by, MODELS, 0, IModels::registerModelCall { spec })
}

#[test]
fn a_model_is_found_by_id_name_digest_and_owner() {
    let mut chain = Chain::dev();
    let id = register(&mut chain, "ann", model_spec("tributary/seed", 1));
    let model = chain.view(MODELS, IModels::getModelCall { modelId: id });
    assert_eq!((model.id, model.owner, model.kind, model.status), (1, who("ann"), 1, 1));
    let by_name = chain.view(MODELS, IModels::modelByNameCall { name: "tributary/seed".into() });
    assert_eq!(by_name, model);
    assert_eq!(chain.view(MODELS, IModels::modelIdByDigestCall { digest: model.digest }), id);
    let owned = chain.view(MODELS, IModels::modelsOfCall { owner: who("ann"), from: 0, count: 9 });
    assert_eq!(owned, [id]);
    assert_eq!(chain.view(MODELS, IModels::modelsCall { from: 0, count: 9 }), [model]);
}

#[test]
fn names_and_digests_are_unique_and_names_are_plain() {
    let mut chain = Chain::dev();
    register(&mut chain, "ann", model_spec("ann/one", 1));
    let call = |name: &str, digest| IModels::registerModelCall { spec: model_spec(name, digest) };
    chain.fails(
        "bob",
        MODELS,
        0,
        call("ann/one", 2),
        IModels::NameTaken { name: "ann/one".into() },
    );
    let error = IModels::DigestTaken { digest: B256::repeat_byte(1), modelId: 1 };
    chain.fails("bob", MODELS, 0, call("bob/two", 1), error);
    let long = "x".repeat(65);
    for name in ["", "Upper", "-dash", "white space", "é", long.as_str()] {
        chain.fails("bob", MODELS, 0, call(name, 3), IModels::BadName { name: name.into() });
    }
}

#[test]
fn lineage_climbs_by_the_parents_terms_of_that_moment() {
    let mut chain = Chain::dev();
    let base = register(&mut chain, "ann", model_spec("ann/base", 1));
    let child = register(&mut chain, "bob", adapter("bob/child", 2, vec![base]));
    let grandchild = register(&mut chain, "cyn", adapter("cyn/grandchild", 3, vec![child]));
    chain.ok("ann", MODELS, 0, IModels::setDerivativeShareCall { modelId: base, sharePpm: 0 });
    let steps = chain.view(MODELS, IModels::lineageOfCall { modelId: grandchild });
    let found: Vec<_> = steps.iter().map(|s| (s.modelId, s.owner, s.sharesPpm.clone())).collect();
    let expected = [
        (grandchild, who("cyn"), vec![300_000]),
        (child, who("bob"), vec![300_000]),
        (base, who("ann"), vec![]),
    ];
    assert_eq!(found, expected);
    assert_eq!(chain.view(MODELS, IModels::getModelCall { modelId: grandchild }).depth, 2);
}

#[test]
fn parents_must_exist_be_active_and_not_take_too_much() {
    let mut chain = Chain::dev();
    let a = register(&mut chain, "ann", model_spec("a", 1));
    let b = register(&mut chain, "ann", model_spec("b", 2));
    let call =
        |parents: Vec<u64>| IModels::registerModelCall { spec: adapter("child", 9, parents) };
    chain.fails("bob", MODELS, 0, call(vec![]), IModels::AdapterNeedsParent {});
    chain.fails("bob", MODELS, 0, call(vec![77]), IModels::UnknownModel { modelId: 77 });
    chain.fails("bob", MODELS, 0, call(vec![a, a]), IModels::BadParent { modelId: a });
    chain.fails(
        "bob",
        MODELS,
        0,
        call(vec![a, b]),
        IModels::ParentShareTooHigh { sharePpm: 600_000 },
    );
    chain.fails(
        "bob",
        MODELS,
        0,
        call(vec![a; 5]),
        IModels::TooManyParents { count: alloy_primitives::U256::from(5) },
    );
    chain.ok("ann", MODELS, 0, IModels::deprecateCall { modelId: a });
    chain.fails("bob", MODELS, 0, call(vec![a]), IModels::ModelIsDeprecated { modelId: a });
    let spec = IModels::ModelSpec { parents: vec![b], ..model_spec("base", 9) };
    chain.fails("bob", MODELS, 0, IModels::registerModelCall { spec }, IModels::BaseHasParents {});
}

#[test]
fn lineage_is_at_most_eight_deep() {
    let mut chain = Chain::dev();
    let mut last = register(&mut chain, "ann", model_spec("m0", 1));
    for depth in 1..=8u8 {
        last = register(&mut chain, "ann", adapter(&format!("m{depth}"), depth + 1, vec![last]));
    }
    let call = IModels::registerModelCall { spec: adapter("m9", 10, vec![last]) };
    chain.fails("ann", MODELS, 0, call, IModels::LineageTooDeep { depth: 9 });
}

#[test]
fn a_price_falls_at_once_and_rises_after_the_delay() {
    let mut chain = Chain::dev();
    let id = register(&mut chain, "ann", model_spec("ann/base", 1));
    let set = |i, o| IModels::setPriceCall { modelId: id, priceIn: i, priceOut: o };
    let price = |chain: &mut Chain| {
        let found = chain.view(MODELS, IModels::priceOfCall { modelId: id });
        (found.priceIn, found.priceOut)
    };
    chain.fails(
        "bob",
        MODELS,
        0,
        set(1, 1),
        IModels::NotModelOwner { modelId: id, caller: who("bob") },
    );
    chain.ok("ann", MODELS, 0, set(500, 2_000));
    assert_eq!(price(&mut chain), (500, 2_000));
    chain.ok("ann", MODELS, 0, set(400, 9_000));
    assert_eq!(price(&mut chain), (400, 2_000));
    chain.wait(5);
    assert_eq!(price(&mut chain), (400, 9_000));
}

#[test]
fn a_transfer_moves_ownership_and_only_the_owner_can() {
    let mut chain = Chain::dev();
    let id = register(&mut chain, "ann", model_spec("ann/base", 1));
    let call = |to: Address| IModels::transferModelCall { modelId: id, to };
    chain.fails(
        "bob",
        MODELS,
        0,
        call(who("bob")),
        IModels::NotModelOwner { modelId: id, caller: who("bob") },
    );
    chain.ok("ann", MODELS, 0, call(who("bob")));
    assert_eq!(chain.view(MODELS, IModels::lineageOfCall { modelId: id })[0].owner, who("bob"));
    let owned = |chain: &mut Chain, name| {
        chain.view(MODELS, IModels::modelsOfCall { owner: who(name), from: 0, count: 9 })
    };
    assert_eq!(owned(&mut chain, "ann"), [0u64; 0]);
    assert_eq!(owned(&mut chain, "bob"), [id]);
}
