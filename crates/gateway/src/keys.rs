//! API keys: a secret for the caller, a channel with a cap on chain, a row for the gateway.

use alloy_rpc_types_eth::TransactionReceipt;
use tributary_client::{ApiSecret, Call, Sender, channels};
use tributary_indexer::KeyRow;
use tributary_primitives::{Address, Amount, B256, Digest};

use crate::{
    Refusal,
    acts::{self, Act},
    metering::Payer,
    shared::{Shared, now_ms},
};

/// Name of the key that a guest's own chat uses.
const GUEST_KEY: &str = "playground";
/// Left of what the chain allows, so that inclusion a little later still fits.
const EXPIRY_MARGIN_SECONDS: u64 = 600;

/// A key that was just made.
pub struct Made {
    /// Shown once.
    pub secret: ApiSecret,
    /// What is stored.
    pub row: KeyRow,
    /// Opened the channel.
    pub transaction: B256,
}

/// What a new key is.
pub struct KeySpec {
    /// For people.
    pub name: String,
    /// Most it can spend.
    pub cap: Amount,
    /// True to keep the secret, sealed: for the guest's own chat.
    pub keep_secret: bool,
}

/// Opens a channel for a key with the owner's OPEN. The key is fresh, except that one act, tried
/// again after a crash, has the key and the channel of its first try.
pub async fn make(
    shared: &Shared,
    owner: &Sender,
    act: Option<Act>,
    spec: KeySpec,
) -> Result<Made, Refusal> {
    if spec.cap.is_zero() {
        return Err(Refusal::field("cap", "a key needs a cap above zero"));
    }
    let secret = act.map_or_else(ApiSecret::random, |act| {
        ApiSecret::from_bytes(shared.vault.derive("api key", act.name()))
    });
    let signer = secret.voucher_signer()?.address();
    let opened = match acts::sent_before(shared, act, owner).await? {
        Some(receipt) => receipt,
        None => open(shared, owner, act, (signer, spec.cap)).await?,
    };
    let transaction = opened.transaction_hash;
    if let Some(row) = shared.index.key(secret.id())? {
        return Ok(Made { secret, row, transaction });
    }
    let channel = channels::opened_id(&opened)
        .ok_or_else(|| Refusal::internal("opening a channel left no event"))?;
    let expiry = shared.chain.channels().get(channel).await?.expiry;
    let sealed_secret = if spec.keep_secret {
        let sealed = shared.vault.seal(&label(secret.id()), secret.reveal().as_bytes());
        Some(sealed.ok_or_else(|| Refusal::internal("a secret could not be sealed"))?)
    } else {
        None
    };
    let row = KeyRow {
        hash: secret.id(),
        owner: owner.address(),
        name: spec.name,
        channel,
        signer,
        cap: spec.cap,
        spent: Amount::ZERO,
        held: Amount::ZERO,
        redeemed: Amount::ZERO,
        voucher: None,
        sealed_secret,
        active: true,
        expires_at: expiry,
        created_ms: now_ms(),
    };
    shared.index.put_key(row.clone()).await?;
    Ok(Made { secret, row, transaction })
}

/// Opens a channel.
async fn open(
    shared: &Shared,
    owner: &Sender,
    act: Option<Act>,
    (signer, cap): (Address, Amount),
) -> Result<TransactionReceipt, Refusal> {
    let longest = shared.chain.channels().params().await?.maxExpiry;
    let now = shared.chain.head().await?.timestamp;
    let expiry = now.saturating_add(longest).saturating_sub(EXPIRY_MARGIN_SECONDS.min(longest / 2));
    let call = channels::open(shared.address(), signer, cap, expiry);
    send_from_escrow(shared, owner, act, &call, cap).await
}

/// Sends a call that takes `needed` out of the owner's escrow, after depositing what is missing.
/// One at a time for each owner: two would count the same coins as free.
pub async fn send_from_escrow(
    shared: &Shared,
    owner: &Sender,
    act: Option<Act>,
    call: &Call,
    needed: Amount,
) -> Result<TransactionReceipt, Refusal> {
    let turn = shared.turn_of(Digest::derive("tributary escrow turn", owner.address().as_slice()));
    let _turn = turn.lock().await;
    let (free, _) = shared.chain.channels().escrow(owner.address()).await?;
    let missing = needed.saturating_sub(free);
    if !missing.is_zero() {
        owner.send(&channels::deposit(missing)).await?;
    }
    acts::send(shared, act, owner, call).await
}

/// The key of a guest's own chat, made at its first use.
pub async fn guest_payer(shared: &Shared, account: Address) -> Result<Payer, Refusal> {
    let (policy, _) = shared.guest_policy()?;
    if let Some(payer) = stored_payer(shared, account)? {
        return Ok(payer);
    }
    let turn = shared.turn_of(Digest::derive("tributary guest key turn", account.as_slice()));
    let _turn = turn.lock().await;
    if let Some(payer) = stored_payer(shared, account)? {
        return Ok(payer);
    }
    let sender = shared.guest_sender(account)?;
    let balance = shared.chain.balance(account).await?;
    let half = Amount::from_wei(balance.wei() / 2);
    let cap = policy.key_cap.min(half);
    let spec = KeySpec { name: GUEST_KEY.into(), cap, keep_secret: true };
    // Its n-th key: a crash between the channel and the row finds the channel again.
    let made_before = shared.index.keys(account)?.len().to_string();
    let act = Act::new("own key", &account.to_string(), &made_before, &Digest::ZERO);
    let made = make(shared, &sender, Some(act), spec).await?;
    Ok(Payer { secret: made.secret, key: made.row })
}

/// The guest's own key when it is made already.
pub fn guest_key(shared: &Shared, account: Address) -> Result<Option<KeyRow>, Refusal> {
    let keys = shared.index.keys(account)?;
    Ok(keys.into_iter().find(|key| key.active && key.sealed_secret.is_some()))
}

fn stored_payer(shared: &Shared, account: Address) -> Result<Option<Payer>, Refusal> {
    let Some(key) = guest_key(shared, account)? else { return Ok(None) };
    let sealed = key.sealed_secret.as_deref().unwrap_or_default();
    let opened = shared.vault.open(&label(key.hash), sealed);
    let secret = opened
        .as_ref()
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .and_then(ApiSecret::parse)
        .ok_or_else(|| Refusal::internal(format!("the key of guest {account} does not open")))?;
    Ok(Some(Payer { secret, key }))
}

fn label(key: Digest) -> String {
    format!("api key {key}")
}
