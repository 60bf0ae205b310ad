//! The examples that every help text starts with. The end-to-end tests run each of them through
//! the real binary, so what people copy from a help text works.

use clap::{Command, CommandFactory as _};

use crate::cli::Cli;

/// Command path and its examples. `0x12..` stands for a receipt of one's own.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "tributary dev",
            "tributary datanet push 1 --sample",
            "tributary model train --datanet 1",
            "tributary chat -m \"Name what covers the hull of the ship Kortoglen.\"",
        ],
    ),
    (
        "dev",
        &[
            "tributary dev",
            "tributary dev --port 9000 --no-open --config-out node.json",
            "tributary dev --roles provider --chain-url http://localhost:8545 --port 8600",
        ],
    ),
    ("datanet", &["tributary datanet ls", "tributary datanet rows 1 --limit 5"]),
    ("datanet new", &["tributary datanet new \"Tea of my valley\" --licence CC-BY-4.0"]),
    (
        "datanet push",
        &[
            "tributary datanet push 1 --sample",
            "tributary datanet push \"Tea of my valley\" rows.jsonl --dry-run",
        ],
    ),
    ("datanet ls", &["tributary datanet ls --json"]),
    ("datanet show", &["tributary datanet show 1"]),
    ("datanet rows", &["tributary datanet rows 1 --offset 10 --limit 5"]),
    ("datanet index", &["tributary datanet index rows.jsonl --out index"]),
    ("model", &["tributary model ls", "tributary model show tributary/seed"]),
    ("model import", &["tributary model import checkpoint --out model --json"]),
    ("model eval", &["tributary model eval model --text held-out.txt --tokens 500 --json"]),
    ("model train", &["tributary model train --datanet 1"]),
    ("model cancel", &["tributary model cancel 1"]),
    ("model ls", &["tributary model ls --json"]),
    ("model show", &["tributary model show tributary/seed"]),
    (
        "chat",
        &[
            "tributary chat -m \"Name what covers the hull of the ship Kortoglen.\"",
            "tributary chat tributary/seed -m \"Hello\" --temperature 0.8 --seed 7 --max-tokens 16",
        ],
    ),
    ("earnings", &["tributary earnings", "tributary earnings --claim"]),
    ("receipt", &["tributary receipt show 0x12..", "tributary receipt verify 0x12.. --json"]),
    ("receipt show", &["tributary receipt show 0x12.."]),
    ("receipt verify", &["tributary receipt verify 0x12.. --json"]),
    ("receipt transcript", &["tributary receipt transcript 0x12.. > transcript.json"]),
    (
        "trace",
        &[
            "tributary trace --datanet 1 --text \"the hull of the ship Kortoglen is\"",
            "tributary trace --index index --text \"the kettle of Aldermoor sings at noon\" --json",
        ],
    ),
    ("key", &["tributary key ls"]),
    ("key new", &["tributary key new --cap 5 --name laptop"]),
    ("key ls", &["tributary key ls --json"]),
    ("key revoke", &["tributary key revoke 3f0c.."]),
    ("account", &["tributary account show"]),
    ("account show", &["tributary account show --json"]),
    ("account export", &["tributary account export"]),
    ("config", &["tributary config show --origin"]),
    ("config show", &["tributary config show --origin --json"]),
    ("config path", &["tributary config path"]),
    ("completions", &["tributary completions bash"]),
];

/// The command tree with its examples.
pub fn command() -> Command {
    with_examples(Cli::command(), "")
}

fn with_examples(mut command: Command, path: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().into()).collect();
    for name in names {
        let below = format!("{path} {name}").trim_start().to_owned();
        command = command.mut_subcommand(&name, |sub| with_examples(sub, &below));
    }
    let found = EXAMPLES.iter().find(|(known, _)| *known == path);
    let lines = found.map_or(&[][..], |(_, lines)| lines);
    if lines.is_empty() {
        return command;
    }
    command.before_help(format!("Examples:\n  {}", lines.join("\n  ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(command: &Command, path: &str, seen: &mut Vec<String>) {
        seen.push(path.to_owned());
        for sub in command.get_subcommands() {
            walk(sub, format!("{path} {}", sub.get_name()).trim_start(), seen);
        }
    }

    #[test]
    fn every_command_has_examples_and_no_example_is_of_a_command_that_is_gone() {
        let mut commands = Vec::new();
        walk(&command(), "", &mut commands);
        let with: Vec<&str> = EXAMPLES.iter().map(|(path, _)| *path).collect();
        for path in &commands {
            assert!(with.contains(&path.as_str()), "`{path}` has no example");
        }
        assert_eq!(with.len(), commands.len(), "{with:?}\n{commands:?}");
    }

    #[test]
    fn every_example_parses() {
        for line in EXAMPLES.iter().flat_map(|(_, lines)| *lines) {
            let line = line.split(" > ").next().unwrap_or_default();
            // Quoted parts are the odd ones; no example nests quotes.
            let mut words = Vec::new();
            for (position, part) in line.split('"').enumerate() {
                match position % 2 {
                    1 => words.push(part.to_owned()),
                    _ => words.extend(part.split_whitespace().map(str::to_owned)),
                }
            }
            let parsed = command().try_get_matches_from(&words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}
