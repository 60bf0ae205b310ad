//! Staking: provisions, profiles, and who serves in which role.

use alloy_primitives::Address;
use tributary_contracts::{IStaking, ProvisionRole, STAKING};
use tributary_primitives::{Amount, Prices, ProvisionId};

use crate::{Call, Chain, ClientError};

/// Reads of the `staking` module.
#[derive(Clone, Debug)]
pub struct Staking(Chain);

impl Chain {
    /// Stake and roles.
    pub fn staking(&self) -> Staking {
        Staking(self.clone())
    }
}

impl Staking {
    /// An owner's stake.
    pub async fn stake_of(&self, owner: Address) -> Result<IStaking::Stake, ClientError> {
        self.0.call(STAKING, &IStaking::stakeOfCall { owner }).await
    }

    /// An owner's provision for a role.
    pub async fn provision_of(
        &self,
        owner: Address,
        role: ProvisionRole,
    ) -> Result<Option<IStaking::Provision>, ClientError> {
        let call = IStaking::provisionOfCall { owner, role: role.code() };
        let provision = self.0.call(STAKING, &call).await?;
        Ok((provision.id != 0).then_some(provision))
    }

    /// A provision's profile.
    pub async fn profile(&self, provision: ProvisionId) -> Result<IStaking::Profile, ClientError> {
        self.0.call(STAKING, &IStaking::profileOfCall { provisionId: provision.0 }).await
    }

    /// Everybody active in a role.
    pub async fn members(&self, role: ProvisionRole) -> Result<Vec<IStaking::Member>, ClientError> {
        const PAGE: u64 = 64;
        let mut all = Vec::new();
        loop {
            let from = all.len() as u64;
            let call = IStaking::membersCall { role: role.code(), from, count: PAGE };
            let page = self.0.call(STAKING, &call).await?;
            let last = (page.len() as u64) < PAGE;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }

    /// Genesis parameters.
    pub async fn params(&self) -> Result<IStaking::StakingParams, ClientError> {
        self.0.call(STAKING, &IStaking::stakingParamsCall {}).await
    }
}

/// What a profile tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileSpec {
    /// Where the HTTP API is.
    pub endpoint: String,
    /// Who signs receipts.
    pub receipt_key: Address,
    /// Compute prices.
    pub prices: Prices,
    /// Price of one trained token.
    pub train_price: Amount,
}

/// The compute prices in a profile.
pub fn prices(profile: &IStaking::Profile) -> Prices {
    Prices { input: Amount::from_wei(profile.priceIn), output: Amount::from_wei(profile.priceOut) }
}

/// Adds stake.
pub fn stake(amount: Amount) -> Call {
    Call::paying(STAKING, amount, &IStaking::stakeCall {}, format!("stake {amount}"))
}

/// Sets stake aside for a role.
pub fn provision(role: ProvisionRole, amount: Amount) -> Call {
    let call = IStaking::provisionCall { role: role.code(), amount: amount.wei() };
    Call::new(STAKING, &call, format!("set {amount} aside as {role}"))
}

/// Sets the public profile.
pub fn set_profile(provision: ProvisionId, profile: &ProfileSpec) -> Call {
    let call = IStaking::setProfileCall {
        provisionId: provision.0,
        endpoint: profile.endpoint.clone(),
        receiptKey: profile.receipt_key,
        priceIn: profile.prices.input.wei(),
        priceOut: profile.prices.output.wei(),
        trainPrice: profile.train_price.wei(),
    };
    Call::new(STAKING, &call, "set the public profile")
}

impl crate::Sender {
    /// Brings an account into a role: stakes and provisions what is missing, then sets the
    /// profile when it differs. Running it again changes nothing.
    pub async fn take_role(
        &self,
        role: ProvisionRole,
        amount: Amount,
        profile: Option<&ProfileSpec>,
    ) -> Result<ProvisionId, ClientError> {
        let staking = self.chain().staking();
        let id = match staking.provision_of(self.address(), role).await? {
            Some(provision) => ProvisionId(provision.id),
            None => {
                let free = Amount::from_wei(staking.stake_of(self.address()).await?.free);
                let missing = amount.saturating_sub(free);
                if !missing.is_zero() {
                    self.send(&stake(missing)).await?;
                }
                self.send(&provision(role, amount)).await?;
                let made = staking.provision_of(self.address(), role).await?;
                let made = made.ok_or_else(|| ClientError::NotFound {
                    what: format!("{role} provision of {}", self.address()),
                })?;
                ProvisionId(made.id)
            }
        };
        if let Some(profile) = profile {
            let current = staking.profile(id).await?;
            let same = current.endpoint == profile.endpoint
                && current.receiptKey == profile.receipt_key
                && prices(&current) == profile.prices
                && current.trainPrice == profile.train_price.wei();
            if !same {
                self.send(&set_profile(id, profile)).await?;
            }
        }
        Ok(id)
    }
}
