//! Channels: prepaid escrow, vouchers, roots and claims.

use alloy_primitives::{Address, B256, Bytes};
use tributary_contracts::{CHANNELS, IChannels, voucher_digest};
use tributary_primitives::{Amount, ChannelId, Digest, Party, Role};
use zeroize::Zeroizing;

use crate::{Call, Chain, ClientError, Signer, logs::first_event, signer::recover};

/// Domain under which an API key's secret becomes its voucher key.
const VOUCHER_KEY_DOMAIN: &str = "tributary 2026 api key voucher signer";

/// Reads of the `channels` module.
#[derive(Clone, Debug)]
pub struct Channels(Chain);

impl Chain {
    /// The channels.
    pub fn channels(&self) -> Channels {
        Channels(self.clone())
    }
}

impl Channels {
    /// A payer's prepaid OPEN: (free, reserved for channels).
    pub async fn escrow(&self, payer: Address) -> Result<(Amount, Amount), ClientError> {
        let escrow = self.0.call(CHANNELS, &IChannels::escrowOfCall { payer }).await?;
        Ok((Amount::from_wei(escrow.balance), Amount::from_wei(escrow.reserved)))
    }

    /// One channel.
    pub async fn get(&self, id: ChannelId) -> Result<IChannels::Channel, ClientError> {
        self.0.call(CHANNELS, &IChannels::getChannelCall { channelId: id.0 }).await
    }

    /// A payer's channels.
    pub async fn of_payer(&self, payer: Address) -> Result<Vec<IChannels::Channel>, ClientError> {
        const PAGE: u64 = 64;
        let mut all = Vec::new();
        loop {
            let call = IChannels::channelsOfCall { payer, from: all.len() as u64, count: PAGE };
            let page = self.0.call(CHANNELS, &call).await?;
            let last = (page.len() as u64) < PAGE;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }

    /// The id the payer's next channel will get.
    pub async fn next_id(
        &self,
        payer: Address,
        gateway: Address,
        signer: Address,
    ) -> Result<ChannelId, ClientError> {
        let call = IChannels::nextChannelIdCall { payer, gateway, signer };
        Ok(ChannelId(self.0.call(CHANNELS, &call).await?))
    }

    /// A gateway's sums.
    pub async fn gateway(&self, gateway: Address) -> Result<IChannels::Gateway, ClientError> {
        self.0.call(CHANNELS, &IChannels::getGatewayCall { gateway }).await
    }

    /// One epoch's root; `None` when the gateway posted none.
    pub async fn root(
        &self,
        gateway: Address,
        epoch: u64,
    ) -> Result<Option<IChannels::EpochRoot>, ClientError> {
        let call = IChannels::epochRootCall { gateway, epoch };
        match self.0.call(CHANNELS, &call).await {
            Ok(root) => Ok((root.postedAt != 0).then_some(root)),
            Err(ClientError::Reverted(revert)) if revert.error.starts_with("UnknownRoot") => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A gateway's roots in order of posting, at most 64 from index `from`.
    pub async fn roots(
        &self,
        gateway: Address,
        from: u64,
    ) -> Result<Vec<IChannels::EpochRoot>, ClientError> {
        let call = IChannels::epochRootsCall { gateway, from, count: 64 };
        self.0.call(CHANNELS, &call).await
    }

    /// The newest root that can be claimed from; `None` when there is none.
    pub async fn claimable_root(
        &self,
        gateway: Address,
    ) -> Result<Option<IChannels::EpochRoot>, ClientError> {
        let root = self.0.call(CHANNELS, &IChannels::claimableRootCall { gateway }).await?;
        Ok((root.epoch != 0).then_some(root))
    }

    /// What a payee of a gateway's root was paid so far.
    pub async fn claimed(
        &self,
        gateway: Address,
        role: Role,
        party: Party,
    ) -> Result<Amount, ClientError> {
        let call = IChannels::claimedCall { gateway, role: role as u8, party: party.0 };
        Ok(Amount::from_wei(self.0.call(CHANNELS, &call).await?))
    }

    /// Genesis parameters.
    pub async fn params(&self) -> Result<IChannels::ChannelsParams, ClientError> {
        self.0.call(CHANNELS, &IChannels::channelsParamsCall {}).await
    }
}

/// The secret of an API key, `trib_sk_` and 64 hex digits. Debug shows nothing of it.
#[derive(Clone)]
pub struct ApiSecret(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for ApiSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiSecret(..)")
    }
}

impl ApiSecret {
    /// What every key begins with.
    pub const PREFIX: &str = "trib_sk_";

    /// A fresh secret from the system's randomness.
    pub fn random() -> Self {
        Self(Signer::random().to_secret_bytes())
    }

    /// A secret that its maker can make again.
    pub fn from_bytes(secret: Zeroizing<[u8; 32]>) -> Self {
        Self(secret)
    }

    /// Reads a key as a user presents it.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix(Self::PREFIX)?;
        let mut secret = Zeroizing::new([0; 32]);
        alloy_primitives::hex::decode_to_slice(digits, secret.as_mut_slice()).ok()?;
        Some(Self(secret))
    }

    /// The text a user presents.
    pub fn reveal(&self) -> Zeroizing<String> {
        let digits = alloy_primitives::hex::encode(self.0.as_slice());
        Zeroizing::new(format!("{}{digits}", Self::PREFIX))
    }

    /// What a gateway stores to recognise the key: BLAKE3 of the secret.
    pub fn id(&self) -> Digest {
        Digest::of(self.0.as_slice())
    }

    /// The key that signs the channel's vouchers.
    pub fn voucher_signer(&self) -> Result<Signer, ClientError> {
        Signer::from_bytes(Digest::derive(VOUCHER_KEY_DOMAIN, self.0.as_slice()).0)
    }
}

/// A voucher with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedVoucher {
    /// What is owed so far.
    pub voucher: IChannels::Voucher,
    /// By the channel's signer.
    pub signature: Bytes,
}

impl SignedVoucher {
    /// Signs with the channel's key.
    pub fn sign(
        voucher: IChannels::Voucher,
        signer: &Signer,
        chain_id: u64,
    ) -> Result<Self, ClientError> {
        let signature = signer.sign_hash(&voucher_digest(&voucher, chain_id))?;
        Ok(Self { voucher, signature })
    }

    /// Who signed.
    pub fn signer(&self, chain_id: u64) -> Option<Address> {
        recover(&voucher_digest(&self.voucher, chain_id), &self.signature)
    }
}

/// Puts OPEN into the signer's prepaid balance.
pub fn deposit(amount: Amount) -> Call {
    Call::paying(CHANNELS, amount, &IChannels::depositCall {}, format!("prepay {amount}"))
}

/// Takes OPEN out of the prepaid balance.
pub fn withdraw(amount: Amount) -> Call {
    let call = IChannels::withdrawCall { amount: amount.wei() };
    Call::new(CHANNELS, &call, format!("take {amount} out of the prepaid balance"))
}

/// Reserves `cap` for one gateway and one voucher key.
pub fn open(gateway: Address, signer: Address, cap: Amount, expiry: u64) -> Call {
    let call = IChannels::openChannelCall { gateway, signer, cap: cap.wei(), expiry };
    Call::new(CHANNELS, &call, format!("open a key that can spend at most {cap}"))
}

/// Raises a channel's cap.
pub fn top_up(channel: ChannelId, amount: Amount) -> Call {
    let call = IChannels::topUpChannelCall { channelId: channel.0, amount: amount.wei() };
    Call::new(CHANNELS, &call, format!("raise a key's cap by {amount}"))
}

/// Starts the close of a channel.
pub fn request_close(channel: ChannelId) -> Call {
    let call = IChannels::requestCloseCall { channelId: channel.0 };
    Call::new(CHANNELS, &call, "revoke a key; the rest comes back after the grace period")
}

/// Brings the newest vouchers.
pub fn redeem_batch(vouchers: &[SignedVoucher]) -> Call {
    let call = IChannels::redeemBatchCall {
        vouchers: vouchers.iter().map(|signed| signed.voucher.clone()).collect(),
        signatures: vouchers.iter().map(|signed| signed.signature.clone()).collect(),
    };
    Call::new(CHANNELS, &call, format!("redeem {} vouchers", vouchers.len()))
}

/// What a gateway promises for an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootPost {
    /// The epoch's number.
    pub epoch: u64,
    /// Merkle-sum root.
    pub root: B256,
    /// Its sum.
    pub total: Amount,
    /// How many leaves.
    pub leaves: u64,
    /// Digest under which the leaves are served.
    pub data_hash: B256,
}

/// Posts an epoch's root.
pub fn post_root(post: &RootPost) -> Call {
    let call = IChannels::postEpochRootCall {
        epoch: post.epoch,
        root: post.root,
        total: post.total.wei(),
        leaves: post.leaves,
        dataHash: post.data_hash,
    };
    Call::new(CHANNELS, &call, format!("post the root of epoch {}", post.epoch))
}

/// Pays leaves to their parties.
pub fn claim_many(claims: Vec<IChannels::Claim>) -> Call {
    let summary = format!("pay {} payees", claims.len());
    Call::new(CHANNELS, &IChannels::claimManyCall { claims }, summary)
}

/// Pays one leaf to its party.
pub fn claim_for(claim: IChannels::Claim) -> Call {
    let call = IChannels::claimForCall { claim_: claim };
    Call::new(CHANNELS, &call, "pay one payee")
}

/// Closes due channels.
pub fn poke(max: u32) -> Call {
    Call::new(CHANNELS, &IChannels::pokeCall { max }, "close due channels")
}

/// The id of the channel that a transaction opened.
pub fn opened_id(receipt: &alloy_rpc_types_eth::TransactionReceipt) -> Option<ChannelId> {
    first_event::<IChannels::ChannelOpened>(receipt, CHANNELS)
        .map(|event| ChannelId(event.channelId))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_key_reads_back_and_never_prints() {
        let secret = ApiSecret::random();
        let text = secret.reveal();
        assert_eq!(text.len(), ApiSecret::PREFIX.len() + 64);
        let again = ApiSecret::parse(&text).expect("a key reads back");
        assert_eq!(again.id(), secret.id());
        let (ours, theirs) = (secret.voucher_signer(), again.voucher_signer());
        assert_eq!(ours.expect("a key").address(), theirs.expect("a key").address());
        assert!(!format!("{secret:?}").contains(&text[10..]));
        for wrong in ["", "trib_sk_", "sk-123", &text[..text.len() - 1]] {
            assert!(ApiSecret::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_changed_voucher_has_another_signer() {
        let signer = Signer::random();
        let voucher = IChannels::Voucher {
            channelId: B256::repeat_byte(1),
            seq: 1,
            cumulative: 10,
            usageRoot: B256::ZERO,
            deadline: u64::MAX,
        };
        let mut signed = SignedVoucher::sign(voucher, &signer, 7310).expect("a key signs");
        assert_eq!(signed.signer(7310), Some(signer.address()));
        assert_ne!(signed.signer(7311), Some(signer.address()));
        signed.voucher.cumulative = 11;
        assert_ne!(signed.signer(7310), Some(signer.address()));
    }
}
