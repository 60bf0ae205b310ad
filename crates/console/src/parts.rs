//! Small typed pieces that every page shares: money, addresses, times, badges, lists.

use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256};
use maud::{Markup, html};
use serde_json::Value;
/// For a query value.
pub(crate) use tributary_client::percent_encode as encode;
use tributary_contracts::{MODULES, module_name};
use tributary_indexer::{Decoded, Index};
use tributary_primitives::{Amount, Digest, Party, PayState, Role};

/// Money: a few digits to read, all of them on hover.
pub(crate) fn amount(amount: Amount) -> Markup {
    html! {
        span.amount title={ (amount.to_open()) " OPEN" } {
            (group(&amount.to_open_short())) " " span.unit { "OPEN" }
        }
    }
}

/// Money with all its digits in the text: receipts are added up by hand.
pub(crate) fn amount_exact(amount: Amount) -> Markup {
    html! {
        span.amount title={ (amount.wei()) " wei" } {
            (group(&amount.to_open())) " " span.unit { "OPEN" }
        }
    }
}

/// The price of a unit of gas in billionths of OPEN, as wallets write it.
pub(crate) fn gas_price(price: Amount) -> Markup {
    let scaled = price.checked_mul(1_000_000_000).unwrap_or(price);
    html! {
        span.amount title={ (price.to_open()) " OPEN" } {
            (scaled.to_open_short()) " " span.unit { "gwei" }
        }
    }
}

/// Thousands apart in the whole part.
fn group(number: &str) -> String {
    let (whole, rest) = number.split_once('.').map_or((number, None), |(w, r)| (w, Some(r)));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    match rest {
        Some(rest) => format!("{grouped}.{rest}"),
        None => grouped,
    }
}

/// A whole number with thousands apart.
pub(crate) fn count(number: u64) -> String {
    group(&number.to_string())
}

/// `one row`, `2 rows`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(number)) }
}

/// First and last digits.
pub(crate) fn short_address(address: Address) -> String {
    let full = address.to_checksum(None);
    format!("{}…{}", full.get(..6).unwrap_or(&full), full.get(38..).unwrap_or_default())
}

/// First digits of a hash.
pub(crate) fn short_hash(hash: &B256) -> String {
    let full = format!("{hash:#x}");
    format!("{}…{}", full.get(..8).unwrap_or(&full), full.get(62..).unwrap_or_default())
}

/// A friendly name: module, guest, actor of the network, or the short address.
pub(crate) fn name_of(index: &Index, address: Address) -> String {
    if let Some(module) = module_name(&address) {
        return module.to_owned();
    }
    // A name is a nicety; without it the address stands.
    let name = index.account_name(address).ok().flatten();
    name.unwrap_or_else(|| short_address(address))
}

/// Link to an account or module.
pub(crate) fn address(index: &Index, address: Address) -> Markup {
    let full = address.to_checksum(None);
    html! {
        a.address href={ "/explore/address/" (full) } title=(full) { (name_of(index, address)) }
    }
}

/// Link to a transaction.
pub(crate) fn tx_link(hash: B256) -> Markup {
    if hash.is_zero() {
        return html! { span.muted { "genesis" } };
    }
    let full = format!("{hash:#x}");
    html! { a.hash href={ "/explore/tx/" (full) } title=(full) { (short_hash(&hash)) } }
}

/// Link to a block.
pub(crate) fn block_link(number: u64) -> Markup {
    html! { a.number href={ "/explore/block/" (number) } { (count(number)) } }
}

/// Link to a receipt.
pub(crate) fn receipt_link(id: B256) -> Markup {
    html! {
        a.hash href={ "/receipts/" (format!("{id:#x}")) } title=(format!("{id:#x}")) {
            (short_hash(&id))
        }
    }
}

/// A digest, shortened, whole on hover.
pub(crate) fn digest(digest: &Digest) -> Markup {
    if digest.is_zero() {
        return html! { span.muted { "none" } };
    }
    html! { code.hash title=(digest) { (digest.short()) "…" } }
}

/// A word, shortened, whole on hover.
pub(crate) fn word(word: &B256) -> Markup {
    html! { code.hash title=(format!("{word:#x}")) { (short_hash(word)) } }
}

/// Milliseconds since 1970, now.
pub(crate) fn now_ms() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// Seconds since 1970, now.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// How long ago, kept fresh by a script; the exact time on hover.
pub(crate) fn ago(seconds: u64) -> Markup {
    let iso = iso_time(seconds);
    let past = now().saturating_sub(seconds);
    html! { time datetime=(iso) title=(iso) { (span_text(past)) " ago" } }
}

/// How long ago, from milliseconds.
pub(crate) fn ago_ms(ms: i64) -> Markup {
    ago(u64::try_from(ms).unwrap_or(0) / 1000)
}

/// `12 s`, `5 min`, `3 h`, `9 d`.
pub(crate) fn span_text(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// UTC in ISO 8601; civil date from days after 1970.
fn iso_time(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A moment, past or to come.
pub(crate) fn moment(seconds: u64) -> Markup {
    let iso = iso_time(seconds);
    html! { span.moment title={ (seconds) " s since 1970" } { (iso.replace('T', " ").replace('Z', " UTC")) } }
}

/// Where money is, in a word and a colour.
pub(crate) fn pay_state(state: PayState) -> Markup {
    let (class, word, meaning) = match state {
        PayState::Pending => ("pending", "pending", "in a signed receipt"),
        PayState::Earned => ("earned", "earned", "in a posted root; can be withdrawn"),
        PayState::Paid => ("paid", "paid", "withdrawn"),
    };
    html! { span class={ "badge state-" (class) } title=(meaning) { (word) } }
}

/// Who a party is.
pub(crate) fn party(index: &Index, role: Role, party: &Party) -> Markup {
    match role {
        Role::Provider | Role::Lineage | Role::Data => match party.as_account() {
            Some(account) => address(index, account),
            None => word(&party.0),
        },
        Role::Backers | Role::Commons => match party.as_datanet() {
            Some(id) => html! { a href={ "/data/" (id) } { "datanet " (id) } },
            None => word(&party.0),
        },
        Role::ProtocolCompute | Role::ProtocolLicence => html! { "protocol" },
    }
}

/// One named figure.
pub(crate) fn figure(label: &str, value: Markup) -> Markup {
    html! { div.figure { dt { (label) } dd { (value) } } }
}

/// What an empty place teaches: one sentence, one act, one command.
pub(crate) fn empty(sentence: &str, act: Option<(&str, &str)>, command: &str) -> Markup {
    html! {
        div.empty {
            p { (sentence) }
            @if let Some((href, label)) = act { a.button href=(href) { (label) } }
            @if !command.is_empty() { p.muted { "or " code { "tributary " (command) } } }
        }
    }
}

/// The same question from a program.
pub(crate) fn code_example(base: &str, model: &str) -> Markup {
    html! {
        details.drawer { summary { "Use it in code" }
            pre { code {
                "from openai import OpenAI\n\n"
                "client = OpenAI(base_url=\"" (base) "\", api_key=\"trib_sk_...\")\n"
                "answer = client.chat.completions.create(\n"
                "    model=\"" (model) "\",\n"
                "    messages=[{\"role\": \"user\", \"content\": \"...\"}],\n"
                ")\n"
                "print(answer.choices[0].message.content, answer.usage.cost)"
            } }
            p.muted.small { a href="/account#keys" { "Make a key" } " for it; any OpenAI client works." }
        }
    }
}

/// Text of a record's body, for lists.
pub(crate) fn record_text(body: &Value) -> Vec<(&'static str, String)> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(text) = text("text") {
        return vec![("text", text)];
    }
    if let Some(messages) = body.get("messages").and_then(Value::as_array) {
        let turn = |message: &Value| {
            let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
            let label = match role {
                "assistant" => "answer",
                "system" => "system",
                _ => "question",
            };
            let content = message.get("content").and_then(Value::as_str).unwrap_or_default();
            (label, content.to_owned())
        };
        return messages.iter().map(turn).collect();
    }
    let pair = [("question", text("prompt")), ("answer", text("completion"))];
    pair.into_iter().filter_map(|(label, text)| Some((label, text?))).collect()
}

/// A record's texts, labelled where it has two.
pub(crate) fn record(body: &Value) -> Markup {
    let texts = record_text(body);
    html! {
        @for (label, text) in &texts {
            p.record-line { @if texts.len() > 1 { span.record-label { (label) } " " } (text) }
        }
    }
}

/// What a transaction did, in a few words.
pub(crate) fn call_words(call: Option<&Decoded>, to: Option<Address>) -> Markup {
    match (call, to) {
        (Some(call), _) => html! {
            span.call { span.call-module { (call.module) } "." span.call-name { (call.name) } }
        },
        (None, None) => html! { span.call { "deploys a contract" } },
        (None, Some(to)) if MODULES.iter().any(|(_, module)| *module == to) => {
            html! { span.call { "unknown call" } }
        }
        (None, Some(_)) => html! { span.call { "transfer or contract call" } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_read_like_people_write_them() {
        assert_eq!(iso_time(0), "1970-01-01T00:00:00Z");
        assert_eq!(iso_time(1_709_210_096), "2024-02-29T12:34:56Z");
        assert_eq!(iso_time(1_795_175_999), "2026-11-20T11:59:59Z");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(plural(1, "row"), "1 row");
        assert_eq!(span_text(3_700), "1 h");
        assert_eq!(encode("/play?x=1 2"), "%2Fplay%3Fx%3D1%202");
    }
}
