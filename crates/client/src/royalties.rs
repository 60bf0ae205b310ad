//! Royalties: the split parameters, a datanet's pools, and the calls on them.

use alloy_primitives::Address;
use tributary_contracts::{IRoyalties, ROYALTIES};
use tributary_primitives::{Amount, ContributionId, DatanetId, FeeParts, Ppm};

use crate::{Call, Chain, ClientError};

/// Reads of the `royalties` module.
#[derive(Clone, Debug)]
pub struct Royalties(Chain);

impl Chain {
    /// Splits and pools.
    pub fn royalties(&self) -> Royalties {
        Royalties(self.clone())
    }
}

impl Royalties {
    /// Genesis parameters.
    pub async fn params(&self) -> Result<IRoyalties::RoyaltiesParams, ClientError> {
        self.0.call(ROYALTIES, &IRoyalties::royaltiesParamsCall {}).await
    }

    /// How a fee is cut, as of a block.
    pub async fn parts_at(&self, block: u64) -> Result<FeeParts, ClientError> {
        let call = IRoyalties::royaltiesParamsCall {};
        fee_parts(&self.0.call_at(ROYALTIES, &call, block.into()).await?)
    }

    /// A datanet's pools.
    pub async fn pool(&self, datanet: DatanetId) -> Result<IRoyalties::Pool, ClientError> {
        self.0.call(ROYALTIES, &IRoyalties::poolOfCall { datanetId: datanet.0 }).await
    }

    /// A datanet's pools at a block.
    pub async fn pool_at(
        &self,
        datanet: DatanetId,
        block: u64,
    ) -> Result<IRoyalties::Pool, ClientError> {
        let call = IRoyalties::poolOfCall { datanetId: datanet.0 };
        self.0.call_at(ROYALTIES, &call, block.into()).await
    }

    /// A backer's stake and unclaimed earnings.
    pub async fn backing(
        &self,
        datanet: DatanetId,
        backer: Address,
    ) -> Result<IRoyalties::Backing, ClientError> {
        let call = IRoyalties::backingOfCall { datanetId: datanet.0, backer };
        self.0.call(ROYALTIES, &call).await
    }

    /// What a contribution can take from the commons.
    pub async fn commons(&self, contribution: ContributionId) -> Result<Amount, ClientError> {
        let call = IRoyalties::commonsOfCall { contributionId: contribution.0 };
        Ok(Amount::from_wei(self.0.call(ROYALTIES, &call).await?))
    }
}

/// The parts of a fee in the chain's parameters.
fn fee_parts(params: &IRoyalties::RoyaltiesParams) -> Result<FeeParts, ClientError> {
    const WHAT: &str = "royaltiesParams";
    let ppm = |part| Ppm::try_from(part).map_err(|error| ClientError::malformed(WHAT, error));
    let licence =
        [ppm(params.licenceProtocolPpm)?, ppm(params.lineagePpm)?, ppm(params.backersPpm)?];
    FeeParts::new(ppm(params.computeProtocolPpm)?, licence)
        .map_err(|error| ClientError::malformed(WHAT, error))
}

/// Stakes behind a datanet.
pub fn back(datanet: DatanetId, amount: Amount) -> Call {
    let call = IRoyalties::backCall { datanetId: datanet.0 };
    Call::paying(ROYALTIES, amount, &call, format!("back datanet {datanet} with {amount}"))
}

/// Pays a contribution's part of the commons to its contributor.
pub fn claim_commons(contribution: ContributionId) -> Call {
    let call = IRoyalties::claimCommonsCall { contributionId: contribution.0 };
    Call::new(ROYALTIES, &call, format!("pay contribution {contribution} from the commons"))
}

/// Pays the signer's backing.
pub fn claim_backing(datanet: DatanetId) -> Call {
    let call = IRoyalties::claimBackingCall { datanetId: datanet.0 };
    Call::new(ROYALTIES, &call, format!("take what backing datanet {datanet} has earned"))
}
