//! API keys of the caller.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use schemars::JsonSchema;
use serde::Deserialize;
use tributary_client::{
    ApiSecret,
    api::{
        self,
        schema::{Account, Word},
    },
    channels,
};
use tributary_contracts::ChannelStatus;
use tributary_indexer::KeyRow;
use tributary_primitives::{Address, Amount, B256, ChannelId, Digest};

use super::input::{Done, Input, Money};
use crate::{
    Refusal,
    acts::{self, Named},
    caller::Caller,
    epochs,
    keys::{self, KeySpec},
    shared::{Shared, now_ms, open},
};

/// What a key is.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "KeyRequest")]
pub(super) struct NewKey {
    /// For people.
    name: Option<String>,
    /// Most it can ever spend.
    cap: Money,
}

/// Makes a key of a guest: deposits what is missing and opens its channel.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    act: Named,
    Input(asked): Input<NewKey>,
) -> Result<Done<api::CreatedKey, 201>, Refusal> {
    let owner = shared.guest_sender(caller.require_guest()?)?;
    let name = key_name(asked.name)?;
    let spec = KeySpec { name, cap: asked.cap.0, keep_secret: false };
    let made = keys::make(&shared, &owner, act.map(|act| act.0), spec).await?;
    let body = api::CreatedKey {
        id: made.row.hash.to_string(),
        key: made.secret.reveal().to_string(),
        channel: made.row.channel.0,
        cap: made.row.cap,
        transaction: made.transaction,
    };
    Ok(Done::shown_once(body))
}

fn key_name(name: Option<String>) -> Result<String, Refusal> {
    let name = name.unwrap_or_else(|| "key".into()).trim().to_owned();
    if (1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name);
    }
    Err(Refusal::field("name", "a key's name has 1 to 64 characters"))
}

/// Which channel a wallet wants.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "KeyPrepareRequest")]
pub(super) struct ForWallet {
    /// Who pays.
    #[schemars(with = "Account")]
    account: Address,
    /// The address that the new key's vouchers are signed by.
    #[schemars(with = "Account")]
    signer: Address,
    /// Most it can ever spend.
    cap: Money,
}

/// The calls that open a channel for a key that the caller made.
pub(super) async fn prepare(
    State(shared): State<Arc<Shared>>,
    Input(asked): Input<ForWallet>,
) -> Result<Json<api::PreparedKey>, Refusal> {
    let cap = asked.cap.0;
    let view = shared.chain.channels();
    let (free, _) = view.escrow(asked.account).await?;
    let missing = cap.saturating_sub(free);
    let longest = view.params().await?.maxExpiry;
    let expiry = shared.chain.head().await?.timestamp + longest - longest / 10;
    let mut calls = Vec::new();
    if !missing.is_zero() {
        calls.push(channels::deposit(missing));
    }
    calls.push(channels::open(shared.address(), asked.signer, cap, expiry));
    let channel = view.next_id(asked.account, shared.address(), asked.signer).await?;
    let prepared = api::Prepared {
        calls,
        summary: format!("Open a key that can spend at most {cap}"),
        stake: cap,
        fee: Amount::ZERO,
        total: missing,
    };
    Ok(Json(api::PreparedKey { prepared, channel: channel.0 }))
}

/// A key whose channel is open.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "KeyRegisterRequest")]
pub(super) struct Registered {
    /// `trib_sk_` and 64 hex digits.
    key: String,
    /// Its channel.
    #[schemars(with = "Word")]
    channel: B256,
    /// For people.
    name: Option<String>,
}

/// Makes a key known whose channel its owner opened.
pub(super) async fn register(
    State(shared): State<Arc<Shared>>,
    Input(asked): Input<Registered>,
) -> Result<Done<api::KeyView>, Refusal> {
    let secret = ApiSecret::parse(&asked.key)
        .ok_or_else(|| Refusal::field("key", "a key is `trib_sk_` and 64 hex digits"))?;
    let channel = shared.chain.channels().get(ChannelId(asked.channel)).await?;
    let open = channel.status == ChannelStatus::Open.code();
    if channel.gateway != shared.address() || !open {
        return Err(Refusal::conflict(
            "wrong_channel",
            "this channel is not open for this gateway",
        )
        .hint("POST /api/v1/keys/prepare gives the right call"));
    }
    if channel.signer != secret.voucher_signer()?.address() {
        return Err(Refusal::conflict("wrong_signer", "this channel has another voucher key")
            .hint("the channel's signer is derived from the API key"));
    }
    let row = KeyRow {
        hash: secret.id(),
        owner: channel.payer,
        name: key_name(asked.name)?,
        channel: ChannelId(channel.id),
        signer: channel.signer,
        cap: Amount::from_wei(channel.cap),
        spent: Amount::from_wei(channel.redeemed),
        held: Amount::ZERO,
        redeemed: Amount::from_wei(channel.redeemed),
        voucher: None,
        sealed_secret: None,
        active: true,
        expires_at: channel.expiry,
        created_ms: now_ms(),
    };
    if shared.index.key(row.hash)?.is_none() {
        shared.index.put_key(row.clone()).await?;
    }
    Ok(Done::new(view(&row), "/keys"))
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<api::Page<api::KeyView>>, Refusal> {
    let keys = shared.index.keys(caller.require()?)?;
    Ok(Json(api::Page::whole(keys.iter().map(view).collect())))
}

fn view(key: &KeyRow) -> api::KeyView {
    api::KeyView {
        id: key.hash,
        name: key.name.clone(),
        channel: key.channel.0,
        cap: key.cap,
        spent: key.spent,
        held: key.held,
        remaining: key.available(),
        redeemed: key.redeemed,
        active: key.active,
        expires_at: key.expires_at,
        created_at: key.created_ms / 1_000,
        own: key.sealed_secret.is_some(),
    }
}

/// The key that the caller's own chat uses.
pub(super) async fn own(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<api::KeyView>, Refusal> {
    match &caller {
        Caller::Key(key) => Ok(Json(view(&key.row))),
        _ => {
            let account = caller.require_guest()?;
            Ok(Json(view(&keys::guest_payer(&shared, account).await?.key)))
        }
    }
}

/// A key of the caller by its id.
fn own_key(shared: &Shared, owner: Address, id: &str) -> Result<KeyRow, Refusal> {
    let hash: Digest = id.parse().map_err(|error| Refusal::field("id", format!("{error}")))?;
    let key = shared.index.key(hash)?.filter(|key| key.owner == owner);
    key.ok_or_else(|| Refusal::not_found("key", id))
}

/// How much more.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TopUpRequest")]
pub(super) struct TopUp {
    /// 5 OPEN when absent.
    amount: Option<Money>,
}

/// Raises a key's cap.
pub(super) async fn top_up(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    act: Named,
    Input(asked): Input<TopUp>,
) -> Result<Done<api::ToppedUp>, Refusal> {
    let act = act.map(|act| act.0);
    let account = caller.require_guest()?;
    let key = own_key(&shared, account, &id)?;
    let amount = asked.amount.map_or(open(5), |money| money.0);
    let sender = shared.guest_sender(account)?;
    let receipt = match acts::sent_before(&shared, act, &sender).await? {
        Some(receipt) => receipt,
        None => {
            let call = channels::top_up(key.channel, amount);
            keys::send_from_escrow(&shared, &sender, act, &call, amount).await?
        }
    };
    let cap = Amount::from_wei(shared.chain.channels().get(key.channel).await?.cap);
    shared.index.raise_cap(key.hash, cap).await?;
    let transaction = receipt.transaction_hash;
    Ok(Done::new(api::ToppedUp { id: key.hash, cap, transaction }, "/keys"))
}

/// Stops a key; what is left comes back after the channel's grace period.
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    act: Named,
) -> Result<Done<api::RevokedKey>, Refusal> {
    let account = caller.require_guest()?;
    let key = own_key(&shared, account, &id)?;
    shared.index.revoke_key(key.hash).await?;
    // What is owed comes first: a closing channel takes vouchers for a while only.
    epochs::redeem(&shared).await?;
    let call = channels::request_close(key.channel);
    let sender = shared.guest_sender(account)?;
    let receipt = acts::once(&shared, act.map(|act| act.0), &sender, &call).await?;
    let transaction = receipt.transaction_hash;
    Ok(Done::new(api::RevokedKey { id: key.hash, transaction }, "/keys"))
}
