//! What commands print: data on standard output, all else on standard error; one JSON value when
//! asked for.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::Value;
use tributary_primitives::Amount;

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// One JSON value on standard output.
    pub json: bool,
    /// No progress.
    pub quiet: bool,
}

impl Output {
    /// The value as JSON when asked for, else the lines of `human`.
    pub fn print<T: Serialize>(&self, value: &T, human: impl FnOnce()) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(value)?);
        } else {
            human();
        }
        Ok(())
    }

    /// A line about what happens, for people.
    pub fn say(&self, line: impl AsRef<str>) {
        if !self.json && !self.quiet {
            eprintln!("{}", line.as_ref());
        }
    }

    /// Something that moves while work of unknown length runs; hidden off a terminal.
    pub fn spinner(&self, what: &str) -> ProgressBar {
        if self.json || self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
        spinner.enable_steady_tick(std::time::Duration::from_millis(120));
        spinner
    }

    /// A bar with rate and remaining time; hidden off a terminal.
    pub fn bar(&self, steps: u64) -> ProgressBar {
        if self.json || self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = "{msg:20} {bar:32} {pos}/{len}  {per_sec}  {eta} left";
        let style = ProgressStyle::with_template(style);
        ProgressBar::new(steps).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }
}

/// Rows under headings, columns as wide as they need.
pub fn table(headings: &[&str], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            text.push_str(&format!("{cell:width$}  "));
        }
        println!("{}", text.trim_end());
    };
    line(&mut headings.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
}

/// A field of a JSON object as text: strings bare, `null` as a dash.
pub fn field(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A field that holds wei, in OPEN.
pub fn money(value: &Value, name: &str) -> String {
    let amount = value.get(name).cloned().unwrap_or_default();
    serde_json::from_value::<Amount>(amount).map_or_else(|_| "-".into(), |a| a.to_open_short())
}

/// A long hash cut in the middle.
pub fn short(hash: &str) -> String {
    match (hash.get(..8), hash.len().checked_sub(4).and_then(|start| hash.get(start..))) {
        (Some(head), Some(tail)) if hash.len() > 16 => format!("{head}..{tail}"),
        _ => hash.to_owned(),
    }
}
