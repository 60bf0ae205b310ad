//! The account: its money, its API keys, and the one chance to take a guest's key along.

use axum::{extract::State, response::Redirect};
use maud::{Markup, html};
use tributary_indexer::{GuestRow, KeyRow};
use tributary_primitives::Amount;

use super::{guest_form, live};
use crate::{
    error::PageError,
    layout::{Section, Shell},
    parts,
    router::Console,
    visitor::{Account, Visitor},
};

/// `/account`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
) -> Result<Markup, PageError> {
    let body = match &visitor.account {
        Some(account) => own(&console, &visitor, account)?,
        None => signed_out(&console),
    };
    let shell = Shell {
        title: "Account",
        section: Section::None,
        visitor: Some(&visitor),
        live: Some("/account".to_owned()),
        body,
    };
    Ok(shell.render())
}

/// `/keys`: where a form about keys lands.
pub(crate) async fn keys() -> Redirect {
    Redirect::to("/account#keys")
}

fn signed_out(console: &Console) -> Markup {
    html! {
        header.page-head { h1 { "Account" } }
        div.empty {
            p { "This browser has no account yet. An account holds OPEN, owns rows and models, and is paid." }
            @if console.guests_allowed() { (guest_form("/account", "Try as guest")) }
            p.muted { "or " code { "tributary account show" } }
        }
    }
}

fn own(console: &Console, visitor: &Visitor, account: &Account) -> Result<Markup, PageError> {
    let guest = console.index().guest(account.address)?;
    Ok(html! {
        header.page-head {
            p.crumb { "Account" }
            h1 { (account.name) }
            p { code.break { (account.address.to_checksum(None)) } " "
                a href={ "/explore/address/" (account.address) } { "On the explorer" } }
        }
        (live(region(console, visitor)?))
        (new_key(&visitor.base_url()))
        @if let Some(guest) = &guest { (take_along(guest)) (leave(guest)) }
    })
}

/// What the stream sends again.
pub(crate) fn region(console: &Console, visitor: &Visitor) -> Result<Markup, PageError> {
    let index = console.index();
    let Some(account) = &visitor.account else { return Ok(html! {}) };
    let money = index.earnings(account.address)?;
    let keys = index.keys(account.address)?;
    let active = keys.iter().filter(|key| key.active);
    let aside: Amount = active.map(|key| key.cap.saturating_sub(key.spent)).sum();
    Ok(html! {
        dl.figures {
            @if let Some(balance) = account.balance { (parts::figure("Balance", parts::amount(balance))) }
            (parts::figure("Set aside for answers", parts::amount(aside)))
            (parts::figure("Pending", parts::amount(money.pending)))
            (parts::figure("Earned", parts::amount(money.earned)))
            (parts::figure("Paid", parts::amount(money.paid)))
        }
        p.muted.small { a href="/earn" { "What was earned, and by which rows" } }
        section #keys {
            h2 { "API keys" }
            p.muted { "Each key is a payment channel: the chain lets it spend up to its cap and nothing beyond." }
            @if keys.is_empty() {
                (parts::empty("No key yet. The Playground makes its own at your first question.",
                    Some(("/play", "Ask something")), "key new --cap 5"))
            } @else { (keys_table(&keys)) }
        }
    })
}

fn keys_table(keys: &[KeyRow]) -> Markup {
    html! {
        div.scroll { table.bars {
            thead { tr {
                th scope="col" { "Key" } th.num scope="col" { "Spent" } th.num scope="col" { "Cap" }
                th scope="col" { span.sr { "Part that is spent" } }
                th scope="col" { "Made" } th scope="col" { "State" }
            } }
            tbody { @for key in keys { tr {
                th scope="row" { (key.name) @if key.sealed_secret.is_some() { " " span.badge { "this browser's" } } }
                td.num data-label="Spent" { (parts::amount(key.spent)) }
                td.num data-label="Cap" { (parts::amount(key.cap)) }
                td data-label="Part that is spent" { (spent_meter(key)) }
                td data-label="Made" { (parts::ago_ms(key.created_ms)) }
                td data-label="State" { (key_state(key)) }
            } } }
        } }
    }
}

fn spent_meter(key: &KeyRow) -> Markup {
    let part = match key.cap.is_zero() {
        true => Amount::ZERO,
        false => key.spent.mul_div(1_000, key.cap.wei()),
    };
    html! {
        meter min="0" max="1000" value=(part.wei()) aria-label={ "spent part of key " (key.name) } {}
    }
}

fn key_state(key: &KeyRow) -> Markup {
    let over = key.expires_at > 0 && key.expires_at < parts::now();
    html! {
        @if !key.active { span.badge.state-pending { "revoked" } }
        @else if over { span.badge.state-bad { "expired" } }
        @else {
            span.badge.state-paid { "active" }
            form.inline method="post" action={ "/api/v1/keys/" (key.hash) "/revoke?next=/keys" } data-api
                data-next="/account#keys" data-confirm={ "Revoke the key " (key.name) "? Apps that use it stop at once; what it did not spend comes back." } {
                button.quiet-button type="submit" { "Revoke" span.sr { " " (key.name) } }
            }
        }
    }
}

fn new_key(base: &str) -> Markup {
    html! {
        section.panel {
            h2 { "A key for your app" }
            p { "Any OpenAI client works: set its base URL to " code { (base) } " and its key to this one." }
            form.new-key.needs-script method="post" action="/api/v1/keys" data-secret="key" {
                label { "Name" input type="text" name="name" value="my app" maxlength="64" required; }
                label { "Most it may spend, in OPEN" input type="number" name="cap" value="1" min="0.001" step="any" required data-money; }
                button.button.primary type="submit" { "Make a key" }
                p.form-status role="status" {}
            }
            div.secret-place {}
            p.no-script { "Without scripts: " code { "tributary key new --cap 1" } }
            (parts::code_example(base, "tributary/seed"))
        }
    }
}

/// The key of a guest is shown once; afterwards this says when.
fn take_along(guest: &GuestRow) -> Markup {
    html! {
        section.panel #export {
            h2 { "Take this account along" }
            @match guest.exported_ms {
                Some(at) => p { "The private key was shown " (parts::ago_ms(at)) ". It is shown once, so it cannot be shown again. Whoever wrote it down owns this account." },
                None => {
                    p { "This node made a private key for you and keeps it encrypted; it signs what you click. You can take the key once, for a wallet such as MetaMask." }
                    ul.bullets {
                        li { "Whoever has the key owns the account: its OPEN, its rows and what they will earn." }
                        li { "It is shown one single time. Have a place ready to write it to." }
                        li { "This browser goes on working as before." }
                    }
                    form method="post" action="/api/v1/session/export" data-secret="private_key"
                        data-confirm="Show the private key now? It is shown this one time and never again." {
                        button.button type="submit" { "Show the private key" }
                        p.form-status role="status" {}
                    }
                    div.secret-place {}
                }
            }
        }
    }
}

fn leave(guest: &GuestRow) -> Markup {
    let warning = match guest.exported_ms {
        Some(_) => "Sign out? With the key you took along the account stays yours.",
        None => "Sign out? Nobody has this account's key, so nobody can come back to it.",
    };
    html! {
        section {
            h2 { "Sign out" }
            p.muted { (warning.trim_start_matches("Sign out? ")) }
            form method="post" action="/api/v1/session/leave?next=/" data-api data-next="/" data-confirm=(warning) {
                button.button type="submit" { "Sign out of this browser" }
                p.form-status role="status" {}
            }
        }
    }
}
