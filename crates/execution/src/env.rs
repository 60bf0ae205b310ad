//! From our words to revm's.

use crate::block_state::DbError;
use crate::native::Precompiles;
use crate::{BlockContext, ChainSpec, EvmVersion, ExecutionError, ForkRules, RecoveredTx, TxError};
use alloy_consensus::Transaction as _;
use alloy_primitives::Address;
use revm::context::either::Either;
use revm::context::result::{EVMError, InvalidTransaction};
use revm::context::{BlockEnv, CfgEnv, Context, Evm, TxEnv};
use revm::handler::instructions::EthInstructions;
use revm::handler::{EthFrame, MainBuilder};
use revm::interpreter::interpreter::EthInterpreter;
use revm::primitives::hardfork::SpecId;
use revm::{Database, MainContext};

pub(crate) type Ctx<DB> = Context<BlockEnv, TxEnv, CfgEnv, DB>;
pub(crate) type OurEvm<DB, I> = Evm<
    Ctx<DB>,
    I,
    EthInstructions<EthInterpreter, Ctx<DB>>,
    Precompiles,
    EthFrame<EthInterpreter>,
>;

/// Configuration and block, as revm takes them.
#[derive(Debug, Clone)]
pub(crate) struct Env {
    pub(crate) cfg: CfgEnv,
    pub(crate) block: BlockEnv,
    precompiles: Precompiles,
}

impl Env {
    pub(crate) fn new(spec: &ChainSpec, rules: &ForkRules, block: &BlockContext) -> Self {
        let mut cfg = CfgEnv::new_with_spec(spec_id(rules.evm));
        cfg.chain_id = spec.chain_id;
        let mut env = BlockEnv {
            number: alloy_primitives::U256::from(block.number),
            beneficiary: block.beneficiary,
            timestamp: alloy_primitives::U256::from(block.timestamp),
            gas_limit: block.gas_limit,
            basefee: block.base_fee,
            prevrandao: Some(block.prev_randao),
            ..BlockEnv::default()
        };
        env.set_blob_excess_gas_and_price(
            0,
            revm::primitives::eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE,
        );
        let precompiles = Precompiles::new(cfg.spec, spec.burn_record.is_some());
        Self { cfg, block: env, precompiles }
    }

    /// Gas that a transaction needs before anything runs, EIP-7623's floor included.
    pub(crate) fn intrinsic_gas(&self, tx: &RecoveredTx) -> u64 {
        let gas = self.cfg.gas_params.initial_tx_gas_for_tx(&tx_env(tx), None);
        gas.initial_regular_gas.max(gas.floor_gas)
    }

    /// Whether nothing native answers at an address.
    pub(crate) fn is_plain_address(&self, address: &Address) -> bool {
        !self.precompiles.answers_at(address)
    }

    /// An Ethereum precompile answers at another address instead (simulations).
    pub(crate) fn move_precompile(&mut self, from: Address, to: Address) {
        self.precompiles.relocate(from, to);
    }

    /// An EVM with our precompiles over a database.
    pub(crate) fn evm<DB: Database, I>(&self, db: DB, inspector: I) -> OurEvm<DB, I> {
        Context::mainnet()
            .with_db(db)
            .with_cfg(self.cfg.clone())
            .with_block(self.block.clone())
            .build_mainnet_with_inspector(inspector)
            .with_precompiles(self.precompiles.clone())
    }
}

pub(crate) fn spec_id(version: EvmVersion) -> SpecId {
    match version {
        EvmVersion::Cancun => SpecId::CANCUN,
        EvmVersion::Prague => SpecId::PRAGUE,
        EvmVersion::Osaka => SpecId::OSAKA,
    }
}

/// A signed transaction as revm takes it.
pub(crate) fn tx_env(tx: &RecoveredTx) -> TxEnv {
    TxEnv {
        tx_type: tx.inner().tx_type() as u8,
        caller: tx.signer(),
        gas_limit: tx.gas_limit(),
        gas_price: tx.max_fee_per_gas(),
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        access_list: tx.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: tx.max_priority_fee_per_gas(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: tx
            .authorization_list()
            .unwrap_or_default()
            .iter()
            .cloned()
            .map(Either::Left)
            .collect(),
    }
}

/// Why the EVM did not run a transaction: its fault, or ours.
pub(crate) fn refusal(
    error: EVMError<DbError>,
    tx: &TxEnv,
    env: &Env,
) -> Result<TxError, ExecutionError> {
    match error {
        EVMError::Transaction(error) => Ok(tx_error(error, tx, env)),
        EVMError::Database(DbError(error)) => Err(error.into()),
        EVMError::Header(error) => Err(ExecutionError::Fatal(error.to_string())),
        EVMError::Custom(error) => Err(ExecutionError::Fatal(error)),
        EVMError::CustomAny(error) => Err(ExecutionError::Fatal(error.to_string())),
    }
}

fn tx_error(error: InvalidTransaction, tx: &TxEnv, env: &Env) -> TxError {
    use InvalidTransaction as Invalid;
    match error {
        Invalid::NonceTooLow { tx, state } => TxError::NonceTooLow { tx, state },
        Invalid::NonceTooHigh { tx, state } => TxError::NonceTooHigh { tx, state },
        Invalid::LackOfFundForMaxFee { fee, balance } => {
            TxError::InsufficientFunds { have: *balance, want: *fee }
        }
        Invalid::NonceOverflowInTransaction => TxError::NonceMax { nonce: tx.nonce },
        Invalid::GasPriceLessThanBasefee => {
            TxError::FeeCapTooLow { max_fee: tx.gas_price, base_fee: env.block.basefee }
        }
        Invalid::PriorityFeeGreaterThanMaxFee => TxError::TipAboveFeeCap,
        Invalid::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            TxError::IntrinsicGasTooLow { gas: gas_limit, needed: initial_gas }
        }
        Invalid::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => {
            TxError::IntrinsicGasTooLow { gas: gas_limit, needed: gas_floor }
        }
        Invalid::CallerGasLimitMoreThanBlock => {
            TxError::ExceedsBlockGasLimit { gas: tx.gas_limit, limit: env.block.gas_limit }
        }
        Invalid::TxGasLimitGreaterThanCap { gas_limit, cap } => {
            TxError::ExceedsTxGasLimit { gas: gas_limit, cap }
        }
        Invalid::CreateInitCodeSizeLimit => TxError::InitCodeTooLarge,
        Invalid::RejectCallerWithCode => TxError::SenderIsContract { sender: tx.caller },
        Invalid::InvalidChainId => TxError::WrongChainId {
            found: tx.chain_id.unwrap_or_default(),
            expected: env.cfg.chain_id,
        },
        Invalid::EmptyAuthorizationList => TxError::EmptyAuthorizationList,
        Invalid::Eip2930NotSupported
        | Invalid::Eip1559NotSupported
        | Invalid::Eip7702NotSupported
        | Invalid::AuthorizationListNotSupported => TxError::TypeNotSupported { kind: tx.tx_type },
        Invalid::Eip4844NotSupported => TxError::BlobsRefused,
        other => TxError::Invalid(other.to_string()),
    }
}
