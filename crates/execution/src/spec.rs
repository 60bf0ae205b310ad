//! The fork table: which rules hold at which height.

use alloy_consensus::Header;
use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};
use tributary_primitives::Ppm;

/// Ethereum's rules for the interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvmVersion {
    /// March 2024.
    Cancun,
    /// May 2025: EIP-7702, EIP-7623, BLS12-381.
    Prague,
    /// December 2025: EIP-7825, EIP-7951, EIP-7939.
    Osaka,
}

/// The rules from a height on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkRules {
    /// Name people use.
    pub name: String,
    /// First height.
    pub height: u64,
    /// First header second; both must be reached.
    #[serde(default)]
    pub timestamp: u64,
    /// Interpreter rules.
    pub evm: EvmVersion,
    /// Gas of one block.
    pub gas_limit: u64,
    /// EIP-1559: limit over target.
    pub elasticity: u64,
    /// EIP-1559: how slowly the base fee moves.
    pub base_fee_change_denominator: u64,
    /// The base fee never falls below this.
    pub min_base_fee: u64,
    /// Part of the base fee that is burned.
    pub base_fee_burned_ppm: Ppm,
    /// Who gets the rest: the security pool.
    pub base_fee_pool: Address,
}

/// Where the chain records what it burned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BurnRecord {
    /// The `open` module.
    pub address: Address,
    /// Its slot.
    pub slot: U256,
}

/// Everything that decides how blocks are made and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainSpec {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// By height, ascending; the first starts at zero.
    pub forks: Vec<ForkRules>,
    /// Dev cheat codes and impersonation are legal in blocks.
    pub cheats: bool,
    /// The launch bucket: the other side of every `setBalance`.
    pub launch: Address,
    /// Where burns are recorded; `None` runs plain Ethereum rules without native modules
    /// (conformance tests).
    pub burn_record: Option<BurnRecord>,
}

impl ChainSpec {
    /// The rules of a block.
    pub fn rules_at(&self, number: u64, timestamp: u64) -> &ForkRules {
        self.forks
            .iter()
            .rev()
            .find(|fork| number >= fork.height && timestamp >= fork.timestamp)
            .or_else(|| self.forks.first())
            .expect("Genesis refuses an empty fork table")
    }

    /// Base fee of the block after `parent`.
    pub fn next_base_fee(&self, parent: &Header) -> u64 {
        let rules = self.rules_at(parent.number.saturating_add(1), parent.timestamp);
        let Some(base_fee) = parent.base_fee_per_gas else { return rules.min_base_fee };
        let params = BaseFeeParams::new(
            u128::from(rules.base_fee_change_denominator),
            u128::from(rules.elasticity),
        );
        calc_next_block_base_fee(parent.gas_used, parent.gas_limit, base_fee, params)
            .max(rules.min_base_fee)
    }

    /// The largest gas limit one transaction may have in a block under these rules.
    pub fn tx_gas_limit(&self, rules: &ForkRules) -> u64 {
        match rules.evm {
            EvmVersion::Cancun | EvmVersion::Prague => rules.gas_limit,
            EvmVersion::Osaka => rules.gas_limit.min(alloy_eips::eip7825::MAX_TX_GAS_LIMIT_OSAKA),
        }
    }
}
