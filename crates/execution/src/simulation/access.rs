//! `eth_createAccessList`.

use super::{Prepared, SimulationOverrides, Simulator, call, refusal};
use crate::{BlockContext, CallStatus, SimulationError};
use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::{AccessList, AccessListItem, AccessListResult, TransactionRequest};
use revm::InspectEvm;
use revm::state::EvmState;
use revm_inspectors::access_list::AccessListInspector;
use std::collections::{BTreeMap, BTreeSet};
use tributary_storage::StateView;

impl Simulator {
    /// The accounts and slots a request touches, and its gas when it names them.
    pub fn create_access_list(
        &self,
        state: &StateView,
        block: &BlockContext,
        request: &TransactionRequest,
        overrides: &SimulationOverrides,
    ) -> Result<AccessListResult, SimulationError> {
        let mut prepared = self.prepare(state, block, request, overrides)?;
        let access_list = prepared.touched()?;
        let mut tx = prepared.tx.clone();
        tx.access_list = access_list.clone();
        tx.derive_tx_type().map_err(|error| SimulationError::Invalid(format!("{error:?}")))?;
        let outcome = call::outcome(prepared.run(tx)?.result);
        let error = match outcome.status {
            CallStatus::Success => None,
            CallStatus::Revert => Some("execution reverted".to_owned()),
            CallStatus::Halt(reason) => Some(reason),
        };
        Ok(AccessListResult { access_list, gas_used: U256::from(outcome.gas_used), error })
    }
}

impl Prepared {
    fn touched(&mut self) -> Result<AccessList, SimulationError> {
        let inspector = AccessListInspector::new(self.tx.access_list.clone());
        let tx = self.tx.clone();
        let mut evm = self.env.evm(&mut self.state, inspector);
        let result = evm.inspect_tx(tx.clone());
        let list = core::mem::take(&mut evm.inspector).into_access_list();
        drop(evm);
        let state = result.map_err(|error| refusal(error, &tx, &self.env))?.state;
        Ok(with_modules(list, &state))
    }
}

/// Modules read storage without opcodes: their slots are taken from the journal.
fn with_modules(list: AccessList, state: &EvmState) -> AccessList {
    let mut touched: BTreeMap<_, BTreeSet<B256>> = list
        .0
        .into_iter()
        .map(|item| (item.address, item.storage_keys.into_iter().collect()))
        .collect();
    for (address, account) in state {
        if tributary_contracts::is_module(address) && !account.storage.is_empty() {
            let slots = account.storage.keys().map(|slot| B256::from(*slot));
            touched.entry(*address).or_default().extend(slots);
        }
    }
    AccessList(
        touched
            .into_iter()
            .map(|(address, slots)| AccessListItem {
                address,
                storage_keys: slots.into_iter().collect(),
            })
            .collect(),
    )
}
