//! A chain in memory for the modules' own tests: calls as a frame would make them, undone when
//! they fail, with the books checked after every one.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolError, SolEvent};
use tributary_contracts::{CHAIN_ID_DEV, IDatanets, IModels, IStaking, STAKING};

use crate::fault::Fault;
use crate::{Call, MemoryHost, Params, burned_slot, check_books, install, run};

pub(crate) const COIN: u128 = 1_000_000_000_000_000_000;
pub(crate) const START: u64 = 1_800_000_000;

/// Modules with some funded accounts.
pub(crate) struct Chain {
    pub(crate) host: MemoryHost,
    total: U256,
}

/// An account with a key.
pub(crate) fn key(name: &str) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(name)).expect("a hash is a valid key")
}

/// An account's address.
pub(crate) fn who(name: &str) -> Address {
    key(name).address()
}

/// Signs a digest.
pub(crate) fn sign(name: &str, digest: &B256) -> Vec<u8> {
    key(name).sign_hash_sync(digest).expect("signing works").as_bytes().to_vec()
}

impl Chain {
    pub(crate) fn new(params: &Params) -> Self {
        let mut host = MemoryHost {
            timestamp: START,
            number: 1,
            chain_id: CHAIN_ID_DEV,
            ..Default::default()
        };
        for account in install(params).expect("valid parameters") {
            for (slot, value) in account.storage {
                host.storage.insert((account.address, slot), value);
            }
        }
        for name in ["ann", "bob", "cyn", "dan", "eve", "rev", "rev2", "rev3", "gate", "prov"] {
            host.fund(who(name), 100_000 * COIN);
        }
        let total = host.total_balance();
        Self { host, total }
    }

    pub(crate) fn dev() -> Self {
        Self::new(&Params::dev())
    }

    pub(crate) fn raw(
        &mut self,
        caller: Address,
        module: Address,
        value: u128,
        data: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let before = self.host.clone();
        let value = U256::from(value);
        if !value.is_zero() {
            assert!(
                crate::Host::transfer(&mut self.host, caller, module, value).unwrap(),
                "caller is poor"
            );
        }
        let call = Call { module, caller, value, is_static: false, data };
        let outcome = run(&mut self.host, &call);
        if outcome.is_err() {
            let gas_used = self.host.gas_used;
            self.host = MemoryHost { gas_used, ..before };
        }
        self.check();
        outcome
    }

    /// A call by a named account.
    pub(crate) fn send<C: SolCall>(
        &mut self,
        from: &str,
        module: Address,
        value: u128,
        call: C,
    ) -> Result<C::Return, Fault> {
        let output = self.raw(who(from), module, value, &call.abi_encode())?;
        Ok(C::abi_decode_returns(&output).expect("an answer in the ABI's form"))
    }

    /// A call that must succeed.
    pub(crate) fn ok<C: SolCall>(
        &mut self,
        from: &str,
        module: Address,
        value: u128,
        call: C,
    ) -> C::Return {
        match self.send(from, module, value, call) {
            Ok(found) => found,
            Err(fault) => panic!("{} failed: {}", C::SIGNATURE, describe(&fault)),
        }
    }

    /// A call that must revert with this error.
    pub(crate) fn fails<C: SolCall>(
        &mut self,
        from: &str,
        module: Address,
        value: u128,
        call: C,
        error: impl SolError,
    ) {
        let Err(fault) = self.send(from, module, value, call) else {
            panic!("{} succeeded", C::SIGNATURE)
        };
        let expected = Fault::Revert(error.abi_encode().into());
        assert_eq!(fault, expected, "{} gave {}", C::SIGNATURE, describe(&fault));
    }

    /// A view.
    pub(crate) fn view<C: SolCall>(&mut self, module: Address, call: C) -> C::Return {
        let data = call.abi_encode();
        let call =
            Call { module, caller: Address::ZERO, value: U256::ZERO, is_static: true, data: &data };
        let output =
            run(&mut self.host, &call).unwrap_or_else(|fault| panic!("{}", describe(&fault)));
        C::abi_decode_returns(&output).expect("an answer in the ABI's form")
    }

    pub(crate) fn balance(&self, account: Address) -> u128 {
        self.host.balances.get(&account).copied().unwrap_or_default().to()
    }

    pub(crate) fn burned(&self) -> u128 {
        let slot = (tributary_contracts::OPEN, burned_slot());
        self.host.storage.get(&slot).copied().unwrap_or_default().to()
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.host.timestamp += seconds;
        // Two blocks: enough for a draw.
        self.host.number += 2;
        self.host.prevrandao = keccak256(self.host.number.to_be_bytes());
    }

    /// Coins are conserved and every module covers its buckets.
    pub(crate) fn check(&self) {
        assert_eq!(self.host.total_balance() + U256::from(self.burned()), self.total, "coins");
        let mut balance =
            |account: Address| Ok(self.host.balances.get(&account).copied().unwrap_or_default());
        let mut read = |module: Address, slot: U256| {
            Ok(self.host.storage.get(&(module, slot)).copied().unwrap_or_default())
        };
        assert_eq!(check_books(&mut balance, &mut read), Ok(Vec::new()));
    }

    /// The last event of a kind.
    pub(crate) fn last<E: SolEvent>(&self) -> E {
        let found = self.host.logs.iter().rev().find_map(|log| E::decode_log_data(&log.data).ok());
        found.unwrap_or_else(|| panic!("no {}", E::SIGNATURE))
    }

    /// Stakes and makes a provision.
    pub(crate) fn provision(&mut self, owner: &str, role: u8, tokens: u128) -> u64 {
        self.ok(owner, STAKING, tokens, IStaking::stakeCall {});
        self.ok(owner, STAKING, 0, IStaking::provisionCall { role, amount: tokens })
    }
}

/// A revert in words, for messages of failing tests.
pub(crate) fn describe(fault: &Fault) -> String {
    use alloy_sol_types::SolInterface;
    use tributary_contracts::{IChannels, IModule, IOpen, IRoyalties, ITasks};
    let Fault::Revert(data) = fault else { return fault.to_string() };
    macro_rules! first { ($($errors:ty),*) => { $(if let Ok(error) = <$errors>::abi_decode(data) { return format!("{error:?}"); })* } }
    first!(
        IModule::IModuleErrors,
        IOpen::IOpenErrors,
        IStaking::IStakingErrors,
        IDatanets::IDatanetsErrors,
        IModels::IModelsErrors,
        ITasks::ITasksErrors,
        IChannels::IChannelsErrors,
        IRoyalties::IRoyaltiesErrors
    );
    format!("{data}")
}

/// A datanet's ordinary settings.
pub(crate) fn datanet_spec(auto_publish: bool) -> IDatanets::DatanetSpec {
    IDatanets::DatanetSpec {
        name: "Tea".into(),
        uri: "".into(),
        schemaHash: B256::ZERO,
        licence: "CC-BY-4.0".into(),
        reviewers: 0,
        acceptScore: 0,
        autoPublish: auto_publish,
    }
}

/// A base model's ordinary settings.
pub(crate) fn model_spec(name: &str, digest: u8) -> IModels::ModelSpec {
    IModels::ModelSpec {
        kind: 1,
        name: name.into(),
        digest: B256::repeat_byte(digest),
        tokenizerDigest: B256::repeat_byte(0xaa),
        cardDigest: B256::repeat_byte(0xbb),
        licence: "Apache-2.0".into(),
        uri: "".into(),
        parents: vec![],
        snapshots: vec![],
        priceIn: 1_000,
        priceOut: 2_000,
        derivativeSharePpm: 300_000,
    }
}
