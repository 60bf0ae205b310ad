//! `docs/cli.md` and `docs/configuration.md`, written from the command tree and the table of
//! keys. The tests compare; `TRIBUTARY_BLESS=1` writes.

use std::{fmt::Write as _, fs, path::Path};

use clap::{Arg, Command};
use tributary_node::config::KEYS;

use crate::examples;

/// A document is what the code says, or is written when asked for.
fn holds(name: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("TRIBUTARY_BLESS").is_some() {
        fs::write(&path, wanted).expect("the document can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/{name} is behind the code: run this with TRIBUTARY_BLESS=1");
}

fn usage_of(argument: &Arg) -> String {
    let value = argument.get_value_names().unwrap_or_default();
    let value = value.iter().map(|name| format!("<{name}>")).collect::<Vec<_>>().join(" ");
    let takes = argument.get_action().takes_values();
    match (argument.get_long(), argument.get_short()) {
        (Some(long), short) => {
            let short = short.map(|short| format!("-{short}, ")).unwrap_or_default();
            let value = if takes { format!(" {value}") } else { String::new() };
            format!("`{short}--{long}{value}`")
        }
        _ => format!("`{value}`"),
    }
}

fn arguments(command: &Command, global: bool) -> String {
    let mut rows = String::new();
    let shown = command.get_arguments().filter(|argument| {
        argument.is_global_set() == global && !matches!(argument.get_id().as_str(), "help")
    });
    for argument in shown {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults = argument.get_default_values();
        let defaults = defaults.iter().map(|value| value.to_string_lossy()).collect::<Vec<_>>();
        let takes = argument.get_action().takes_values();
        let default = match defaults.join(" ") {
            text if takes && !text.is_empty() => format!(" Default: `{text}`."),
            _ => String::new(),
        };
        let variable =
            argument.get_env().map(|name| format!(" Also `{}`.", name.to_string_lossy()));
        let variable = variable.unwrap_or_default();
        let end = if help.ends_with('.') { "" } else { "." };
        let _ = writeln!(rows, "| {} | {help}{end}{default}{variable} |", usage_of(argument));
    }
    if rows.is_empty() { rows } else { format!("| argument | what it does |\n|---|---|\n{rows}\n") }
}

fn section(command: &Command, path: &str, text: &mut String) {
    for sub in command.get_subcommands() {
        let path = format!("{path} {}", sub.get_name());
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "## {}\n\n{about}\n", path.trim_start_matches("tributary "));
        let examples = sub.get_before_help().map(ToString::to_string).unwrap_or_default();
        let examples = examples.lines().skip(1).map(str::trim).collect::<Vec<_>>().join("\n");
        let _ = writeln!(text, "```sh\n{examples}\n```\n");
        text.push_str(&arguments(sub, false));
        section(sub, &path, text);
    }
}

#[test]
fn the_command_reference_is_what_the_command_tree_says() {
    let command = examples::command();
    let mut text = String::from(
        "# Command line\n\nWritten from the command tree. `0x12..` stands for a receipt of yours, \
         `3f0c..` for a key's id.\n\nData goes to standard output, all else to standard error. \
         With `--json` a command prints one JSON value, an error too: \
         `{\"error\":{code,message,help,docs}}`.\n\n\
         | exit code | meaning |\n|---|---|\n| 0 | done |\n| 1 | failed |\n\
         | 2 | wrong command line |\n| 3 | wrong configuration |\n\
         | 4 | the node can't be reached |\n| 5 | the chain refused |\n\
         | 6 | not enough OPEN |\n| 7 | there is no such thing |\n\
         | 8 | it took too long |\n| 9 | a receipt does not hold |\n\n\
         ## Flags of every command\n\n",
    );
    text.push_str(&arguments(&command, true));
    section(&command, "tributary", &mut text);
    holds("cli.md", &format!("{}\n", text.trim_end()));
}

#[test]
fn the_configuration_reference_is_what_the_table_of_keys_says() {
    let mut text = String::from(
        "# Configuration\n\nA flag wins over its variable, over `./tributary.toml`, over \
         `~/.config/tributary/tributary.toml`, over the default. An unknown key is an error. \
         `tributary config show --origin` tells each value and who said it.\n\n\
         | key | flag | variable | default | what it is |\n|---|---|---|---|---|\n",
    );
    for key in KEYS {
        let variable = key.variable.map_or_else(String::new, |name| format!("`{name}`"));
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {variable} | {} | {} |",
            key.name, key.flag, key.default, key.detail
        );
    }
    text.push_str(
        "\n`TRIBUTARY_HOME` (`--home`) is where this computer keeps sessions and, unless \
         configured, the dev node's data; `TRIBUTARY_API_KEY` (`--api-key`) acts for a key's \
         owner; `TRIBUTARY_LOG` takes directives such as `info` or \
         `tributary_gateway=debug`.\n",
    );
    holds("configuration.md", &text);
}
