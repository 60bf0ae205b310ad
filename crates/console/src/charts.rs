//! Charts as SVG with classes only, each with a title, a description and its numbers beside it.

use maud::{Markup, html};
use tributary_indexer::{Flow, ProgressPoint};
use tributary_primitives::Amount;

use crate::parts;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 30.0;

/// Maps steps and losses onto the picture.
struct Scale {
    steps: f64,
    low: f64,
    high: f64,
}

impl Scale {
    fn x(&self, step: u32) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * f64::from(step) / self.steps.max(1.0)
    }

    fn y(&self, loss: f64) -> f64 {
        let part = (loss - self.low) / (self.high - self.low).max(1e-9);
        TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - part.clamp(0.0, 1.0))
    }

    fn path(&self, points: impl Iterator<Item = (u32, f64)>) -> String {
        let mut path = String::new();
        for (step, loss) in points.filter(|(_, loss)| loss.is_finite()) {
            let verb = if path.is_empty() { 'M' } else { 'L' };
            path.push_str(&format!("{verb}{:.1} {:.1}", self.x(step), self.y(loss)));
        }
        path
    }
}

/// A training curve over all planned steps, so that the part still to come is seen.
pub(crate) fn loss_curve(points: &[ProgressPoint], steps: u32) -> Markup {
    let finite = |value: &f64| value.is_finite();
    let losses =
        points.iter().map(|point| point.loss).chain(points.iter().filter_map(|p| p.val_loss));
    let losses: Vec<f64> = losses.filter(finite).collect();
    // From zero: what is still to be learned is seen, and the picture does not jump.
    let low = 0.0;
    let high = losses.iter().copied().fold(0.1, f64::max) * 1.05;
    let last_step = points.last().map_or(0, |point| point.step);
    let scale = Scale { steps: f64::from(steps.max(last_step)), low, high };
    let train = scale.path(points.iter().map(|point| (point.step, point.loss)));
    let held_out = scale.path(points.iter().filter_map(|p| Some((p.step, p.val_loss?))));
    let summary = match (points.first(), points.last()) {
        (Some(first), Some(last)) => format!(
            "Loss {:.3} at step {}, {:.3} at step {}.",
            first.loss, first.step, last.loss, last.step
        ),
        _ => "No step yet.".to_owned(),
    };
    let ticks: Vec<f64> = (0..4).map(|at| low + (high - low) * f64::from(at) / 3.0).collect();
    html! {
        figure.chart {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby="curve-title curve-text" {
                title #curve-title { "Loss by step" }
                desc #curve-text { (summary) }
                @for tick in &ticks {
                    line.grid x1=(LEFT) x2=(WIDTH - RIGHT)
                        y1=(scale.y(*tick)) y2=(scale.y(*tick)) {}
                    text.tick x=(LEFT - 8.0) y=(scale.y(*tick) + 4.0) text-anchor="end" { (format!("{tick:.2}")) }
                }
                text.tick x=(LEFT) y=(HEIGHT - 8.0) { "step 0" }
                text.tick x=(WIDTH - RIGHT) y=(HEIGHT - 8.0) text-anchor="end" { (scale.steps) }
                path.curve d=(train) {}
                @if !held_out.is_empty() { path.curve-held d=(held_out) {} }
                @if let Some(last) = points.last().filter(|point| point.loss.is_finite()) {
                    circle.curve-head cx=(scale.x(last.step)) cy=(scale.y(last.loss)) r="4.5" {}
                }
            }
            figcaption {
                span.key.key-train { "training loss" }
                @if !held_out.is_empty() { span.key.key-held { "held-out loss" } }
                span.muted { (summary) }
            }
        }
    }
}

/// One arm of a split.
pub(crate) struct Arm {
    pub(crate) label: String,
    pub(crate) amount: Amount,
    pub(crate) class: &'static str,
}

/// A fee that parts like a river: widths are amounts, widest on top.
pub(crate) fn river(arms: &[Arm]) -> Markup {
    const MOUTH: f64 = 330.0;
    const GAP: f64 = 26.0;
    let total: u128 = arms.iter().map(|arm| arm.amount.wei()).sum();
    let part = |amount: Amount| amount.wei() as f64 / (total.max(1)) as f64;
    let flow = 96.0;
    let height = flow + GAP * arms.len() as f64 + 8.0;
    let mut source_y = (height - flow) / 2.0;
    let mut mouth_y = 14.0;
    let mut shapes = Vec::new();
    for arm in arms {
        let width = (flow * part(arm.amount)).max(1.5);
        let (from, to) = (source_y, mouth_y);
        let (x0, x1) = (8.0, WIDTH - MOUTH);
        let mid = (x0 + x1) / 2.0;
        let path = format!(
            "M{x0} {from:.1} C{mid:.1} {from:.1} {mid:.1} {to:.1} {x1} {to:.1} L{x1} {:.1} \
             C{mid:.1} {:.1} {mid:.1} {:.1} {x0} {:.1} Z",
            to + width,
            to + width,
            from + width,
            from + width
        );
        shapes.push((path, arm, to + width / 2.0, x1));
        source_y += flow * part(arm.amount);
        mouth_y += width + GAP;
    }
    let height = height.max(mouth_y);
    html! {
        figure.chart.river {
            svg viewBox={ "0 0 " (WIDTH) " " (format!("{height:.0}")) } role="img" aria-labelledby="river-title" {
                title #river-title { "How the fee parts" }
                @for (path, arm, y, x) in &shapes {
                    path class={ "arm arm-" (arm.class) } d=(path) {}
                    text.arm-label x=(x + 14.0) y=(format!("{:.1}", y + 4.0)) {
                        (arm.label) "  " tspan.arm-part { (percent(arm.amount, total)) }
                    }
                }
            }
        }
    }
}

/// Bars of a flow, oldest first: equal steps of time from the first answer to now.
const BARS: usize = 32;
/// One or two answers are no picture: the figures beside it tell as much.
const FEWEST: usize = 3;

fn bars(flows: &[Flow], now_ms: i64) -> (Vec<Amount>, u64) {
    let first = flows.iter().map(|flow| flow.at_ms).min().unwrap_or(now_ms).min(now_ms);
    // A young network has a minute to show, not an instant.
    let span = (now_ms - first).max(60_000);
    let begin = now_ms - span;
    let mut bars = vec![Amount::ZERO; BARS];
    for flow in flows {
        let past = (flow.at_ms.min(now_ms) - begin).max(0);
        let at = usize::try_from(past * BARS as i64 / (span + 1)).unwrap_or(0);
        if let Some(bar) = bars.get_mut(at) {
            *bar = bar.saturating_add(flow.amount);
        }
    }
    (bars, u64::try_from(span / 1_000).unwrap_or(0))
}

/// How money came in over time: bars, with the same in words.
pub(crate) fn flow(what: &str, flows: &[Flow], now_ms: i64) -> Markup {
    const STEP: usize = 10;
    const TALL: u128 = 36;
    let (bars, seconds) = bars(flows, now_ms);
    let highest = bars.iter().max().map_or(1, |bar| bar.wei().max(1));
    let total: Amount = flows.iter().map(|flow| flow.amount).sum();
    let words = match flows.len() {
        0 => "no paid answer yet".to_owned(),
        count => format!(
            "{} OPEN {what} by {} in {}",
            total.to_open_short(),
            parts::plural(count as u64, "answer"),
            parts::span_text(seconds)
        ),
    };
    if (1..FEWEST).contains(&flows.len()) {
        return html! {};
    }
    html! {
        figure.flow {
            @if !flows.is_empty() {
                svg viewBox={ "0 0 " (BARS * STEP) " 40" } preserveAspectRatio="none" role="img" aria-label=(words) {
                    path.flow-base d={ "M0 39.5H" (BARS * STEP) } {}
                    @for (at, bar) in bars.iter().enumerate().filter(|(_, bar)| !bar.is_zero()) {
                        @let tall = bar.mul_div(TALL, highest).wei().max(2);
                        rect.flow-bar x=(at * STEP + 1) width=(STEP - 2)
                            y=(39 - tall) height=(tall) {}
                    }
                }
            }
            @if !flows.is_empty() {
                p.flow-axis aria-hidden="true" {
                    span { (parts::span_text(seconds)) " ago" }
                    span { "highest bar " (Amount::from_wei(highest).to_open_short()) " OPEN" }
                    span { "now" }
                }
            }
            figcaption aria-hidden=[(!flows.is_empty()).then_some("true")] { (words) }
        }
    }
}

/// A share of a whole with one decimal.
pub(crate) fn percent(part: Amount, whole: u128) -> String {
    let tenths = part.mul_div(1_000, whole).wei();
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_with_odd_numbers_draws_no_nan() {
        let point = |step, loss| ProgressPoint {
            step,
            loss,
            val_loss: Some(loss * 2.0),
            tokens_per_s: 1.0,
            eta_ms: 0,
            at_ms: 0,
        };
        for points in [
            vec![],
            vec![point(1, 2.0)],
            vec![point(1, f64::NAN), point(2, 1.0)],
            vec![point(1, f64::INFINITY)],
        ] {
            let drawn = loss_curve(&points, 0).into_string();
            assert!(!drawn.contains("NaN\"") && !drawn.contains("MNaN"), "{drawn}");
            assert!(!drawn.contains("=\"inf"), "{drawn}");
        }
    }

    #[test]
    fn a_flow_says_its_total_its_time_and_what_its_highest_bar_is_worth() {
        let paid = |at_ms, open| {
            let amount = Amount::from_wei(open * tributary_primitives::OPEN.wei());
            Flow { at_ms, amount }
        };
        let drawn = flow("paid", &[paid(0, 1), paid(1, 2), paid(240_000, 5)], 300_000);
        let drawn = drawn.into_string();
        for words in ["8 OPEN paid by 3 answers in 5 min", ">5 min ago<", "highest bar 5 OPEN"] {
            assert!(drawn.contains(words), "`{words}` is not in {drawn}");
        }
    }

    #[test]
    fn a_flow_s_bars_hold_every_answer_once() {
        let flows: Vec<Flow> = [0, 1, 59_999, 60_000, 90_000]
            .map(|at_ms| Flow { at_ms, amount: Amount::from_wei(7) })
            .to_vec();
        for now in [90_000, 90_001, 10_000_000] {
            let (bars, seconds) = bars(&flows, now);
            assert_eq!(bars.iter().copied().sum::<Amount>(), Amount::from_wei(35), "{now}");
            assert_eq!(seconds, now as u64 / 1_000);
        }
        assert_eq!(bars(&[], 5).0.len(), BARS);
        // A clock that went back hides nothing.
        assert_eq!(bars(&flows, 30_000).0.iter().copied().sum::<Amount>(), Amount::from_wei(35));
    }

    #[test]
    fn shares_are_whole_tenths_of_a_percent() {
        assert_eq!(percent(Amount::from_wei(1), 3), "33.3 %");
        assert_eq!(percent(Amount::from_wei(0), 0), "0.0 %");
    }
}
