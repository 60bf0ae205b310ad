//! Pages as a browser without scripts sees them.

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
    response::Response,
};
use scraper::{Html, Selector};
use tower::ServiceExt;

use crate::fixture::{ADA, ANSWER, Fixture, TOKEN};

/// A parsed page.
pub struct Page {
    html: Html,
    pub text: String,
}

impl Page {
    fn all(&self, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        let words = |element: scraper::ElementRef<'_>| {
            let text: String = element.text().collect();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        self.html.select(&selector).map(words).collect()
    }

    fn has(&self, selector: &str) -> bool {
        let selector = Selector::parse(selector).unwrap();
        self.html.select(&selector).next().is_some()
    }

    fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        let found = self.html.select(&selector).filter_map(|element| element.attr(name));
        found.map(str::to_owned).collect()
    }
}

async fn get(fixture: &Fixture, path: &str, signed_in: bool) -> Response {
    let mut request = Request::get(path);
    if signed_in {
        request = request.header(header::COOKIE, format!("a=b; tributary_session={TOKEN}"));
    }
    fixture.console.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn open_as(fixture: &Fixture, path: &str, signed_in: bool) -> Page {
    let response = get(fixture, path, signed_in).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let bytes = to_bytes(response.into_body(), 1 << 22).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Page { html: Html::parse_document(&text), text }
}

async fn open(fixture: &Fixture, path: &str) -> Page {
    open_as(fixture, path, true).await
}

fn paths(fixture: &Fixture) -> Vec<String> {
    let receipt = format!("{:#x}", fixture.receipt);
    let fixed = [
        "/",
        "/data",
        "/data/1",
        "/data/1?q=lantern&page=0",
        "/data/1/contribute",
        "/data/1/contribute?upload=upload-1",
        "/data/1/versions",
        "/data/1/earnings",
        "/contributions/1",
        "/contributions/3",
        "/contributions/4",
        "/contributions/99",
        "/models",
        "/models/1",
        "/models/2",
        "/models/new",
        "/models/new?datanet=2",
        "/jobs",
        "/jobs/1",
        "/jobs/2",
        "/play",
        "/play?model=2",
        "/receipts",
        "/earn",
        "/account",
        "/explore",
        "/explore?before=5",
        "/explore/block/3",
        "/docs",
    ];
    let mut paths: Vec<String> = fixed.map(str::to_owned).to_vec();
    paths.push(format!("/play?model=2&receipt={receipt}"));
    paths.push(format!("/play/sources/{receipt}"));
    paths.push(format!("/receipts/{receipt}"));
    paths.push(format!("/explore/tx/{:#x}", fixture.tx));
    paths.push(format!("/explore/address/{ADA}"));
    paths
}

#[tokio::test]
async fn every_page_is_well_formed_for_people_and_for_the_content_policy() {
    let fixture = Fixture::new().await;
    for path in paths(&fixture) {
        for signed_in in [true, false] {
            let page = open_as(&fixture, &path, signed_in).await;
            if path.starts_with("/play/sources/") {
                continue;
            }
            assert!(page.text.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{path}");
            assert_eq!(page.all("h1").len(), 1, "{path} has one headline");
            assert_eq!(page.all("main").len(), 1, "{path}");
            for inline in ["[style]", "[onclick]", "[onload]", "script:not([src])", "style"] {
                assert!(!page.has(inline), "{path} has an inline {inline}");
            }
            let ids = page.attributes("[id]", "id");
            let unique: std::collections::BTreeSet<_> = ids.iter().collect();
            assert_eq!(unique.len(), ids.len(), "{path} repeats an id: {ids:?}");
            assert!(page.attributes("img", "src").is_empty(), "{path} needs alternative texts");
            assert!(!page.all("body")[0].contains(" wei"), "{path} shows raw wei");
            let sums = page.attributes(".amount", "title");
            assert_eq!(sums.len(), page.all(".amount").len(), "{path}: money has all its digits");
        }
    }
}

#[tokio::test]
async fn every_link_and_form_of_every_page_leads_somewhere() {
    let fixture = Fixture::new().await;
    let mut links = std::collections::BTreeSet::new();
    for path in paths(&fixture) {
        let page = open(&fixture, &path).await;
        links.extend(page.attributes("a[href^='/']", "href"));
        for action in page.attributes("form[method=post]", "action") {
            assert!(action.starts_with("/api/v1/"), "{path}: {action}");
        }
    }
    let elsewhere = ["/api/", "/metrics"];
    for link in links.iter().filter(|link| !elsewhere.iter().any(|other| link.starts_with(other))) {
        let path = link.split('#').next().unwrap();
        let response = get(&fixture, path, true).await;
        assert_eq!(response.status(), StatusCode::OK, "{link}");
    }
}

#[tokio::test]
async fn answers_carry_the_content_policy_and_assets_an_etag() {
    let fixture = Fixture::new().await;
    let response = get(&fixture, "/", false).await;
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
    let home = open_as(&fixture, "/", false).await;
    let sheet = home.attributes("link[rel=stylesheet]", "href").remove(0);
    let response = get(&fixture, &sheet, false).await;
    let cache = response.headers()[header::CACHE_CONTROL].to_str().unwrap().to_owned();
    assert!(cache.contains("immutable"), "{cache}");
    let tag = response.headers()[header::ETAG].clone();
    let request = Request::get(&sheet).header(header::IF_NONE_MATCH, tag);
    let again =
        fixture.console.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let scripts = home.attributes("script", "src");
    for script in scripts {
        assert_eq!(get(&fixture, &script, false).await.status(), StatusCode::OK, "{script}");
    }
    let escape = get(&fixture, "/assets/x/..%2f..%2fCargo.toml", false).await;
    assert_eq!(escape.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn home_offers_a_guest_account_and_then_the_next_step() {
    let fixture = Fixture::new().await;
    let stranger = open_as(&fixture, "/", false).await;
    let forms = stranger.attributes("form[method=post]", "action");
    assert_eq!(forms, ["/api/v1/guests?next=%2Fdata%2F1%2Fcontribute"]);
    assert!(!stranger.has(".checklist"));
    let page = open(&fixture, "/").await;
    assert_eq!(page.all(".account-name"), ["Quiet Heron"]);
    assert_eq!(page.all(".account .amount"), ["97.125 OPEN"]);
    assert_eq!(page.all(".checklist li.done").len(), 4);
}

#[tokio::test]
async fn the_rows_viewer_names_owner_uses_and_earnings() {
    let fixture = Fixture::new().await;
    let page = open(&fixture, "/data/1").await;
    assert_eq!(page.all("table.rows tbody tr").len(), 20);
    let first = &page.all("table.rows tbody tr")[0];
    assert!(first.contains("Orvenna") && first.contains("Quiet Heron"), "{first}");
    assert!(first.contains("yours") && first.contains("0.003 OPEN"), "{first}");
    let none = open(&fixture, "/data/1?q=zebra").await;
    assert!(none.has(".empty"));
    let strange = open(&fixture, "/data/1?q=%3Cscript%3E").await;
    assert!(!strange.text.contains("<script>"));
}

#[tokio::test]
async fn a_contribution_shows_four_stages_with_their_transactions() {
    let fixture = Fixture::new().await;
    let page = open(&fixture, "/contributions/1").await;
    assert_eq!(
        page.all(".stepper li.done .step-title"),
        ["Submitted", "Checked", "Reviewed", "Published"]
    );
    assert_eq!(page.attributes(".stepper a.hash", "href").len(), 4);
    assert_eq!(page.attributes(".callout a", "href"), ["/models/new?datanet=1"]);
    let running = open(&fixture, "/contributions/3").await;
    assert_eq!(running.all(".stepper li.done").len(), 2);
    assert!(running.all(".waiting")[0].contains("reading the rows"));
    let refused = open(&fixture, "/contributions/4").await;
    assert!(refused.all(".callout.bad")[0].contains("scored it"));
}

#[tokio::test]
async fn a_checked_upload_shows_every_row_to_its_owner_only() {
    let fixture = Fixture::new().await;
    let page = open(&fixture, "/data/1/contribute?upload=upload-1").await;
    assert_eq!(page.all("table.checks tbody tr").len(), 20);
    let faults = page.all("table.checks .bad");
    assert!(faults[0].contains("the answer is empty"), "{faults:?}");
    let stranger = open_as(&fixture, "/data/1/contribute?upload=upload-1", false).await;
    assert!(!stranger.has("table.checks"));
}

#[tokio::test]
async fn the_factory_asks_two_things_and_names_price_and_time() {
    let fixture = Fixture::new().await;
    let page = open(&fixture, "/models/new?datanet=1").await;
    let presets = page.attributes("input[name=preset]", "value");
    assert_eq!(presets, ["quick", "balanced", "best"]);
    let prices = page.all(".preset-price");
    assert_eq!(prices, ["0.4 OPEN", "1.2 OPEN", "3.6 OPEN"]);
    let button = page.all("form.factory button[type=submit]");
    assert_eq!(button, ["Start (0.4 OPEN, about 40 s)"]);
}

#[tokio::test]
async fn a_job_draws_its_curve_and_leads_to_the_playground() {
    let fixture = Fixture::new().await;
    let running = open(&fixture, "/jobs/2").await;
    assert!(running.has("path.curve") && running.has("path.curve-held"));
    assert!(
        running.all(".waiting")[0].contains("about 16 s left"),
        "{:?}",
        running.all(".waiting")
    );
    assert_eq!(running.attributes("form.quiet", "data-next"), ["/jobs/2"]);
    let stranger = open_as(&fixture, "/jobs/2", false).await;
    assert!(!stranger.has("form.quiet"), "only its owner cancels a job");
    let done = open(&fixture, "/jobs/1").await;
    assert_eq!(done.attributes(".callout a.primary", "href"), ["/play?model=2"]);
}

#[tokio::test]
async fn the_playground_starts_with_a_question_about_the_visitors_own_rows() {
    let fixture = Fixture::new().await;
    let page = open(&fixture, "/play?model=2").await;
    assert_eq!(page.all("textarea"), ["Who keeps the lantern in Orvenna on night 1?"]);
    assert_eq!(page.attributes("#ask", "data-model"), ["quiet-heron/lantern-keepers"]);
}

#[tokio::test]
async fn sources_are_lit_ranked_by_pay_and_marked_as_yours() {
    let fixture = Fixture::new().await;
    let path = format!("/play/sources/{:#x}", fixture.receipt);
    let page = open(&fixture, &path).await;
    let answer: String = page.all("[data-answer]").join("");
    assert_eq!(answer.replace(['1', '2', '3'], ""), ANSWER);
    assert!(page.text.contains("&lt;b&gt;nine&lt;/b&gt;"));
    assert_eq!(page.all("mark.lit").len(), 3);
    let pays: Vec<u128> = page
        .attributes(".source-pay", "data-amount")
        .iter()
        .map(|wei| wei.parse().unwrap())
        .collect();
    assert_eq!(pays, [1_000_000_000_000_123, 333_333_333_333_333, 111_111_111_111_111]);
    assert!(page.all(".source")[0].contains("yours"));
    let stranger = open_as(&fixture, &path, false).await;
    assert!(!stranger.text.contains("Maressa Quill, who trims <b>"));
    assert!(!stranger.has("[data-answer]"), "the words are the payer's alone");
    assert!(!stranger.has(".badge.yours"));
}

#[tokio::test]
async fn a_receipts_shares_add_up_to_its_fee_to_the_wei() {
    let fixture = Fixture::new().await;
    let page = open(&fixture, &format!("/receipts/{:#x}", fixture.receipt)).await;
    let parts = page.attributes("#shares tbody tr", "data-amount");
    let total: u128 = parts.iter().map(|wei| wei.parse::<u128>().unwrap()).sum();
    let footer = page.attributes("#shares tfoot .amount", "title");
    assert_eq!(footer, [format!("{total} wei")]);
    assert!(page.has("#posted") && page.has("a[data-verify]") && page.has("#prompt-hash"));
    let states = page.all("#shares tbody .badge");
    assert!(states.contains(&"paid".to_owned()) && states.contains(&"earned".to_owned()));
}

#[tokio::test]
async fn earn_keeps_pending_earned_and_paid_apart() {
    let fixture = Fixture::new().await;
    let page = open(&fixture, "/earn").await;
    let states: Vec<u128> =
        page.attributes(".state dd", "data-wei").iter().map(|wei| wei.parse().unwrap()).collect();
    let one = 1_000_000_000_000_000 + 1_000_000_000_000_123 + 333_333_333_333_333;
    assert_eq!(states, [one, 2 * one - 2_000_000_000_000_000, 2_000_000_000_000_000]);
    assert!(page.all(".withdraw button")[0].starts_with("Withdraw 0.00266"));
    assert_eq!(page.all(".thirds h3"), ["By datanet", "By row", "By model"]);
    assert!(page.all("ul.bars li").len() >= 4);
}

#[tokio::test]
async fn an_account_shows_its_keys_and_gives_its_own_key_out_once() {
    let fixture = Fixture::new().await;
    let page = open(&fixture, "/account").await;
    assert_eq!(page.all("h1"), ["Quiet Heron"]);
    assert!(page.all("#export")[0].contains("one single time"));
    let forms = page.attributes("form[method=post]", "action");
    assert!(forms.contains(&"/api/v1/session/export".to_owned()), "{forms:?}");
    assert!(fixture.index.export_guest(ADA).await.unwrap());
    let after = open(&fixture, "/account").await;
    assert!(!after.has("form[action='/api/v1/session/export']"));
    assert!(after.all("#export")[0].contains("cannot be shown again"));
    let stranger = open_as(&fixture, "/account", false).await;
    assert!(!stranger.has("#export") && stranger.has("form[action^='/api/v1/guests']"));
}

#[tokio::test]
async fn the_explorer_names_module_calls_with_their_arguments() {
    let fixture = Fixture::new().await;
    let page = open(&fixture, &format!("/explore/tx/{:#x}", fixture.tx)).await;
    assert_eq!(page.all("h1"), ["datanets.contribute"]);
    let names = page.all("section:first-of-type dl.args dt");
    assert!(names.iter().any(|name| name.starts_with("itemCount")), "{names:?}");
    assert!(page.all(".event h3").contains(&"datanets.ContributionSubmitted".to_owned()));
    for (query, target) in [
        ("3", "/explore/block/3".to_owned()),
        ("datanets", "/explore/address/0x0000000000000000000000000000000000001003".to_owned()),
        ("tributary%2Fseed", "/models/1".to_owned()),
        (&format!("{:#x}", fixture.receipt), format!("/receipts/{:#x}", fixture.receipt)),
        (&format!("{:#x}", fixture.tx), format!("/explore/tx/{:#x}", fixture.tx)),
    ] {
        let response = get(&fixture, &format!("/explore?q={query}"), false).await;
        assert_eq!(response.headers()[header::LOCATION], target, "{query}");
    }
    let lost = open(&fixture, "/explore?q=nothing-such").await;
    assert!(lost.all(".notice")[0].contains("nothing-such"));
}

#[tokio::test]
async fn what_is_not_there_is_a_page_that_says_so() {
    let fixture = Fixture::new().await;
    for path in [
        "/nope",
        "/data/99",
        "/data/x",
        "/models/99",
        "/receipts/0x12",
        "/records/zz",
        "/explore/tx/0x00",
        "/explore/block/999999",
        "/docs/none",
        "/explore/address/1",
    ] {
        let response = get(&fixture, path, false).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains("Nothing here"), "{path}");
    }
}

#[tokio::test]
async fn a_refused_form_shows_its_problem_as_text() {
    let fixture = Fixture::new().await;
    let page = open(&fixture, "/earn?problem=Nothing+to+claim%3Cb%3E&hint=Wait").await;
    assert_eq!(page.all(".problem"), ["Nothing to claim<b> Wait"]);
}
