//! Keys that sign and cannot be printed.

use alloy_primitives::{Address, B256, Bytes, Signature};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use zeroize::{Zeroize, Zeroizing};

use crate::ClientError;

/// A secp256k1 key. Debug shows its address alone; the secret is cleared on drop.
#[derive(Clone)]
pub struct Signer(PrivateKeySigner);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.address())
    }
}

impl Signer {
    /// A fresh key from the system's randomness.
    pub fn random() -> Self {
        Self(PrivateKeySigner::random())
    }

    /// From 32 secret bytes.
    pub fn from_bytes(mut secret: [u8; 32]) -> Result<Self, ClientError> {
        let key = PrivateKeySigner::from_slice(&secret);
        secret.zeroize();
        key.map(Self).map_err(|_| unusable("the number is not a secp256k1 key"))
    }

    /// From 64 hex digits, with or without `0x`.
    pub fn from_hex(text: &str) -> Result<Self, ClientError> {
        let digits = text.trim();
        let digits = digits.strip_prefix("0x").unwrap_or(digits);
        let bytes = alloy_primitives::hex::decode(digits).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| unusable("a key is 64 hex digits"))?;
        let secret: [u8; 32] =
            bytes.as_slice().try_into().map_err(|_| unusable("a key is 64 hex digits"))?;
        Self::from_bytes(secret)
    }

    /// Who it signs for.
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// The secret as `0x` and 64 hex digits, for an export the owner asked for.
    pub fn to_secret_hex(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(self.0.to_bytes().0);
        Zeroizing::new(format!("0x{}", alloy_primitives::hex::encode(secret.as_slice())))
    }

    /// The secret's bytes, to encrypt them.
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().0)
    }

    /// Signs a digest; 65 bytes r, s, v with v 27 or 28.
    pub fn sign_hash(&self, hash: &B256) -> Result<Bytes, ClientError> {
        Ok(self.sign_raw(hash)?.as_bytes().into())
    }

    pub(crate) fn sign_raw(&self, hash: &B256) -> Result<Signature, ClientError> {
        self.0.sign_hash_sync(hash).map_err(|error| unusable(&error.to_string()))
    }
}

/// The account that signed a digest.
pub fn recover(hash: &B256, signature: &[u8]) -> Option<Address> {
    let signature = Signature::from_raw(signature).ok()?;
    signature.normalize_s().is_none().then_some(())?;
    signature.recover_address_from_prehash(hash).ok()
}

fn unusable(reason: &str) -> ClientError {
    ClientError::Keystore { name: "signer".into(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_recovers_its_signer_and_no_other_hash() {
        let signer = Signer::random();
        let hash = B256::repeat_byte(7);
        let signature = signer.sign_hash(&hash).expect("a key signs");
        assert_eq!(recover(&hash, &signature), Some(signer.address()));
        assert_ne!(recover(&B256::repeat_byte(8), &signature), Some(signer.address()));
        assert_eq!(recover(&hash, &signature[..64]), None);
    }

    #[test]
    fn debug_text_never_holds_the_secret() {
        let signer = Signer::random();
        let secret = signer.to_secret_hex();
        assert!(!format!("{signer:?}").contains(&secret[2..]));
        let again = Signer::from_hex(&secret).expect("an exported key reads back");
        assert_eq!(again.address(), signer.address());
    }

    #[test]
    fn malformed_keys_are_refused() {
        for text in ["", "0x", "zz", &"0".repeat(64), &"f".repeat(64), &"1".repeat(63)] {
            assert!(Signer::from_hex(text).is_err(), "{text} was taken");
        }
    }
}
