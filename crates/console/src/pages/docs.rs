//! The repository's documents, embedded and shown as pages.

use axum::extract::{Path, State};
use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Event, Options, Parser};
use rust_embed::RustEmbed;

use crate::{
    error::PageError,
    layout::{Section, Shell},
    router::Console,
    visitor::Visitor,
};

#[derive(RustEmbed)]
#[folder = "../../docs/"]
struct Documents;

/// Name and title of every document, guides first.
fn documents() -> Vec<(String, String)> {
    let mut list: Vec<(String, String)> = Documents::iter()
        .filter(|name| name.ends_with(".md"))
        .map(|name| {
            let text = text_of(&name).unwrap_or_default();
            let title = text.lines().find_map(|line| line.strip_prefix("# "));
            let title = title.unwrap_or(&name).trim().replace('`', "");
            (name.trim_end_matches(".md").to_owned(), title)
        })
        .collect();
    list.sort_by_key(|(name, _)| (name.starts_with("specs/"), name.clone()));
    list
}

fn text_of(name: &str) -> Option<String> {
    let file = Documents::get(name)?;
    String::from_utf8(file.data.into_owned()).ok()
}

/// Markdown without raw HTML; links to other documents lose their ending.
fn render(text: &str) -> Markup {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        other => other,
    });
    let mut page = String::new();
    pulldown_cmark::html::push_html(&mut page, events);
    let page = page.replace(".md\"", "\"").replace(" style=\"", " data-style=\"");
    // What scrolls sideways can be reached by keyboard.
    PreEscaped(
        page.replace("<pre>", "<pre tabindex=\"0\">").replace("<table>", "<table tabindex=\"0\">"),
    )
}

/// `/docs`
pub(crate) async fn index(State(_): State<Console>, visitor: Visitor) -> Markup {
    let list = documents();
    let body = html! {
        header.page-head { h1 { "Docs" } p.lead { "What the parts promise, and how to use them." } }
        @if list.is_empty() { p.muted { "No document is built in." } }
        ul.doc-list { @for (name, title) in &list { li { a href={ "/docs/" (name) } { (title) } } } }
        section { h2 { "For programs" }
            dl.facts {
                dt { "JSON-RPC" } dd { code { "POST /" } " and WebSocket on the same address" }
                dt { "OpenAI clients" } dd { "base URL " code { "/v1" } }
                dt { "REST" } dd { code { "/api/v1" } ": " a href="/docs/api" { "calls and forms" } ", " a href="/api/v1/openapi.json" { "OpenAPI" } }
                dt { "Metrics" } dd { a href="/metrics" { "/metrics" } }
            }
        }
    };
    let shell =
        Shell { title: "Docs", section: Section::Docs, visitor: Some(&visitor), live: None, body };
    shell.render()
}

/// The page of one error: the rows of the catalogues that name it.
fn about_error(code: &str) -> Option<String> {
    let cell = format!("`{code}`");
    for name in ["errors.md", "errors-of-modules.md"] {
        let text = text_of(name)?;
        let is_row = |line: &&str| {
            let first = line.strip_prefix("| ").and_then(|row| row.split('|').next());
            first.is_some_and(|first| first.split(',').any(|word| word.trim() == cell))
        };
        let Some(row) = text.lines().find(is_row) else { continue };
        let heading = text.lines().find(|line| line.starts_with("| code"))?;
        let rule = "|---".repeat(heading.matches('|').count() - 1);
        return Some(format!(
            "# {code}\n\n{heading}\n{rule}|\n{row}\n\n[All errors](/docs/errors)\n"
        ));
    }
    None
}

/// `/docs/{path}`
pub(crate) async fn page(
    State(_): State<Console>,
    visitor: Visitor,
    Path(path): Path<String>,
) -> Result<Markup, PageError> {
    let text = match path.strip_prefix("errors/") {
        Some(code) => about_error(code).ok_or_else(|| PageError::missing("error", code))?,
        None => {
            let name = format!("{}.md", path.trim_end_matches(".md"));
            text_of(&name).ok_or_else(|| PageError::missing("document", &path))?
        }
    };
    let body = html! {
        p.crumb { a href="/docs" { "Docs" } " / " (path) }
        article.prose { (render(&text)) }
    };
    let shell =
        Shell { title: "Docs", section: Section::Docs, visitor: Some(&visitor), live: None, body };
    Ok(shell.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_catalogues_has_a_page() {
        for name in ["errors.md", "errors-of-modules.md"] {
            let text = text_of(name).expect(name);
            let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
            for code in rows.filter_map(|row| row.split('`').next()) {
                let page = about_error(code).unwrap_or_else(|| panic!("`{code}` has no page"));
                assert!(render(&page).into_string().contains("<table "), "{code}");
            }
        }
        assert_eq!(about_error("nothing_like_it"), None);
    }

    #[test]
    fn raw_html_in_a_document_is_shown_not_run() {
        let page = render("# A\n\n<script>x</script>\n\n[b](b.md)").into_string();
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"));
        assert!(page.contains("href=\"b\""));
    }
}
