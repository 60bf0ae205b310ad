//! Tests of the state transition on a development chain.

mod blocks;
mod books;
mod burns;
mod cheats;
mod genesis;
mod mainnet;
mod modules;
mod simulated_blocks;
mod simulation;

use crate::*;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEnvelope, TxLegacy};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use std::sync::Arc;
use tributary_primitives::OPEN;
use tributary_storage::Store;

/// A chain in memory with a sequential executor.
struct Chain {
    spec: Arc<ChainSpec>,
    store: Store,
    executor: SequentialExecutor,
    simulator: Simulator,
}

impl Chain {
    fn dev() -> Self {
        Self::with(Genesis::dev())
    }

    fn with(genesis: Genesis) -> Self {
        let spec = Arc::new(genesis.spec().unwrap());
        let store = Store::in_memory(&genesis.build().unwrap()).unwrap();
        let executor = SequentialExecutor::new(spec.clone());
        Self { simulator: Simulator::new(spec.clone()), spec, store, executor }
    }

    fn parent(&self) -> Parent {
        Parent { header: self.store.head(), state: self.store.latest_state() }
    }

    /// Attributes one second after the head.
    fn attributes(&self) -> BlockAttributes {
        let head = self.store.head();
        let timestamp_ms = BlockContext::timestamp_ms(&head) + 1_000;
        BlockAttributes {
            context: HeaderContext { timestamp_ms, ..HeaderContext::default() },
            beneficiary: Address::repeat_byte(0xbe),
            ..BlockAttributes::default()
        }
    }

    fn build(&self, attributes: &BlockAttributes, txs: &[TxEnvelope]) -> BuiltBlock {
        let mut txs = txs.iter().map(|tx| self.spec.recover(tx.clone()).unwrap());
        self.executor.build(&self.parent(), attributes, &mut txs, &BlockLimits::default()).unwrap()
    }

    /// Builds a block, runs it again as a verifier would, commits it.
    fn mine(&self, txs: &[TxEnvelope]) -> BuiltBlock {
        self.mine_with(&self.attributes(), txs)
    }

    fn mine_with(&self, attributes: &BlockAttributes, txs: &[TxEnvelope]) -> BuiltBlock {
        let built = self.build(attributes, txs);
        let again = self.executor.execute(&self.parent(), &built.block).unwrap();
        assert_eq!(again.block, built.block);
        assert_eq!(again.receipts, built.receipts);
        assert_eq!(again.state.diff(), built.state.diff());
        self.store.commit(&built.block, &built.receipts, &built.state).unwrap();
        built
    }

    fn balance(&self, address: Address) -> U256 {
        self.store.latest_state().account(address).unwrap().unwrap_or_default().balance
    }

    fn nonce(&self, address: Address) -> u64 {
        self.store.latest_state().account(address).unwrap().unwrap_or_default().nonce
    }

    fn burned(&self) -> U256 {
        burned(&self.store.latest_state()).unwrap()
    }

    fn pending(&self) -> BlockContext {
        let head = self.store.head();
        BlockContext::pending(&self.spec, &head, head.timestamp + 1)
    }

    /// Deploys runtime code from account 0; returns its address.
    fn deploy(&self, runtime: &[u8], value: U256) -> Address {
        let nonce = self.nonce(user(0).address);
        let built = self.mine(&[Call::create(init_code(runtime)).value(value).sign(0, nonce)]);
        assert!(built.skipped.is_empty(), "{:?}", built.skipped);
        assert!(built.receipts[0].envelope.status());
        built.receipts[0].contract_address.unwrap()
    }
}

fn user(index: usize) -> &'static DevAccount {
    &dev_accounts()[index]
}

/// Init code that returns the runtime code behind it.
fn init_code(runtime: &[u8]) -> Bytes {
    let length = u16::try_from(runtime.len()).unwrap().to_be_bytes();
    // PUSH2 length DUP1 PUSH1 12 PUSH1 0 CODECOPY PUSH1 0 RETURN
    let mut code = vec![0x61, length[0], length[1], 0x80, 0x60, 0x0c, 0x5f, 0x39, 0x5f, 0xf3, 0, 0];
    code.extend_from_slice(runtime);
    code.into()
}

/// A transaction to be signed.
#[derive(Clone)]
struct Call {
    to: TxKind,
    value: U256,
    input: Bytes,
    gas: u64,
    tip: u128,
}

impl Call {
    fn to(to: Address) -> Self {
        Self { to: to.into(), value: U256::ZERO, input: Bytes::new(), gas: 1_000_000, tip: 1_000 }
    }

    fn create(init_code: Bytes) -> Self {
        Self { to: TxKind::Create, input: init_code, ..Self::to(Address::ZERO) }
    }

    fn value(self, value: U256) -> Self {
        Self { value, ..self }
    }

    fn input(self, input: impl Into<Bytes>) -> Self {
        Self { input: input.into(), ..self }
    }

    fn gas(self, gas: u64) -> Self {
        Self { gas, ..self }
    }

    fn unsigned(&self, nonce: u64) -> TxEip1559 {
        TxEip1559 {
            chain_id: 7310,
            nonce,
            gas_limit: self.gas,
            max_fee_per_gas: 10_000_000_000,
            max_priority_fee_per_gas: self.tip,
            to: self.to,
            value: self.value,
            input: self.input.clone(),
            access_list: Default::default(),
        }
    }

    fn sign(&self, index: usize, nonce: u64) -> TxEnvelope {
        sign(self.unsigned(nonce), index)
    }
}

fn signature(hash: B256, index: usize) -> Signature {
    let signer = PrivateKeySigner::from_bytes(&user(index).private_key).unwrap();
    signer.sign_hash_sync(&hash).unwrap()
}

fn sign<T: SignableTransaction<Signature>>(tx: T, index: usize) -> TxEnvelope
where
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = signature(tx.signature_hash(), index);
    tx.into_signed(signature).into()
}

/// Stores calldata word 0 in slot calldata word 1... and logs it: `sstore(in[1], in[0]); log1`.
const STORE_AND_LOG: [u8; 19] = hex!("5f35602035555f355f5260aa60205fa15f5ff3");
/// Returns `sload(calldata word 0)`.
const LOAD: [u8; 10] = hex!("5f35545f5260205ff300");
/// Reverts with calldata.
const REVERT: [u8; 9] = hex!("365f5f37365ffd0000");
