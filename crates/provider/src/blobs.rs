//! Blobs by digest: from the own store, else from the gateways that the chain knows. Never from
//! an address that a contributor wrote down.

use bytes::Bytes;
use tributary_artifacts::{ArtifactError, Artifacts};
use tributary_client::{Chain, Rest};
use tributary_contracts::ProvisionRole;
use tributary_primitives::Digest;

use crate::ProviderError;

/// Where a provider, and a curator, get their blobs.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Artifacts,
    chain: Chain,
}

impl Blobs {
    /// An own store in front of the chain's gateways.
    pub fn new(store: Artifacts, chain: Chain) -> Self {
        Self { store, chain }
    }

    /// The own store.
    pub fn store(&self) -> &Artifacts {
        &self.store
    }

    /// The bytes of a digest. What comes from outside is checked and kept.
    pub async fn get(&self, digest: &Digest) -> Result<Bytes, ProviderError> {
        match self.store.get(digest).await {
            Err(ArtifactError::Absent(_)) => {}
            found => return Ok(found?),
        }
        for gateway in self.chain.staking().members(ProvisionRole::Gateway).await? {
            let endpoint = &gateway.profile.endpoint;
            if endpoint.is_empty() {
                continue;
            }
            let fetched = match Rest::new(endpoint) {
                Ok(rest) => rest.blob(digest).await,
                Err(error) => Err(error),
            };
            match fetched {
                Ok(blob) => {
                    let blob = Bytes::from(blob);
                    self.store.put_expected(digest, blob.clone()).await?;
                    return Ok(blob);
                }
                Err(error) => tracing::debug!(%digest, endpoint, %error, "gateway lacks a blob"),
            }
        }
        Err(ProviderError::MissingBlob(*digest))
    }
}
