//! Imports a foreign chain into our store: every block is run with the rules of its fork by the
//! interpreter, and its state root and receipts root must come out as its header says.
//!
//! Our own executor cannot take these blocks, and should not: they are mined, older than the
//! first fork this chain knows, hold blobs and withdrawals, and have no consensus context.

use super::world::{World, number};
use alloy_consensus::proofs::calculate_receipt_root;
use alloy_consensus::transaction::SignerRecoverable;
use alloy_consensus::{
    Block, EMPTY_OMMER_ROOT_HASH, Eip658Value, Header, Receipt, ReceiptEnvelope, Transaction as _,
    TxEnvelope, TxType,
};
use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_rlp::Decodable;
use revm::context::either::Either;
use revm::context::result::ExecutionResult;
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::primitives::hardfork::SpecId;
use revm::{Context, ExecuteEvm, MainBuilder, MainContext, SystemCallEvm};
use serde_json::Value;
use std::path::Path;
use tributary_storage::{GenesisBlock, SealedBlock, SealedState, StateView, Store, TxReceipt};

const BEACON_ROOTS: Address = address!("000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
const HISTORY: Address = address!("0000F90827F1C53a10cb7A02335B175320002935");
const WITHDRAWALS: Address = address!("00000961Ef480Eb55e80D19ad83579A64c007002");
const CONSOLIDATIONS: Address = address!("0000BBdDc7CE488642fb579F8B00f3a590007251");
const BLOB_FRACTIONS: [(&str, u64); 5] = [
    ("bpo2Time", 11_684_671),
    ("bpo1Time", 8_346_193),
    ("osakaTime", 5_007_716),
    ("pragueTime", 5_007_716),
    ("cancunTime", 3_338_477),
];

/// Its height on this chain; the interpreter has no rules of its own for it.
const CONSTANTINOPLE: u64 = 12;

/// Forks by the name of their activation in a genesis file, newest first.
const FORKS: [(&str, SpecId); 13] = [
    ("osakaTime", SpecId::OSAKA),
    ("pragueTime", SpecId::PRAGUE),
    ("cancunTime", SpecId::CANCUN),
    ("shanghaiTime", SpecId::SHANGHAI),
    ("mergeNetsplitBlock", SpecId::MERGE),
    ("londonBlock", SpecId::LONDON),
    ("berlinBlock", SpecId::BERLIN),
    ("istanbulBlock", SpecId::ISTANBUL),
    ("petersburgBlock", SpecId::PETERSBURG),
    ("byzantiumBlock", SpecId::BYZANTIUM),
    ("eip158Block", SpecId::SPURIOUS_DRAGON),
    ("eip150Block", SpecId::TANGERINE),
    ("homesteadBlock", SpecId::HOMESTEAD),
];

/// The chain of `genesis.json` and `chain.rlp`, in our store.
pub struct Imported {
    pub store: Store,
    pub chain_id: u64,
}

/// Reads, runs, checks and commits all blocks.
pub fn import(folder: &Path) -> Imported {
    let text = std::fs::read_to_string(folder.join("genesis.json")).unwrap();
    let genesis: Value = serde_json::from_str(&text).unwrap();
    let chain_id = genesis["config"]["chainId"].as_u64().unwrap();
    let mut world = World::genesis(&genesis["alloc"]);
    let store = Store::in_memory(&block_zero(&genesis, chain_id, &world)).unwrap();
    world.hashes.insert(0, store.head().hash);
    let bytes = std::fs::read(folder.join("chain.rlp")).unwrap();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let block = Block::<TxEnvelope>::decode(&mut rest).unwrap();
        let mut run = Run::new(&genesis["config"], chain_id, block, world, store.latest_state());
        run.all();
        world = run.commit(&store);
    }
    store.set_finalized(store.head().number).unwrap();
    Imported { store, chain_id }
}

fn block_zero(genesis: &Value, chain_id: u64, world: &World) -> GenesisBlock {
    let state = SealedState::from_empty(world.since(&World::default())).unwrap();
    let header = Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        state_root: state.root(),
        difficulty: number(&genesis["difficulty"]),
        gas_limit: number(&genesis["gasLimit"]).to(),
        extra_data: genesis["extraData"].as_str().unwrap().parse().unwrap(),
        ..Header::default()
    };
    GenesisBlock { chain_id, block: SealedBlock::new(header, Vec::new(), Vec::new()), state }
}

/// One block while it runs.
struct Run {
    block: Block<TxEnvelope>,
    spec: SpecId,
    cfg: CfgEnv,
    env: BlockEnv,
    before: World,
    world: World,
    view: StateView,
    receipts: Vec<TxReceipt>,
}

impl Run {
    fn new(
        config: &Value,
        chain_id: u64,
        block: Block<TxEnvelope>,
        world: World,
        view: StateView,
    ) -> Self {
        let header = &block.header;
        let active = |name: &str| {
            let at = if name.ends_with("Time") { header.timestamp } else { header.number };
            config[name].as_u64().is_some_and(|from| at >= from)
        };
        let spec = FORKS.iter().find(|(name, _)| active(name)).map(|(_, spec)| *spec).unwrap();
        let mut cfg = CfgEnv::new_with_spec(spec);
        cfg.chain_id = chain_id;
        let mut env = BlockEnv {
            number: U256::from(header.number),
            beneficiary: header.beneficiary,
            timestamp: U256::from(header.timestamp),
            gas_limit: header.gas_limit,
            basefee: header.base_fee_per_gas.unwrap_or_default(),
            difficulty: header.difficulty,
            prevrandao: Some(header.mix_hash),
            ..BlockEnv::default()
        };
        if let Some(excess) = header.excess_blob_gas {
            let fraction = BLOB_FRACTIONS.iter().find(|(name, _)| active(name)).unwrap().1;
            env.set_blob_excess_gas_and_price(excess, fraction);
        }
        Self { block, spec, cfg, env, before: world.clone(), world, view, receipts: Vec::new() }
    }

    fn all(&mut self) {
        let header = self.block.header.clone();
        if self.spec.is_enabled_in(SpecId::CANCUN) {
            let root = header.parent_beacon_block_root.unwrap();
            self.system_call(BEACON_ROOTS, root.0.into());
        }
        if self.spec.is_enabled_in(SpecId::PRAGUE) {
            self.system_call(HISTORY, header.parent_hash.0.into());
        }
        for tx in self.block.body.transactions.clone() {
            self.transact(&tx);
        }
        let withdrawals = self.block.body.withdrawals.clone();
        for withdrawal in withdrawals.into_iter().flatten() {
            self.world.credit(withdrawal.address, U256::from(withdrawal.amount_wei()));
        }
        if self.spec.is_enabled_in(SpecId::PRAGUE) {
            self.system_call(WITHDRAWALS, Bytes::new());
            self.system_call(CONSOLIDATIONS, Bytes::new());
        }
        if !self.spec.is_enabled_in(SpecId::MERGE) {
            self.reward();
        }
    }

    /// What miners of the block and of its uncles got.
    fn reward(&mut self) {
        let header = &self.block.header;
        // Constantinople lowered the reward; Petersburg left it there.
        let whole = match header.number {
            number if number >= CONSTANTINOPLE => 2,
            _ if self.spec.is_enabled_in(SpecId::BYZANTIUM) => 3,
            _ => 5_u64,
        };
        let wei = U256::from(whole) * U256::from(10).pow(U256::from(18));
        let uncles = &self.block.body.ommers;
        let nephew = wei / U256::from(32) * U256::from(uncles.len());
        self.world.credit(header.beneficiary, wei + nephew);
        for uncle in uncles {
            let eighths = U256::from(8 + uncle.number - header.number);
            self.world.credit(uncle.beneficiary, wei * eighths / U256::from(8));
        }
    }

    fn system_call(&mut self, contract: Address, data: Bytes) {
        let outcome = Context::mainnet()
            .with_db(self.world.clone())
            .with_cfg(self.cfg.clone())
            .with_block(self.env.clone())
            .build_mainnet()
            .system_call(contract, data)
            .unwrap();
        self.world.apply(outcome.state, self.spec);
    }

    fn transact(&mut self, tx: &TxEnvelope) {
        let sender = tx.recover_signer().unwrap();
        let outcome = Context::mainnet()
            .with_db(self.world.clone())
            .with_cfg(self.cfg.clone())
            .with_block(self.env.clone())
            .build_mainnet()
            .transact(tx_env(tx, sender))
            .unwrap_or_else(|error| panic!("block {}: {error}", self.block.header.number));
        self.world.apply(outcome.state, self.spec);
        let receipt = self.receipt(tx, sender, outcome.result);
        self.receipts.push(receipt);
    }

    fn receipt(&self, tx: &TxEnvelope, sender: Address, result: ExecutionResult) -> TxReceipt {
        let gas_used = result.tx_gas_used();
        let before = self.receipts.last().map_or(0, |r| r.envelope.cumulative_gas_used());
        let status = if self.spec.is_enabled_in(SpecId::BYZANTIUM) {
            Eip658Value::Eip658(result.is_success())
        } else {
            Eip658Value::PostState(self.root())
        };
        let contract_address = result.created_address().filter(|_| tx.kind().is_create());
        let cumulative_gas_used = before + gas_used;
        let receipt = Receipt { status, cumulative_gas_used, logs: result.into_logs() };
        let receipt = receipt.with_bloom();
        let envelope = match tx.tx_type() {
            TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
            TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
            TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
            TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
            TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
        };
        let base_fee = self.block.header.base_fee_per_gas;
        TxReceipt {
            envelope,
            sender,
            gas_used,
            effective_gas_price: tx.effective_gas_price(base_fee),
            contract_address,
        }
    }

    fn root(&self) -> B256 {
        self.view.seal(self.world.since(&self.before)).unwrap().root()
    }

    /// Compares with the header and commits.
    fn commit(self, store: &Store) -> World {
        let header = self.block.header;
        let at = header.number;
        let sealed = self.view.seal(self.world.since(&self.before)).unwrap();
        assert_eq!(sealed.root(), header.state_root, "state root of block {at}");
        let envelopes: Vec<_> = self.receipts.iter().map(|r| r.envelope.clone()).collect();
        assert_eq!(calculate_receipt_root(&envelopes), header.receipts_root, "receipts of {at}");
        let block = SealedBlock::new(header, self.block.body.transactions, Vec::new());
        let mut world = self.world;
        world.hashes.insert(at, block.hash);
        store.commit(&block, &self.receipts, &sealed).unwrap();
        world
    }
}

fn tx_env(tx: &TxEnvelope, caller: Address) -> TxEnv {
    TxEnv {
        tx_type: tx.tx_type() as u8,
        caller,
        gas_limit: tx.gas_limit(),
        gas_price: tx.max_fee_per_gas(),
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        access_list: tx.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: tx.max_priority_fee_per_gas(),
        blob_hashes: tx.blob_versioned_hashes().unwrap_or_default().to_vec(),
        max_fee_per_blob_gas: tx.max_fee_per_blob_gas().unwrap_or_default(),
        authorization_list: tx
            .authorization_list()
            .unwrap_or_default()
            .iter()
            .cloned()
            .map(Either::Left)
            .collect(),
    }
}
