//! Jobs with escrow.

use alloy_primitives::{Address, B256};
use tributary_contracts::{
    CHANNELS, IChannels, IModels, IStaking, ITasks, MODELS, STAKING, TASKS, TaskState as State,
};

use crate::Params;
use crate::testing::{COIN, Chain, model_spec, who};

const FEE: u128 = 2 * COIN;

fn setup_with(params: &Params) -> (Chain, u64) {
    let mut chain = Chain::new(params);
    let provision = chain.provision("prov", 1, 1_000 * COIN);
    let spec = model_spec("tributary/seed", 1);
    chain.ok("ann", MODELS, 0, IModels::registerModelCall { spec });
    (chain, provision)
}

fn setup() -> (Chain, u64) {
    setup_with(&Params::dev())
}

fn spec(chain: &Chain, name: &str) -> ITasks::TaskSpec {
    ITasks::TaskSpec {
        kind: 1,
        modelId: 1,
        datanetId: 0,
        version: 0,
        inputDigest: B256::ZERO,
        params: "quick".into(),
        adapterName: name.into(),
        licence: "CC-BY-4.0".into(),
        priceIn: 10,
        priceOut: 20,
        deadline: chain.host.timestamp + 600,
        provider: Address::ZERO,
        gateway: Address::ZERO,
    }
}

fn submit(chain: &mut Chain, name: &str) -> u64 {
    let spec = spec(chain, name);
    chain.ok("bob", TASKS, FEE, ITasks::submitTaskCall { spec })
}

fn complete(id: u64, fee: u128) -> ITasks::completeTaskCall {
    ITasks::completeTaskCall {
        taskId: id,
        resultDigest: B256::repeat_byte(9),
        cardDigest: B256::ZERO,
        fee,
    }
}

fn state(chain: &mut Chain, id: u64) -> u8 {
    chain.view(TASKS, ITasks::getTaskCall { taskId: id }).state
}

#[test]
fn a_completed_training_registers_the_adapter_pays_the_provider_and_refunds_the_rest() {
    let (mut chain, provision) = setup();
    let id = submit(&mut chain, "bob/tea");
    chain.ok("prov", TASKS, 0, ITasks::acceptTaskCall { taskId: id });
    let locked = chain.view(STAKING, IStaking::getProvisionCall { provisionId: provision }).locked;
    assert_eq!(locked, FEE);
    let before = chain.balance(who("prov"));
    let model_id = chain.ok("prov", TASKS, 0, complete(id, COIN));
    assert_eq!(chain.balance(who("prov")) - before, COIN - COIN / 25);
    assert_eq!(chain.balance(who("bob")), 100_000 * COIN - COIN);
    assert_eq!(chain.balance(Params::dev().treasury), COIN / 25);
    let model = chain.view(MODELS, IModels::getModelCall { modelId: model_id });
    assert_eq!((model.owner, model.name.as_str(), model.kind), (who("bob"), "bob/tea", 2));
    assert_eq!((model.parents, model.parentSharesPpm), (vec![1], vec![300_000]));
    assert_eq!((model.taskId, model.priceIn, model.priceOut), (id, 10, 20));
    let locked = chain.view(STAKING, IStaking::getProvisionCall { provisionId: provision }).locked;
    assert_eq!(locked, 0);
    assert_eq!(chain.view(TASKS, ITasks::openTasksCall { from: 0, count: 9 }), [0u64; 0]);
    assert_eq!(chain.view(TASKS, ITasks::nextTimerCall {}), 0);
}

#[test]
fn only_a_provider_whose_provision_covers_the_escrow_accepts() {
    let (mut chain, provision) = setup();
    let id = submit(&mut chain, "bob/tea");
    let accept = ITasks::acceptTaskCall { taskId: id };
    chain.fails("eve", TASKS, 0, accept.clone(), ITasks::NoProvision { caller: who("eve") });
    chain.ok("prov", STAKING, 0, IStaking::thawCall { provisionId: provision, amount: 999 * COIN });
    let error = ITasks::NotCovered { provisionId: provision, available: COIN, needed: FEE };
    chain.fails("prov", TASKS, 0, accept, error);
    let mut chosen = spec(&chain, "bob/other");
    chosen.provider = who("dan");
    let id = chain.ok("bob", TASKS, COIN, ITasks::submitTaskCall { spec: chosen });
    let error = ITasks::ChosenProvider { taskId: id, provider: who("dan") };
    chain.fails("prov", TASKS, 0, ITasks::acceptTaskCall { taskId: id }, error);
}

#[test]
fn the_adapters_name_is_reserved_while_the_task_is_open() {
    let (mut chain, _) = setup();
    let id = submit(&mut chain, "bob/tea");
    let spec = spec(&chain, "bob/tea");
    let taken = IModels::NameTaken { name: "bob/tea".into() };
    chain.fails("cyn", TASKS, FEE, ITasks::submitTaskCall { spec }, taken.clone());
    let register = IModels::registerModelCall { spec: model_spec("bob/tea", 7) };
    chain.fails("cyn", MODELS, 0, register.clone(), taken);
    assert!(!chain.view(MODELS, IModels::nameFreeCall { name: "bob/tea".into() }));
    chain.ok("bob", TASKS, 0, ITasks::cancelTaskCall { taskId: id });
    chain.ok("cyn", MODELS, 0, register);
}

#[test]
fn cancelling_refunds_and_on_the_main_network_pays_a_provider_who_had_begun() {
    let (mut chain, _) = setup();
    let id = submit(&mut chain, "bob/tea");
    chain.fails(
        "eve",
        TASKS,
        0,
        ITasks::cancelTaskCall { taskId: id },
        ITasks::NotRequester { taskId: id, caller: who("eve") },
    );
    chain.ok("prov", TASKS, 0, ITasks::acceptTaskCall { taskId: id });
    chain.ok("bob", TASKS, 0, ITasks::cancelTaskCall { taskId: id });
    assert_eq!(chain.balance(who("bob")), 100_000 * COIN);
    let error = ITasks::WrongTaskState { taskId: id, state: State::Cancelled.code() };
    chain.fails("prov", TASKS, 0, complete(id, COIN), error);

    let (mut chain, _) = setup_with(&Params::mainnet());
    let id = submit(&mut chain, "bob/tea");
    chain.ok("prov", TASKS, 0, ITasks::acceptTaskCall { taskId: id });
    let before = chain.balance(who("prov"));
    chain.ok("bob", TASKS, 0, ITasks::cancelTaskCall { taskId: id });
    assert_eq!(chain.balance(who("prov")) - before, FEE / 10);
    assert_eq!(chain.balance(who("bob")), 100_000 * COIN - FEE / 10);
}

#[test]
fn a_missed_deadline_refunds_by_a_poke_and_costs_the_idle_provider() {
    let (mut chain, provision) = setup();
    let (open, accepted) = (submit(&mut chain, "bob/one"), submit(&mut chain, "bob/two"));
    chain.ok("prov", TASKS, 0, ITasks::acceptTaskCall { taskId: accepted });
    let deadline = chain.host.timestamp + 600;
    let error = ITasks::DeadlineNotReached { taskId: open, deadline };
    chain.fails("eve", TASKS, 0, ITasks::expireTaskCall { taskId: open }, error);
    assert_eq!(chain.view(TASKS, ITasks::nextTimerCall {}), deadline + 1);
    chain.wait(601);
    chain.fails(
        "prov",
        TASKS,
        0,
        complete(accepted, 1),
        ITasks::DeadlinePassed { taskId: accepted, deadline },
    );
    assert_eq!(chain.ok("eve", TASKS, 0, ITasks::pokeCall { max: 64 }), 2);
    assert_eq!(state(&mut chain, open), State::Expired.code());
    assert_eq!(state(&mut chain, accepted), State::Expired.code());
    let penalty = FEE / 10;
    assert_eq!(chain.balance(who("bob")), 100_000 * COIN + penalty / 2);
    assert_eq!(chain.burned(), penalty / 2);
    let provision = chain.view(STAKING, IStaking::getProvisionCall { provisionId: provision });
    assert_eq!((provision.tokens, provision.locked), (1_000 * COIN - penalty, 0));
}

#[test]
fn a_released_task_is_open_to_others() {
    let (mut chain, _) = setup();
    chain.provision("dan", 1, 10 * COIN);
    let id = submit(&mut chain, "bob/tea");
    chain.ok("prov", TASKS, 0, ITasks::acceptTaskCall { taskId: id });
    chain.fails(
        "dan",
        TASKS,
        0,
        ITasks::releaseTaskCall { taskId: id },
        ITasks::NotProvider { taskId: id, caller: who("dan") },
    );
    chain.ok("prov", TASKS, 0, ITasks::releaseTaskCall { taskId: id });
    chain.ok("dan", TASKS, 0, ITasks::acceptTaskCall { taskId: id });
    let error = ITasks::FeeTooHigh { fee: FEE + 1, maxFee: FEE };
    chain.fails("dan", TASKS, 0, complete(id, FEE + 1), error);
    chain.ok("dan", TASKS, 0, complete(id, FEE));
}

fn question(chain: &Chain, gateway: &str) -> ITasks::TaskSpec {
    ITasks::TaskSpec {
        kind: 2,
        modelId: 1,
        inputDigest: B256::repeat_byte(3),
        deadline: chain.host.timestamp + 600,
        gateway: who(gateway),
        ..Default::default()
    }
}

#[test]
fn an_answers_fee_goes_to_its_gateways_pot_and_the_rest_back() {
    let (mut chain, provision) = setup();
    chain.provision("gate", 3, 1_000 * COIN);
    let spec = question(&chain, "gate");
    let id = chain.ok("bob", TASKS, FEE, ITasks::submitTaskCall { spec });
    chain.ok("prov", TASKS, 0, ITasks::acceptTaskCall { taskId: id });
    let before = (chain.balance(who("prov")), chain.balance(Params::dev().treasury));
    assert_eq!(chain.ok("prov", TASKS, 0, complete(id, COIN)), 0, "no model");
    assert_eq!((chain.balance(who("prov")), chain.balance(Params::dev().treasury)), before);
    assert_eq!(chain.balance(who("bob")), 100_000 * COIN - COIN);
    let taken = chain.view(CHANNELS, IChannels::getGatewayCall { gateway: who("gate") });
    assert_eq!((taken.pot, taken.redeemed, taken.rooted), (COIN, COIN, 0));
    let locked = chain.view(STAKING, IStaking::getProvisionCall { provisionId: provision }).locked;
    assert_eq!(locked, 0);
    // From now on the gateway owes a root, as after a voucher: its provision stays.
    let gate = chain.view(STAKING, IStaking::provisionOfCall { owner: who("gate"), role: 3 }).id;
    let thaw = IStaking::thawCall { provisionId: gate, amount: COIN };
    assert!(chain.send("gate", STAKING, 0, thaw).is_err());
}

#[test]
fn an_inference_needs_an_active_gateway_and_a_training_names_none() {
    let (mut chain, _) = setup();
    let nobody = ITasks::NoGateway { gateway: who("prov") };
    let asked = question(&chain, "prov");
    chain.fails("bob", TASKS, FEE, ITasks::submitTaskCall { spec: asked }, nobody);
    let named = ITasks::TaskSpec { gateway: who("gate"), ..spec(&chain, "bob/tea") };
    let error = tributary_contracts::IModule::OutOfBounds { what: "gateway".into() };
    chain.fails("bob", TASKS, FEE, ITasks::submitTaskCall { spec: named }, error);
    // One that stopped being a gateway takes no more: the task goes back, and its escrow with it.
    let gate = chain.provision("gate", 3, 1_000 * COIN);
    let spec = question(&chain, "gate");
    let id = chain.ok("bob", TASKS, FEE, ITasks::submitTaskCall { spec });
    chain.ok("prov", TASKS, 0, ITasks::acceptTaskCall { taskId: id });
    let thaw = IStaking::thawCall { provisionId: gate, amount: 1_000 * COIN };
    chain.ok("gate", STAKING, 0, thaw);
    let gone = ITasks::NoGateway { gateway: who("gate") };
    chain.fails("prov", TASKS, 0, complete(id, COIN), gone);
    chain.ok("prov", TASKS, 0, ITasks::releaseTaskCall { taskId: id });
    chain.ok("bob", TASKS, 0, ITasks::cancelTaskCall { taskId: id });
    assert_eq!(chain.balance(who("bob")), 100_000 * COIN);
}

#[test]
fn a_task_needs_escrow_a_known_model_and_a_sane_deadline() {
    let (mut chain, _) = setup();
    let good = spec(&chain, "bob/tea");
    let call = |spec: &ITasks::TaskSpec| ITasks::submitTaskCall { spec: spec.clone() };
    chain.fails("bob", TASKS, 0, call(&good), ITasks::EmptyEscrow {});
    let now = chain.host.timestamp;
    for deadline in [0, now, now + 31 * 86_400, u64::MAX] {
        let bad = ITasks::TaskSpec { deadline, ..good.clone() };
        chain.fails("bob", TASKS, FEE, call(&bad), ITasks::BadDeadline { deadline });
    }
    let bad = ITasks::TaskSpec { modelId: 5, ..good.clone() };
    chain.fails("bob", TASKS, FEE, call(&bad), IModels::UnknownModel { modelId: 5 });
    let bad = ITasks::TaskSpec { datanetId: 5, version: 1, ..good };
    let error = tributary_contracts::IDatanets::UnknownSnapshot { datanetId: 5, version: 1 };
    chain.fails("bob", TASKS, FEE, call(&bad), error);
}
