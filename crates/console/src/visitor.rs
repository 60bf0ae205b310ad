//! Who looks at the page: the account behind the session cookie, if any.

use alloy_primitives::Address;
use axum::{extract::FromRequestParts, http::request::Parts};
use http::header;
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

/// Somebody, signed in or not.
#[derive(Clone, Debug)]
pub(crate) struct Visitor(pub(crate) Option<Account>);

impl Visitor {
    pub(crate) fn address(&self) -> Option<Address> {
        self.0.as_ref().map(|account| account.address)
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
        let Some(token) = token(parts) else { return Ok(Self(None)) };
        let Some(address) = console.index().session(token)? else { return Ok(Self(None)) };
        let name = console.index().guest(address)?.map(|guest| guest.name);
        let name = name.unwrap_or_else(|| crate::parts::short_address(address));
        // A page is still useful when the balance is not known.
        let balance = console.chain().balance(address).await.ok();
        Ok(Self(Some(Account { address, name, balance })))
    }
}
