//! Running what is not in a block: calls, estimates, access lists, traces, whole blocks.

mod access;
mod blocks;
mod call;
mod estimate;
mod overrides;
mod plan;
mod request;
mod trace;
mod transfers;

pub use blocks::{SimulatedBlock, SimulatedCall};
pub use call::{CallOutcome, CallStatus};
pub use overrides::SimulationOverrides;

use crate::block_state::{BlockState, DbError};
use crate::env::{self, Env};
use crate::{BlockContext, ChainSpec, SimulationError};
use alloy_rpc_types_eth::TransactionRequest;
use revm::ExecuteEvm;
use revm::context::TxEnv;
use revm::context::result::{EVMError, ResultAndState};
use std::sync::Arc;
use tributary_storage::StateView;

/// Runs simulations on any state.
#[derive(Debug, Clone)]
pub struct Simulator {
    spec: Arc<ChainSpec>,
}

impl Simulator {
    /// A simulator of a chain.
    pub fn new(spec: Arc<ChainSpec>) -> Self {
        Self { spec }
    }

    /// State, environment and transaction of a request.
    fn prepare(
        &self,
        state: &StateView,
        block: &BlockContext,
        request: &TransactionRequest,
        overrides: &SimulationOverrides,
    ) -> Result<Prepared, SimulationError> {
        let mut state = BlockState::new(state.clone());
        let mut block = *block;
        overrides.apply(&mut state, &mut block)?;
        let rules = self.spec.rules_at(block.number, block.timestamp);
        let mut env = Env::new(&self.spec, rules, &block);
        env.cfg.disable_eip3607 = true;
        env.cfg.disable_base_fee = true;
        env.cfg.disable_block_gas_limit = true;
        env.cfg.disable_nonce_check = true;
        env.cfg.tx_gas_limit_cap = Some(u64::MAX);
        overrides.apply_accounts(&mut state, &mut env)?;
        let limit = self.spec.tx_gas_limit(rules);
        let tx = request::tx_env(request, &state, &block, overrides.gas_cap, self.spec.chain_id)?;
        if tx.gas_price == 0 {
            // Whoever offers nothing sees a block in which gas costs nothing, as in geth.
            env.block.basefee = 0;
        }
        Ok(Prepared { state, env, tx, tx_gas_limit: limit })
    }
}

/// All that a run needs.
struct Prepared {
    state: BlockState,
    env: Env,
    tx: TxEnv,
    /// The largest gas limit a real transaction could have.
    tx_gas_limit: u64,
}

impl Prepared {
    /// Runs without keeping what it changes.
    fn run(&mut self, tx: TxEnv) -> Result<ResultAndState, SimulationError> {
        self.env
            .evm(&mut self.state, ())
            .transact(tx.clone())
            .map_err(|error| refusal(error, &tx, &self.env))
    }
}

fn refusal(error: EVMError<DbError>, tx: &TxEnv, env: &Env) -> SimulationError {
    match env::refusal(error, tx, env) {
        Ok(error) => error.into(),
        Err(error) => error.into(),
    }
}
