//! The one binary: parse, load configuration, call node or client.

/// `println!` that ends quietly when the reader has gone, as in `tributary earnings | head -1`.
macro_rules! println {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        if writeln!(std::io::stdout(), $($text)*).is_err() {
            std::process::exit(0);
        }
    }};
}

mod account;
mod bring;
mod chat;
mod cli;
mod config;
mod datanet;
mod dev;
mod earnings;
mod examples;
mod fail;
mod model;
mod output;
mod receipt;
#[cfg(test)]
mod reference;
mod session;
mod trace;

use std::process::ExitCode;

use clap::{FromArgMatches as _, error::ErrorKind};
use tributary_node::config::{FileConfig, project_file, user_file};

use crate::{
    cli::{Cli, Command},
    session::Session,
};

fn main() -> ExitCode {
    let parsed = examples::command().try_get_matches();
    let parsed = parsed.and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let json = cli.global.json;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(run(cli));
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail::report(&error, json),
    }
}

/// Help and version as they are; a wrong command line as JSON when JSON was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let told = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !told && std::env::args().any(|argument| argument == "--json") {
        return fail::report_usage(error);
    }
    // Nobody reads when this fails.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    if let Command::Completions { shell } = cli.command {
        clap_complete::generate(
            shell,
            &mut examples::command(),
            "tributary",
            &mut std::io::stdout(),
        );
        return Ok(());
    }
    let file = FileConfig::load(&project_file(), user_file().as_deref())?;
    let session = Session::new(&cli.global, &file);
    match cli.command {
        Command::Dev(args) => dev::run(&cli.global, &file, args).await,
        Command::Config(command) => config::run(&cli.global, &file, command),
        Command::Datanet(command) => datanet::run(&session, command).await,
        Command::Model(command) => model::run(&session, command).await,
        Command::Chat(args) => chat::run(&session, args).await,
        Command::Earnings(args) => earnings::run(&session, args).await,
        Command::Receipt(command) => receipt::run(&session, command).await,
        Command::Trace(args) => trace::run(&session, args).await,
        Command::Key(command) => account::keys(&session, command).await,
        Command::Account(command) => account::run(&session, command).await,
        Command::Completions { .. } => Ok(()),
    }
}
