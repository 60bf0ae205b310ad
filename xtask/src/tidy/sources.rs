//! Sizes, headers and words of files.

const LINES_MOST: usize = 600;
const ROOT_LINES_MOST: usize = 150;
/// 70 is the aim; above this nobody argues.
const FUNCTION_LINES_MOST: usize = 70;
const PARAMETERS_MOST: usize = 5;
const COLUMNS_MOST: usize = 100;
/// Words that claim instead of saying what holds.
const FORBIDDEN_WORDS: [&str; 12] = [
    "comprehensive",
    "robust",
    "powerful",
    "seamless",
    "cutting-edge",
    "state-of-the-art",
    "blazing",
    "leverage",
    "effortless",
    "world-class",
    "revolutionary",
    "game-chang",
];
const FORBIDDEN_MARKS: [&str; 6] = ["todo!(", "unimplemented!(", "FIXME", "dbg!(", "TODO", "XXX"];
/// This file names what it forbids.
const OWN: &str = "xtask/src/tidy/sources.rs";

/// Files that people write.
pub fn is_text(file: &str) -> bool {
    let endings =
        [".rs", ".md", ".toml", ".mjs", ".js", ".css", ".py", ".sol", ".sh", ".yml", "/run"];
    let made = ["/vendor/", "testing/fixtures/", "assets/", "testing/corpus/data/"];
    let kept = file.starts_with("crates/console/assets/");
    endings.iter().any(|ending| file.ends_with(ending))
        && !file.contains("/vendor/")
        && (kept || !made.iter().any(|folder| file.starts_with(folder)))
}

pub fn check(file: &str, text: &str, faults: &mut Vec<String>) {
    if file == OWN {
        return;
    }
    header(file, text, faults);
    let lower = text.to_lowercase();
    for word in FORBIDDEN_WORDS.iter().filter(|word| lower.contains(**word)) {
        faults.push(format!("{file}: `{word}` says nothing; say what holds"));
    }
    for mark in FORBIDDEN_MARKS.iter().filter(|mark| text.contains(**mark)) {
        faults.push(format!("{file}: `{mark}` is left in"));
    }
    if file.ends_with(".rs") {
        rust(file, text, faults);
    }
}

/// A source file opens by saying what it is.
fn header(file: &str, text: &str, faults: &mut Vec<String>) {
    let openings: &[&str] = match file.rsplit('.').next().unwrap_or_default() {
        "rs" => &["//! "],
        "mjs" | "js" | "sol" => &["// "],
        "css" => &["/* "],
        "py" => &["\"\"\""],
        "sh" => &["#!"],
        _ => return,
    };
    let first = text.lines().next().unwrap_or_default();
    let opened = openings.iter().find_map(|opening| first.strip_prefix(opening));
    // `// @ts-check` and the licence line come before what the file is.
    let marks = opened.is_some_and(|rest| rest.starts_with("@ts-") || rest.starts_with("SPDX"));
    let told = match (marks, file.ends_with(".sh")) {
        (true, _) => text.lines().skip(1).take(3).any(|line| {
            line.starts_with("// ") || line.starts_with("/*") || line.starts_with("pragma")
        }),
        (_, true) => text.lines().nth(1).is_some_and(|line| line.starts_with("# ")),
        _ => opened.is_some_and(|rest| rest.trim().len() >= 10),
    };
    if !told {
        faults.push(format!("{file}: opens without saying what it is"));
    }
}

fn rust(file: &str, text: &str, faults: &mut Vec<String>) {
    let lines: Vec<&str> = text.lines().collect();
    let is_root = file.starts_with("crates/") && file.ends_with("/src/lib.rs");
    let most = if is_root { ROOT_LINES_MOST } else { LINES_MOST };
    if lines.len() > most {
        faults.push(format!("{file}: {} lines; {most} is the most", lines.len()));
    }
    columns(file, &lines, faults);
    functions(file, &lines, faults);
}

fn columns(file: &str, lines: &[&str], faults: &mut Vec<String>) {
    // A Solidity signature stands on one line, as in the interfaces emitted from it.
    if file.starts_with("crates/contracts/src/") {
        return;
    }
    for (number, line) in lines.iter().enumerate() {
        let long = line.chars().count() > COLUMNS_MOST;
        // A declaration in Solidity syntax stays on its line, as it is written out.
        let declared = ["function ", "event ", "error ", "struct "].iter().any(|word| {
            line.trim_start().starts_with(word) && line.trim_end().ends_with([';', '}'])
        });
        if long && !declared && !line.contains("http") && !line.contains('"') {
            faults.push(format!("{file}:{}: longer than {COLUMNS_MOST} columns", number + 1));
        }
    }
}

/// Functions as rustfmt lays them out: they end at a brace under their first letter.
fn functions(file: &str, lines: &[&str], faults: &mut Vec<String>) {
    for (number, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let end = format!("{}}}", " ".repeat(indent));
        let rest = lines.get(number..).unwrap_or_default();
        let parameters = parameters(rest);
        if parameters > PARAMETERS_MOST {
            let most = PARAMETERS_MOST;
            faults.push(format!("{file}: `{name}` takes {parameters} values; {most} is the most"));
        }
        let Some(length) = rest.iter().position(|line| *line == end) else { continue };
        if length + 1 > FUNCTION_LINES_MOST {
            let length = length + 1;
            let most = FUNCTION_LINES_MOST;
            faults.push(format!("{file}: `{name}` has {length} lines; {most} is the most"));
        }
    }
}

/// Parameters of the function that begins at the first line, `self` and what a property test draws
/// (`name in strategy`) left out.
fn parameters(lines: &[&str]) -> usize {
    let head: Vec<&str> = lines.iter().map(|line| line.trim()).take(40).collect();
    let head = head.join(" ");
    let (mut depth, mut count, mut word) = (0_usize, 0, String::new());
    let mut counts = |word: &mut String| {
        let named = word.trim_start_matches(['(', ' ']);
        let kept = word.contains(':') && !word.contains(" in ") && !named.starts_with("self");
        count += usize::from(kept);
        word.clear();
    };
    for letter in head.chars() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 1 => break,
            ')' => depth -= 1,
            ',' if depth == 1 => {
                counts(&mut word);
                continue;
            }
            _ => {}
        }
        if depth > 0 {
            word.push(letter);
        }
    }
    counts(&mut word);
    count
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for word in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async ", "unsafe "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?;
    // A declaration without a body, or one that ends on its line.
    (!line.ends_with([';', '}'])).then(|| name.split(['(', '<']).next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(file: &str, text: &str) -> Vec<String> {
        let mut faults = Vec::new();
        check(file, text, &mut faults);
        faults
    }

    #[test]
    fn a_file_without_a_header_is_found_in_every_language() {
        let bare = [
            ("a.rs", "use std::fs;\n"),
            ("a.rs", "//!\n"),
            ("a.rs", "// A comment is no header.\n"),
            ("a.mjs", "import fs from \"node:fs\";\n"),
            ("a.js", "// @ts-check\nimport x from \"y\";\n"),
            ("a.py", "import os\n"),
            ("a.sh", "#!/bin/sh\nset -eu\n"),
            ("a.css", "body {}\n"),
        ];
        for (file, text) in bare {
            assert_eq!(faults(file, text).len(), 1, "{file}: {text}");
        }
        assert!(faults("a.rs", "//! What this file is.\n").is_empty());
    }

    #[test]
    fn claims_and_marks_are_found_wherever_people_write() {
        for file in ["README.md", "docs/guide.md", "Cargo.toml"] {
            assert!(is_text(file), "{file}");
            assert_eq!(faults(file, "A Robust thing.\n").len(), 1, "{file}");
            assert_eq!(faults(file, "TODO: say it.\n").len(), 1, "{file}");
        }
        let script = "// A script of the project.\nconst seamlessly = 1;\n";
        assert_eq!(faults("testing/a.mjs", script).len(), 1);
        assert!(!is_text("crates/console/assets/vendor/x.js"));
    }

    #[test]
    fn long_files_lines_and_functions_are_found() {
        let head = "//! A file of the project.\n";
        assert_eq!(faults("a.rs", &format!("{head}{}", "x\n".repeat(LINES_MOST))).len(), 1);
        assert_eq!(faults("a.rs", &format!("{head}{}\n", "x".repeat(101))).len(), 1);
        let body = "    x;\n".repeat(FUNCTION_LINES_MOST);
        let found = faults("a.rs", &format!("{head}pub(crate) async fn long() {{\n{body}}}\n"));
        assert!(found.len() == 1 && found[0].contains("`long`"), "{found:?}");
        let takes = |list: &str| faults("a.rs", &format!("{head}fn f({list}) {{\n}}\n")).len();
        assert_eq!(takes("self: X, a: A, b: B<C, D>, (c, d): (C, D), e: impl Fn(E, F), f: F"), 0);
        assert_eq!(takes("a: A, b: B, c: C, d: D, e: E, f: F"), 1);
        assert_eq!(takes("a in A, b in B, c in C, d in D, e in E, f in F"), 0);
    }
}
