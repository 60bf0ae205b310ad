//! Who looks at the page: the account behind the session cookie, if any.

use alloy_primitives::Address;
use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use http::header;
use serde::Deserialize;
use tributary_indexer::SESSION_COOKIE;
use tributary_primitives::Amount;

use crate::{error::PageError, router::Console};

/// The account of a session.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) address: Address,
    pub(crate) name: String,
    pub(crate) balance: Option<Amount>,
}

/// Somebody, signed in or not, and what their last form met.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) account: Option<Account>,
    pub(crate) problem: Option<String>,
}

/// What a refused form says in the address it returns to.
#[derive(Deserialize)]
struct Refused {
    problem: String,
    #[serde(default)]
    hint: String,
}

fn problem(parts: &Parts) -> Option<String> {
    let query = Query::<Refused>::try_from_uri(&parts.uri).ok()?;
    let words = format!("{} {}", query.problem.trim(), query.hint.trim());
    Some(words.chars().take(400).collect())
}

impl Visitor {
    pub(crate) fn address(&self) -> Option<Address> {
        self.account.as_ref().map(|account| account.address)
    }

    pub(crate) fn is(&self, address: Address) -> bool {
        self.address() == Some(address)
    }
}

fn token(parts: &Parts) -> Option<&str> {
    let cookies = parts.headers.get_all(header::COOKIE).iter();
    cookies.filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(';')).find_map(
        |pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == SESSION_COOKIE).then_some(value)
        },
    )
}

impl FromRequestParts<Console> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, PageError> {
        let problem = problem(parts);
        let session = token(parts).map(|token| console.index().session(token)).transpose()?;
        let Some(address) = session.flatten() else { return Ok(Self { account: None, problem }) };
        let name = console.index().guest(address)?.map(|guest| guest.name);
        let name = name.unwrap_or_else(|| crate::parts::short_address(address));
        // A page is still useful when the balance is not known.
        let balance = console.chain().balance(address).await.ok();
        Ok(Self { account: Some(Account { address, name, balance }), problem })
    }
}
