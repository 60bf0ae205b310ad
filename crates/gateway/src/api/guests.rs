//! Guests: accounts whose keys this gateway keeps, for newcomers on a development chain.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, http::header, response::AppendHeaders};
use schemars::JsonSchema;
use serde::Deserialize;
use tributary_client::{
    Signer,
    api::{self, Guest},
};
use tributary_indexer::{GuestRow, SESSION_COOKIE, session_hash};

use super::{
    describe::WithHeader,
    input::{Done, Input},
};
use crate::{
    Refusal,
    caller::{Caller, Origin},
    keys,
    shared::{Shared, fresh, guest_label, now_ms},
};

const DAY_MS: i64 = 86_400_000;
/// How long a session lasts.
const SESSION_MS: i64 = 30 * DAY_MS;

const ADJECTIVES: [&str; 16] = [
    "amber", "brave", "calm", "clear", "early", "gentle", "green", "keen", "kind", "lucky",
    "merry", "quiet", "quick", "sunny", "warm", "wise",
];
const ANIMALS: [&str; 16] = [
    "badger", "crane", "dipper", "finch", "fox", "hare", "heron", "ibis", "lark", "lynx", "marten",
    "otter", "owl", "seal", "swift", "wren",
];

/// Who comes.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "GuestRequest")]
pub(super) struct NewGuest {
    /// A name to be known by; a friendly one is made up when absent.
    name: Option<String>,
}

/// Makes a guest with an account, OPEN and a session.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    origin: Origin,
    Input(asked): Input<NewGuest>,
) -> Result<WithHeader<Done<Guest, 201>>, Refusal> {
    let (policy, faucet) = shared.guest_policy()?;
    let today = shared.index.guests_from(&origin.0, now_ms() - DAY_MS)?;
    if today >= policy.per_origin_per_day {
        return Err(Refusal::slow_down(
            format!("{today} guests came from this address today"),
            3_600,
        )
        .hint("use one of them, or come back tomorrow"));
    }
    let signer = Signer::random();
    let account = signer.address();
    let name = match asked.name {
        Some(name) => clean_name(&name)?,
        None => friendly_name(),
    };
    let key_blob = shared
        .vault
        .seal(&guest_label(account), signer.to_secret_bytes().as_slice())
        .ok_or_else(|| Refusal::internal("a guest's key could not be sealed"))?;
    let row = GuestRow {
        account,
        name: name.clone(),
        origin: origin.0,
        key_blob,
        exported_ms: None,
        created_ms: 0,
    };
    shared.index.put_guest(row).await?;
    faucet.transfer(account, policy.gift).await?;
    let session = fresh().to_string();
    let expires = now_ms() + SESSION_MS;
    shared.index.put_session(session_hash(&session), account, expires).await?;
    let cookie = format!(
        "{SESSION_COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}",
        SESSION_MS / 1_000
    );
    let balance = shared.chain.balance(account).await?;
    let guest = Guest { account, name, session, balance };
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Done::new(guest, "/")))
}

fn clean_name(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    let fits = (1..=32).contains(&name.chars().count());
    if fits && name.chars().all(|c| c.is_alphanumeric() || " -_.".contains(c)) {
        return Ok(name.to_owned());
    }
    Err(Refusal::field("name", "a name has 1 to 32 letters, digits, spaces, `-`, `_` or `.`"))
}

fn friendly_name() -> String {
    let bytes = fresh().0;
    let pick = |list: &[&'static str; 16], byte: u8| list[usize::from(byte & 15)];
    let (adjective, animal) = (pick(&ADJECTIVES, bytes[0]), pick(&ANIMALS, bytes[1]));
    let number = u16::from_le_bytes([bytes[2], bytes[3]]) % 1_000;
    format!("{adjective}-{animal}-{number}")
}

/// Who this session is.
pub(super) async fn session(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<api::SessionView>, Refusal> {
    let account = caller.require()?;
    let balance = shared.chain.balance(account).await?;
    let (prepaid, reserved) = shared.chain.channels().escrow(account).await?;
    let guest = shared.index.guest(account)?;
    Ok(Json(api::SessionView {
        account,
        guest: guest.is_some(),
        balance,
        prepaid,
        reserved,
        has_default_key: keys::guest_key(&shared, account)?.is_some(),
        name: guest.as_ref().map(|guest| guest.name.clone()),
        exported: guest.is_some_and(|guest| guest.exported_ms.is_some()),
    }))
}

/// Ends the session; the account stays.
pub(super) async fn leave(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<WithHeader<Done<api::Empty>>, Refusal> {
    if let Caller::Guest { token, .. } = &caller {
        shared.index.end_session(session_hash(token)).await?;
    }
    let gone = format!("{SESSION_COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok((AppendHeaders([(header::SET_COOKIE, gone)]), Done::new(api::Empty {}, "/")))
}

/// Shows a guest's key, once.
pub(super) async fn export(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<WithHeader<Json<api::PrivateKey>>, Refusal> {
    let account = caller.require_guest()?;
    let signer = shared.guest_signer(account)?;
    if !shared.index.export_guest(account).await? {
        return Err(Refusal::conflict("already_exported", "this key was shown before")
            .hint("a guest's key is shown once"));
    }
    let private_key = signer.to_secret_hex().as_str().to_owned();
    let never = AppendHeaders([(header::CACHE_CONTROL, "no-store".to_owned())]);
    Ok((never, Json(api::PrivateKey { account, private_key })))
}
