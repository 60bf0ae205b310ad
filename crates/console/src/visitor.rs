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

use crate::{error::PageError, news, router::Console};

/// The account of a session.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) address: Address,
    pub(crate) name: String,
    pub(crate) balance: Option<Amount>,
    /// All that posted roots have given it so far.
    pub(crate) posted: Amount,
}

/// Kept by the page's script: what the account has been told of.
const TOLD_COOKIE: &str = "tributary_told";

/// Somebody, signed in or not, and what their last form met.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) account: Option<Account>,
    pub(crate) problem: Option<String>,
    /// What this browser has told the account it earned, all in all.
    pub(crate) told: Option<Amount>,
    /// The name under which this node was reached, for examples that run as they stand.
    host: String,
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

    /// Where an OpenAI client of this visitor finds the node.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.host)
    }

    pub(crate) fn is(&self, address: Address) -> bool {
        self.address() == Some(address)
    }
}

fn cookie<'a>(parts: &'a Parts, wanted: &str) -> Option<&'a str> {
    let cookies = parts.headers.get_all(header::COOKIE).iter();
    cookies.filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(';')).find_map(
        |pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == wanted).then_some(value)
        },
    )
}

/// `account.wei`, as the page's script keeps it; of another account it says nothing.
fn told(parts: &Parts, account: Address) -> Option<Amount> {
    let (whose, wei) = cookie(parts, TOLD_COOKIE)?.split_once('.')?;
    let same = whose.parse::<Address>().is_ok_and(|whose| whose == account);
    same.then(|| wei.parse().ok().map(Amount::from_wei)).flatten()
}

impl FromRequestParts<Console> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, PageError> {
        let problem = problem(parts);
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.unwrap_or("localhost:8545").to_owned();
        let token = cookie(parts, SESSION_COOKIE);
        let session = token.map(|token| console.index().session(token)).transpose()?;
        let Some(address) = session.flatten() else {
            return Ok(Self { account: None, problem, told: None, host });
        };
        let name = console.index().guest(address)?.map(|guest| guest.name);
        let name = name.unwrap_or_else(|| crate::parts::short_address(address));
        // A page is still useful when the balance is not known.
        let balance = console.chain().balance(address).await.ok();
        let posted = news::posted(console.index(), address)?;
        let account = Account { address, name, balance, posted };
        Ok(Self { account: Some(account), problem, told: told(parts, address), host })
    }
}
