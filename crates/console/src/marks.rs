//! Lights up an answer: its text cut at span borders, each span a `<mark>` with a button.

use maud::{Markup, html};
use tributary_primitives::{Span, bits_to_string};

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Plain(&'a str),
    Lit { text: &'a str, span: usize },
}

/// Cuts a text at its spans; spans that overlap an earlier one or split a character are left out.
fn pieces<'a>(text: &'a str, spans: &[Span]) -> Vec<Piece<'a>> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|at| spans.get(*at).map_or(0, |span| span.byte_start));
    let mut pieces = Vec::new();
    let mut done = 0;
    for at in order {
        let Some(span) = spans.get(at) else { continue };
        let (start, end) = (span.byte_start as usize, span.byte_end as usize);
        if start < done || end <= start {
            continue;
        }
        let (Some(before), Some(lit)) = (text.get(done..start), text.get(start..end)) else {
            continue;
        };
        if !before.is_empty() {
            pieces.push(Piece::Plain(before));
        }
        pieces.push(Piece::Lit { text: lit, span: at });
        done = end;
    }
    if let Some(rest) = text.get(done..).filter(|rest| !rest.is_empty()) {
        pieces.push(Piece::Plain(rest));
    }
    pieces
}

/// One to three by share of the most informative span.
fn level(span: &Span, strongest: u64) -> u8 {
    match span.bits_q16.saturating_mul(3) / strongest.max(1) {
        0 => 1,
        1 => 2,
        _ => 3,
    }
}

/// The answer with its spans lit and numbered as in the sources panel.
pub(crate) fn lit(text: &str, spans: &[Span]) -> Markup {
    let strongest = spans.iter().map(|span| span.bits_q16).max().unwrap_or(0);
    html! {
        p.answer-text data-answer {
            @for piece in pieces(text, spans) {
                @match piece {
                    Piece::Plain(text) => (text),
                    Piece::Lit { text, span: at } => {
                        @if let Some(span) = spans.get(at) {
                            mark class={ "lit lit-" (level(span, strongest)) } data-span=(at) {
                                (text)
                                button type="button"
                                    aria-label={ "Sources of span " (at + 1) ", "
                                        (bits_to_string(span.bits_q16)) " bits" } { (at + 1) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tributary_primitives::Address;

    use super::*;

    fn span(byte_start: u32, byte_end: u32) -> Span {
        Span {
            start: 0,
            end: 0,
            byte_start,
            byte_end,
            count: 1,
            bits_q16: 65_536,
            records: Vec::new(),
            contributor: Address::ZERO,
        }
    }

    #[test]
    fn every_byte_of_the_answer_is_shown_once() {
        let text = "Tea à la menthe.";
        for spans in [
            vec![span(0, 3), span(4, 6)],
            vec![span(4, 6), span(0, 3)],
            vec![span(0, 6), span(3, 9)],
            vec![span(5, 8)],
            vec![span(0, 900)],
            vec![],
        ] {
            let shown: String = pieces(text, &spans)
                .iter()
                .map(|piece| match piece {
                    Piece::Plain(text) | Piece::Lit { text, .. } => *text,
                })
                .collect();
            assert_eq!(shown, text, "{spans:?}");
        }
    }

    #[test]
    fn text_from_models_cannot_become_markup() {
        let page = lit("<b>bold</b> & more", &[span(0, 11)]).into_string();
        assert!(page.contains("&lt;b&gt;bold&lt;/b&gt;"), "{page}");
        assert!(!page.contains("<b>"));
    }
}
