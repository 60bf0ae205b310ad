//! The frame around every page: head, navigation, account, toasts, footer.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    assets, parts,
    visitor::{Account, Visitor},
};

/// Which entry of the navigation is lit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Home,
    Data,
    Models,
    Play,
    Earn,
    Explore,
    Docs,
    None,
}

/// A page.
pub(crate) struct Shell<'a> {
    pub(crate) title: &'a str,
    pub(crate) section: Section,
    pub(crate) visitor: Option<&'a Visitor>,
    /// Path of this page, when it has a part that changes by itself. The account and its news
    /// are live on every page.
    pub(crate) live: Option<String>,
    pub(crate) body: Markup,
}

const ENTRIES: [(Section, &str, &str, &str); 7] = [
    (Section::Home, "/", "Home", "M3 11.5 12 4l9 7.5M5.5 10v10h13V10"),
    (
        Section::Data,
        "/data",
        "Datanets",
        "M4 7c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3Zm0 0v10c0 1.7 3.6 3 8 3s8-1.3 8-3V7M4 \
         12c0 1.7 3.6 3 8 3s8-1.3 8-3",
    ),
    (
        Section::Models,
        "/models",
        "Models",
        "M12 3 4 7.5v9L12 21l8-4.5v-9L12 3Zm0 9v9m0-9 8-4.5M12 12 4 7.5",
    ),
    (Section::Play, "/play", "Playground", "M4 5h16v11H9l-5 4V5Zm4 4h8m-8 3.5h5"),
    (
        Section::Earn,
        "/earn",
        "Earn",
        "M12 3v18m4.5-14.5c-1-1.3-2.6-2-4.5-2-2.6 0-4.5 1.3-4.5 3.4 0 5 9.3 2.4 9.3 7.4 0 2.2-2 3.6-4.8 3.6-2.1 0-4-.9-5-2.4",
    ),
    (
        Section::Explore,
        "/explore",
        "Explorer",
        "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm4.8-1.7L21 21",
    ),
    (
        Section::Docs,
        "/docs",
        "Docs",
        "M5 4h6.5c.8 0 .5 1 .5 1v15s0-1-1.500-1H5V4Zm14 0h-6.500c-.8 0-.5 1-.5 1v15s0-1 1.500-1H19V4Z",
    ),
];

/// The mark: three brooks become one river.
pub(crate) fn mark() -> Markup {
    PreEscaped(
        "<svg class=\"mark\" viewBox=\"0 0 32 32\" aria-hidden=\"true\" focusable=\"false\">\
         <path class=\"mark-a\" d=\"M5 4c0 8 11 7 11 15\"/>\
         <path class=\"mark-b\" d=\"M27 4c0 8-11 7-11 15\"/>\
         <path class=\"mark-c\" d=\"M16 3v26\"/></svg>"
            .to_owned(),
    )
}

fn icon(path: &str) -> Markup {
    html! {
        svg.icon viewBox="0 0 24 24" aria-hidden="true" focusable="false" { path d=(path) {} }
    }
}

/// The account's place in the header; replaced by the live stream when the balance moves.
pub(crate) fn account_chip(account: Option<&Account>) -> Markup {
    html! {
        @match account {
            Some(account) => {
                div #account data-account=(account.address) data-posted=(account.posted.wei()) {
                    a.account href="/account" {
                        span.account-name { (account.name) }
                        @if let Some(balance) = account.balance { (parts::amount(balance)) }
                    }
                }
            }
            None => div #account { a.account.account-none href="/#start" { "Not signed in" } }
        }
    }
}

impl Shell<'_> {
    /// The whole document.
    pub(crate) fn render(&self) -> Markup {
        let account = self.visitor.and_then(|visitor| visitor.account.as_ref());
        let live = self.live.as_deref().unwrap_or("frame");
        let live = format!("/live?path={}", parts::encode(live));
        html! {
            (DOCTYPE)
            html lang="en" {
                (self.head())
                body {
                    a.skip href="#main" { "Skip to content" }
                    header.top {
                        a.brand href="/" { (mark()) span { "Tributary" } }
                        nav.nav aria-label="Main" {
                            @for (section, href, name, path) in ENTRIES {
                                a href=(href) class={ "nav-" (name.to_lowercase()) }
                                    aria-current=[(section == self.section).then_some("page")] {
                                    (icon(path)) span { (name) }
                                }
                            }
                        }
                        @match self.visitor {
                            Some(_) => (account_chip(account)),
                            // An error page does not know who looks; the stream does.
                            None => div #account {},
                        }
                    }
                    main #main tabindex="-1" {
                        @if let Some(problem) =
                            self.visitor.and_then(|visitor| visitor.problem.as_deref()) {
                            p.notice.problem role="alert" { (problem) }
                        }
                        (self.body)
                    }
                    div #toasts role="status" aria-live="polite" {}
                    p #lost role="status" hidden {
                        span.spinner aria-hidden="true" {}
                        " The node does not answer. Trying again; nothing you did is lost."
                    }
                    div #stream hx-sse:connect=(live) hx-swap="none" {}
                    (footer())
                }
            }
        }
    }

    fn head(&self) -> Markup {
        html! {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=r#"{"includeIndicatorCSS":false}"#;
                title { (self.title) " · Tributary" }
                link rel="icon" href="/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href=(assets::url("console.css"));
                script src=(assets::url("htmx.js")) {}
                script type="module" src=(assets::url("js/main.js")) {}
            }
        }
    }
}

fn footer() -> Markup {
    html! {
        footer.foot {
            p { (mark()) " Data, models and answers that pay those they come from." }
            nav aria-label="More" {
                a href="/receipts" { "Receipts" }
                a href="/jobs" { "Training jobs" }
                a href="/account" { "Account and keys" }
                a href="/explore" { "Explorer" }
                a href="/docs" { "Docs" }
            }
            div.theme role="group" aria-label="Colours" {
                button type="button" data-theme-choice="light" { "Light" }
                button type="button" data-theme-choice="dark" { "Dark" }
                button type="button" data-theme-choice="system" { "System" }
            }
        }
    }
}
