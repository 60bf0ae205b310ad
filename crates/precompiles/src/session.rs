//! One module call: who calls, with what value, on which host.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolEvent, SolStruct};
use tributary_contracts::IModule;

use crate::fault::{Result, require, revert};
use crate::host::{GasPrices, Host};

/// A module call in progress. The direct caller is the only authority.
pub(crate) struct Session<'a> {
    pub(crate) host: &'a mut dyn Host,
    /// The module that was called.
    pub(crate) module: Address,
    /// The direct caller.
    pub(crate) caller: Address,
    /// Wei that came with the call; the frame has already moved them to the module.
    pub(crate) value: u128,
    /// Wei of the value that no bucket has taken yet.
    pub(crate) unplaced: u128,
    pub(crate) prices: GasPrices,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        host: &'a mut dyn Host,
        module: Address,
        caller: Address,
        value: U256,
    ) -> Result<Self> {
        let Ok(value) = u128::try_from(value) else {
            return Err(revert(IModule::ValueRefused { value }));
        };
        let prices = GasPrices::STANDARD;
        Ok(Self { host, module, caller, value, unplaced: value, prices })
    }

    /// Block time.
    pub(crate) fn now(&self) -> u64 {
        self.host.timestamp()
    }

    /// Pays for hashing so many bytes.
    pub(crate) fn charge_keccak(&mut self, size_bytes: usize) -> Result<()> {
        let words = size_bytes.div_ceil(32) as u64;
        let price = self.prices.keccak_base + self.prices.keccak_word * words;
        self.host.charge(price)
    }

    /// Pays for and computes a hash.
    pub(crate) fn keccak(&mut self, bytes: &[u8]) -> Result<B256> {
        self.charge_keccak(bytes.len())?;
        Ok(keccak256(bytes))
    }

    /// Emits an event of a module.
    pub(crate) fn emit(&mut self, module: Address, event: impl SolEvent) -> Result<()> {
        self.host.log(module, event.encode_log_data())
    }

    /// EIP-712 digest, with the hashing paid for.
    pub(crate) fn typed_digest(
        &mut self,
        value: &impl SolStruct,
        domain: &alloy_sol_types::Eip712Domain,
    ) -> Result<B256> {
        self.charge_keccak(1_024)?;
        Ok(value.eip712_signing_hash(domain))
    }

    /// Signer of a digest; zero when the signature is malformed, high-s or recovers nobody.
    pub(crate) fn recover(&mut self, digest: &B256, signature: &[u8]) -> Result<Address> {
        self.host.charge(self.prices.recover)?;
        Ok(recover(digest, signature).unwrap_or_default())
    }
}

/// Half the order of the curve: larger s values are refused.
const HALF_ORDER: [u8; 32] =
    alloy_primitives::hex!("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");

/// Signer of a digest under a 65-byte signature r, s, v (v 27, 28, 0 or 1).
fn recover(digest: &B256, signature: &[u8]) -> Option<Address> {
    let (scalars, v) = signature.split_at_checked(64)?;
    let recovery = match v {
        [27 | 0] => 0,
        [28 | 1] => 1,
        _ => return None,
    };
    if scalars.get(32..)? > HALF_ORDER.as_slice() {
        return None;
    }
    let scalars: [u8; 64] = scalars.try_into().ok()?;
    let word =
        revm::precompile::crypto().secp256k1_ecrecover(&scalars, recovery, &digest.0).ok()?;
    let signer = Address::from_word(word.into());
    (!signer.is_zero()).then_some(signer)
}

/// A packed signature from its parts.
pub(crate) fn packed(v: u8, r: B256, s: B256) -> [u8; 65] {
    let mut signature = [0u8; 65];
    signature[..32].copy_from_slice(r.as_slice());
    signature[32..64].copy_from_slice(s.as_slice());
    signature[64] = v;
    signature
}

/// Checked sum.
pub(crate) fn add(a: u128, b: u128) -> Result<u128> {
    a.checked_add(b).ok_or_else(|| revert(IModule::Overflow {}))
}

/// Checked difference, for facts this module alone produced.
pub(crate) fn sub(a: u128, b: u128) -> Result<u128> {
    a.checked_sub(b).ok_or_else(|| revert(IModule::Overflow {}))
}

/// Checked sum of times or counts.
pub(crate) fn add64(a: u64, b: u64) -> Result<u64> {
    a.checked_add(b).ok_or_else(|| revert(IModule::Overflow {}))
}

/// Checked product.
pub(crate) fn mul(a: u128, b: u128) -> Result<u128> {
    a.checked_mul(b).ok_or_else(|| revert(IModule::Overflow {}))
}

/// `floor(amount * millionths / 1,000,000)`.
pub(crate) fn part(amount: u128, millionths: u32) -> Result<u128> {
    let product = U256::from(amount) * U256::from(millionths) / U256::from(1_000_000u32);
    u128::try_from(product).map_err(|_| revert(IModule::Overflow {}))
}

/// Reverts with `OutOfBounds(what)` unless the condition holds.
pub(crate) fn bound(holds: bool, what: &str) -> Result<()> {
    require!(holds, IModule::OutOfBounds { what: what.into() });
    Ok(())
}
