//! The development network: well-known keys, everything else as on the main network.

use super::{Allocation, Bucket, Genesis, predeploys};
use crate::{EvmVersion, ForkRules, native};
use alloy_primitives::{Address, B256};
use alloy_signer_local::MnemonicBuilder;
use alloy_signer_local::coins_bip39::English;
use std::sync::OnceLock;
use tributary_contracts::CHAIN_ID_DEV;
use tributary_primitives::{Amount, OPEN, Ppm};

/// The mnemonic every Ethereum developer has seen. Never for real money.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";
/// Accounts for people.
const USERS: u32 = 10;
/// Accounts for the dev node's own actors: curator, provider, gateway, keeper, founder.
const ACTORS: u32 = 5;
/// Key of the launch bucket.
const LAUNCH_INDEX: u32 = 20;
/// 1 January 2026.
const GENESIS_MS: u64 = 1_767_225_600_000;

/// A key of the development network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DevAccount {
    /// Position under the mnemonic.
    pub index: u32,
    /// Address.
    pub address: Address,
    /// Secret, known to everyone.
    pub private_key: B256,
}

/// The account at `m/44'/60'/0'/0/index` of the dev mnemonic.
fn derive(index: u32) -> DevAccount {
    let signer = MnemonicBuilder::<English>::default()
        .phrase(DEV_MNEMONIC)
        .index(index)
        .and_then(|builder| builder.build())
        .expect("the dev mnemonic is a valid phrase");
    DevAccount { index, address: signer.address(), private_key: signer.to_bytes() }
}

/// The ten accounts that stock tools know.
pub fn dev_accounts() -> &'static [DevAccount] {
    static ACCOUNTS: OnceLock<Vec<DevAccount>> = OnceLock::new();
    ACCOUNTS.get_or_init(|| (0..USERS).map(derive).collect())
}

/// The key at any index of the dev mnemonic; 10 to 14 are the dev node's actors.
pub fn dev_signer_key(index: u32) -> B256 {
    derive(index).private_key
}

/// The holder of the launch bucket.
pub fn launch_account() -> DevAccount {
    static LAUNCH: OnceLock<DevAccount> = OnceLock::new();
    *LAUNCH.get_or_init(|| derive(LAUNCH_INDEX))
}

impl Genesis {
    /// The development network.
    pub fn dev() -> Self {
        let open = |whole: u128| Amount::from_wei(whole * OPEN.wei());
        let mut launch = Bucket::new("launch", launch_account().address, 20_000_000);
        for account in dev_accounts() {
            let allocation = Allocation { address: account.address, amount: open(10_000) };
            launch.allocations.push(allocation);
        }
        for index in USERS..USERS + ACTORS {
            let address = derive(index).address;
            launch.allocations.push(Allocation { address, amount: open(100_000) });
        }
        let security = Bucket::keyless("security", 100_000_000);
        let treasury = Bucket::keyless("treasury", 67_100_000);
        let modules = native::dev_modules(treasury.address);
        let fork = ForkRules {
            name: "osaka".into(),
            height: 0,
            timestamp: 0,
            evm: EvmVersion::Osaka,
            gas_limit: 60_000_000,
            elasticity: 2,
            base_fee_change_denominator: 100,
            min_base_fee: 1_000_000,
            base_fee_burned_ppm: Ppm::percent(70),
            base_fee_pool: security.address,
        };
        Self {
            chain_id: CHAIN_ID_DEV,
            timestamp_ms: GENESIS_MS,
            base_fee: 1_000_000_000,
            cheats: true,
            launch_bucket: launch.name.clone(),
            forks: vec![fork],
            buckets: vec![
                Bucket::keyless("node-rewards", 220_000_000),
                Bucket::keyless("attribution", 150_000_000),
                security,
                Bucket::keyless("opencircle", 60_000_000),
                treasury,
                launch,
                Bucket::keyless("investors", 182_900_000),
                Bucket::keyless("team", 150_000_000),
                Bucket::keyless("liquidity", 50_000_000),
            ],
            contracts: predeploys::contracts(),
            modules,
        }
    }
}
