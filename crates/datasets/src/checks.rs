//! Automatic checks, row by row, and the rule by which a curator scores a contribution.
//!
//! A check looks at one row and at what was seen before; it reads no model and asks nobody. The
//! same rows give the same report everywhere.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use tributary_primitives::Digest;

use crate::{
    Record, Row,
    pattern::{has_card, has_email, has_phone, has_secret},
};

/// Fewest characters (without whitespace) of a whole row.
const ROW_CHARS: usize = 8;
/// A learned text below this many words is seldom quoted.
const QUOTABLE_WORDS: usize = 4;
/// Words from which repetition is judged.
const REPETITION_WORDS: usize = 8;

/// What a check saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Nothing to learn.
    Empty,
    /// Too little to be useful.
    TooShort,
    /// Says what an earlier row of this upload says.
    DuplicateInUpload,
    /// Says what an accepted record says.
    DuplicateOfExisting,
    /// Control characters, replacement characters or no characters at all.
    Unprintable,
    /// The same word or letter over and over.
    Repetitive,
    /// Hardly a letter in it.
    NotLanguage,
    /// A private key or API key.
    Secret,
    /// Looks like an e-mail address.
    Email,
    /// Looks like a telephone number.
    Phone,
    /// Looks like a payment card.
    Card,
    /// Invisible characters that change how the text reads.
    Hidden,
    /// So short that answers will seldom quote it.
    SeldomQuoted,
}

/// What follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The contributor should look.
    Warn,
    /// The row should not be contributed.
    Reject,
}

/// One thing seen in one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// What follows.
    pub severity: Severity,
    /// For people, with what to do.
    pub detail: String,
}

/// All that was seen in one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowVerdict {
    /// Line of the file.
    pub line: u64,
    /// The record.
    pub record_id: Digest,
    /// A few words of it.
    pub preview: String,
    /// Worst first.
    pub findings: Vec<Finding>,
}

impl RowVerdict {
    /// True when nothing speaks against contributing it.
    pub fn is_accepted(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity == Severity::Warn)
    }
}

/// The verdicts on an upload, in the order of its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// One per row.
    pub rows: Vec<RowVerdict>,
    /// Rows that may be contributed.
    pub accepted: usize,
    /// Rows that should not be.
    pub rejected: usize,
    /// Accepted rows with a warning.
    pub warned: usize,
}

/// A curator's opinion of a contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// 0 to 100; a datanet accepts from its `acceptScore` on (60 by default).
    pub score: u8,
    /// Why it is not 100.
    pub reasons: Vec<String>,
}

/// Checks every row. `is_existing` tells whether a content digest
/// ([`Record::content_digest`]) stands in the datanet already.
pub fn check(rows: &[Row], is_existing: &dyn Fn(&Digest) -> bool) -> CheckReport {
    let mut first_line: HashMap<Digest, u64> = HashMap::with_capacity(rows.len());
    let mut report = CheckReport::default();
    for row in rows {
        let mut findings = Vec::new();
        let content = row.record.content_digest();
        if let Some(line) = first_line.get(&content) {
            let detail = format!("the same as row {line}; keep one of them");
            findings.push(reject(FindingKind::DuplicateInUpload, &detail));
        } else {
            first_line.insert(content, row.line);
            if is_existing(&content) {
                let detail = "this datanet has it already; only its first contributor is paid";
                findings.push(reject(FindingKind::DuplicateOfExisting, detail));
            }
        }
        look_at(&row.record, &mut findings);
        findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.kind.cmp(&b.kind)));
        let verdict = RowVerdict {
            line: row.line,
            record_id: row.record.id(),
            preview: row.record.preview(80),
            findings,
        };
        match (verdict.is_accepted(), verdict.findings.is_empty()) {
            (true, clean) => {
                report.accepted += 1;
                report.warned += usize::from(!clean);
            }
            (false, _) => report.rejected += 1,
        }
        report.rows.push(verdict);
    }
    report
}

/// The curator's content rule: a hundred, less five for every started percent of rows that
/// should not be there, less a fifth of the percentage of rows with a warning about persons; no
/// rows or a secret give nothing. More than 8 % of bad rows fall below 60.
pub fn review(report: &CheckReport) -> Review {
    let total = report.rows.len();
    if total == 0 {
        return Review { score: 0, reasons: vec!["there are no rows".into()] };
    }
    let with = |wanted: &dyn Fn(&Finding) -> bool| {
        report.rows.iter().filter(|row| row.findings.iter().any(wanted)).count()
    };
    let secrets = with(&|finding| finding.kind == FindingKind::Secret);
    let personal = with(&|finding| {
        matches!(finding.kind, FindingKind::Email | FindingKind::Phone | FindingKind::Card)
    });
    let mut by_kind: BTreeMap<FindingKind, (usize, u64, &str)> = BTreeMap::new();
    for row in &report.rows {
        for finding in row.findings.iter().filter(|f| f.severity == Severity::Reject) {
            by_kind.entry(finding.kind).or_insert((0, row.line, &finding.detail)).0 += 1;
        }
    }
    let mut reasons: Vec<String> = by_kind
        .values()
        .map(|(count, line, detail)| format!("{count} of {total} rows, first row {line}: {detail}"))
        .collect();
    if personal > 0 {
        reasons.push(format!("{personal} of {total} rows look as if they named persons"));
    }
    if secrets > 0 {
        return Review { score: 0, reasons };
    }
    let bad_percent = (report.rejected * 100).div_ceil(total);
    let personal_percent = (personal * 100).div_ceil(total);
    let lost = bad_percent * 5 + personal_percent / 5;
    let score = u8::try_from(100usize.saturating_sub(lost)).unwrap_or(0);
    Review { score, reasons }
}

fn reject(kind: FindingKind, detail: &str) -> Finding {
    Finding { kind, severity: Severity::Reject, detail: detail.to_owned() }
}

fn warn(kind: FindingKind, detail: &str) -> Finding {
    Finding { kind, severity: Severity::Warn, detail: detail.to_owned() }
}

fn look_at(record: &Record, findings: &mut Vec<Finding>) {
    let view = record.training_view();
    let whole = view.iter().map(|turn| turn.text).collect::<Vec<_>>().join("\n");
    let learned = record.indexed_texts().join("\n");
    if learned.trim().is_empty() {
        findings.push(reject(FindingKind::Empty, "there is no text to learn"));
        return;
    }
    if whole.chars().filter(|c| !c.is_whitespace()).count() < ROW_CHARS {
        findings.push(reject(FindingKind::TooShort, "fewer than 8 characters in the whole row"));
    } else if learned.split_whitespace().count() < QUOTABLE_WORDS && learned.is_ascii() {
        let detail = "answers will seldom quote fewer than 4 words; write a full sentence";
        findings.push(warn(FindingKind::SeldomQuoted, detail));
    }
    look_at_characters(&whole, findings);
    if is_repetitive(&learned) {
        let detail = "the same word or letter makes up more than half of it";
        findings.push(reject(FindingKind::Repetitive, detail));
    }
    if has_secret(&whole) {
        let detail = "looks like a private key or API key; take it out and replace that key";
        findings.push(reject(FindingKind::Secret, detail));
    }
    if has_email(&whole) {
        findings.push(warn(FindingKind::Email, "looks like an e-mail address; may it be public?"));
    }
    if has_phone(&whole) {
        let detail = "looks like a telephone number; may it be public?";
        findings.push(warn(FindingKind::Phone, detail));
    }
    if has_card(&whole) {
        findings.push(warn(FindingKind::Card, "looks like a payment card; take it out"));
    }
}

fn look_at_characters(text: &str, findings: &mut Vec<Finding>) {
    let (mut total, mut letters, mut unprintable, mut hidden) = (0usize, 0usize, 0usize, 0usize);
    let mut has_nul = false;
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        total += 1;
        letters += usize::from(c.is_alphanumeric());
        has_nul |= c == '\0';
        let code = u32::from(c);
        let noncharacter = (code & 0xfffe) == 0xfffe || (0xfdd0..=0xfdef).contains(&code);
        unprintable += usize::from(c.is_control() || c == '\u{fffd}' || noncharacter);
        hidden += usize::from(
            matches!(code, 0x202a..=0x202e | 0x2066..=0x2069 | 0x200b | 0xe0000..=0xe007f),
        );
    }
    if has_nul || unprintable * 50 > total {
        let detail = format!("{unprintable} unprintable characters; was it saved as UTF-8 text?");
        findings.push(reject(FindingKind::Unprintable, &detail));
    } else if unprintable > 0 {
        let detail = format!("{unprintable} unprintable characters");
        findings.push(warn(FindingKind::Unprintable, &detail));
    }
    if hidden > 0 {
        let detail = "invisible characters that change how it reads; take them out";
        findings.push(warn(FindingKind::Hidden, detail));
    }
    if total >= ROW_CHARS && letters * 5 < total {
        let detail = "fewer than one letter or digit in five characters";
        findings.push(reject(FindingKind::NotLanguage, detail));
    }
}

fn is_repetitive(text: &str) -> bool {
    let mut words: HashMap<&str, usize> = HashMap::new();
    let mut total = 0;
    for word in text.split_whitespace() {
        *words.entry(word).or_default() += 1;
        total += 1;
    }
    let most = words.values().max().copied().unwrap_or(0);
    if total >= REPETITION_WORDS && most * 2 > total {
        return true;
    }
    let mut run = 0;
    let mut previous = '\0';
    let mut longest = 0;
    let mut chars = 0;
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        run = if c == previous { run + 1 } else { 1 };
        previous = c;
        longest = longest.max(run);
        chars += 1;
    }
    chars >= ROW_CHARS && longest * 2 > chars
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(texts: &[&str]) -> Vec<Row> {
        let record = |text: &&str| {
            let json = serde_json::json!({"text": text}).to_string();
            Record::from_json(json.as_bytes()).unwrap()
        };
        texts.iter().zip(1..).map(|(text, line)| Row { line, record: record(text) }).collect()
    }

    fn kinds(text: &str) -> Vec<FindingKind> {
        let report = check(&rows(&[text]), &|_| false);
        report.rows[0].findings.iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn an_ordinary_row_passes_without_a_word() {
        assert_eq!(kinds("The lighthouse of Marrow Bay was lit in 1874 by Ada Thorne."), []);
        assert_eq!(kinds("北京是中华人民共和国的首都。"), []);
        assert_eq!(kinds("The list:\n\t- one two\n\t- three four"), []);
    }

    #[test]
    fn bad_rows_are_named() {
        assert_eq!(kinds("   "), [FindingKind::Empty]);
        assert_eq!(kinds("hi"), [FindingKind::TooShort]);
        assert_eq!(kinds("buy buy buy buy buy buy buy buy now"), [FindingKind::Repetitive]);
        assert_eq!(kinds("aaaaaaaaaaaa aaaa bb cc"), [FindingKind::Repetitive]);
        assert_eq!(kinds("a \0 nul in an otherwise good row"), [FindingKind::Unprintable]);
        assert_eq!(kinds("#### ---- **** //// #### a b c d"), [FindingKind::NotLanguage]);
        let key = format!("my key is 0x{}", "1f".repeat(32));
        assert_eq!(kinds(&key), [FindingKind::Secret]);
    }

    #[test]
    fn persons_are_warned_about_but_not_refused() {
        let report =
            check(&rows(&["Write to ann@example.org about the old lighthouse."]), &|_| false);
        assert_eq!((report.accepted, report.warned, report.rejected), (1, 1, 0));
        assert_eq!(kinds("oh, no!"), [FindingKind::TooShort]);
        assert_eq!(kinds("Marrow Bay"), [FindingKind::SeldomQuoted]);
    }

    #[test]
    fn a_row_said_twice_or_said_before_is_refused_once() {
        let first = "The lighthouse of Marrow Bay was lit in 1874.";
        let all = rows(&[first, "Another good row that stands alone.", first]);
        let known = all[1].record.content_digest();
        let report = check(&all, &|content| *content == known);
        assert_eq!(report.rows[0].findings, []);
        assert_eq!(report.rows[1].findings[0].kind, FindingKind::DuplicateOfExisting);
        assert_eq!(report.rows[2].findings[0].kind, FindingKind::DuplicateInUpload);
        assert!(report.rows[2].findings[0].detail.contains("row 1"));
        assert_eq!((report.accepted, report.rejected), (1, 2));
    }

    #[test]
    fn a_curator_accepts_good_rows_and_rejects_too_many_bad_ones() {
        let good: Vec<String> =
            (0..20).map(|n| format!("Fact number {n} about the harbour of Marrow Bay.")).collect();
        let mut texts: Vec<&str> = good.iter().map(String::as_str).collect();
        assert_eq!(review(&check(&rows(&texts), &|_| false)).score, 100);
        texts[0] = "x";
        assert_eq!(review(&check(&rows(&texts), &|_| false)).score, 75);
        texts[1] = "";
        let opinion = review(&check(&rows(&texts), &|_| false));
        assert!(opinion.score < 60, "{opinion:?}");
        assert_eq!(opinion.reasons.len(), 2);
        let secret = format!("the key 0x{} opens it", "1f".repeat(32));
        texts[0] = good[0].as_str();
        texts[1] = &secret;
        assert_eq!(review(&check(&rows(&texts), &|_| false)).score, 0);
        assert_eq!(review(&CheckReport::default()).score, 0);
    }
}
