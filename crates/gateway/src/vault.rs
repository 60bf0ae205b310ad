//! Secrets at rest: guests' keys and stored answers, sealed under a key that is derived from the
//! gateway's own and never written.

use chacha20poly1305::{
    AeadCore, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, OsRng, Payload},
};
use tributary_client::Signer;
use tributary_primitives::Digest;
use zeroize::Zeroizing;

const DOMAIN: &str = "tributary 2026 gateway vault";
const ROOT_DOMAIN: &str = "tributary 2026 gateway derived secrets";
const DERIVED_DOMAIN: &str = "tributary 2026 gateway derived secret";
const NONCE_BYTES: usize = 24;

/// Seals and opens small secrets, and makes some again.
pub struct Vault {
    cipher: XChaCha20Poly1305,
    /// Secrets that must come out the same after a crash are derived from this one.
    root: Zeroizing<[u8; 32]>,
}

impl Vault {
    /// For a gateway's key.
    pub fn new(signer: &Signer) -> Self {
        let secret = signer.to_secret_bytes();
        let key = Zeroizing::new(Digest::derive(DOMAIN, secret.as_slice()).0);
        let root = Zeroizing::new(Digest::derive(ROOT_DOMAIN, secret.as_slice()).0);
        Self { cipher: XChaCha20Poly1305::new(key.as_slice().into()), root }
    }

    /// The secret of a purpose: always the same, and nobody else's guess.
    pub fn derive(&self, label: &str, name: &Digest) -> Zeroizing<[u8; 32]> {
        let material = [self.root.as_slice(), label.as_bytes(), &name.0].concat();
        Zeroizing::new(Digest::derive(DERIVED_DOMAIN, &Zeroizing::new(material)).0)
    }

    /// Encrypts `secret` for one purpose and owner: it opens under the same `label` only.
    pub fn seal(&self, label: &str, secret: &[u8]) -> Option<Vec<u8>> {
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let payload = Payload { msg: secret, aad: label.as_bytes() };
        let sealed = self.cipher.encrypt(&nonce, payload).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts; `None` when it was sealed by another gateway, for another label, or changed.
    pub fn open(&self, label: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        let payload = Payload { msg: sealed, aad: label.as_bytes() };
        self.cipher.decrypt(XNonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_for_its_gateway_and_label_alone() {
        let signer = Signer::random();
        let vault = Vault::new(&signer);
        let sealed = vault.seal("guest", b"secret").expect("a secret seals");
        assert_eq!(vault.open("guest", &sealed).expect("it opens").as_slice(), b"secret");
        assert!(vault.open("key", &sealed).is_none());
        assert!(Vault::new(&Signer::random()).open("guest", &sealed).is_none());
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(vault.open("guest", &changed).is_none(), "byte {position}");
        }
        assert!(vault.open("guest", &sealed[..10]).is_none());
    }

    #[test]
    fn a_derived_secret_is_the_same_for_its_gateway_purpose_and_name_alone() {
        let signer = Signer::random();
        let secret = Vault::new(&signer).derive("api key", &Digest([1; 32]));
        assert_eq!(Vault::new(&signer).derive("api key", &Digest([1; 32])), secret);
        let vault = Vault::new(&signer);
        assert_ne!(vault.derive("api key", &Digest([2; 32])), secret);
        assert_ne!(vault.derive("other", &Digest([1; 32])), secret);
        assert_ne!(Vault::new(&Signer::random()).derive("api key", &Digest([1; 32])), secret);
    }
}
