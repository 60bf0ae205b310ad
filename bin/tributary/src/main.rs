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
mod chat;
mod cli;
mod datanet;
mod dev;
mod earnings;
mod fail;
mod model;
mod output;
mod receipt;
mod session;
mod trace;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::{
    cli::{Cli, Command},
    session::Session,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
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

async fn run(cli: Cli) -> anyhow::Result<()> {
    let session = Session::new(&cli.global);
    match cli.command {
        Command::Dev(args) => dev::run(&cli.global, args).await,
        Command::Datanet(command) => datanet::run(&session, command).await,
        Command::Model(command) => model::run(&session, command).await,
        Command::Chat(args) => chat::run(&session, args).await,
        Command::Earnings(args) => earnings::run(&session, args).await,
        Command::Receipt(command) => receipt::run(&session, command).await,
        Command::Trace(args) => trace::run(&session, args).await,
        Command::Key(command) => account::keys(&session, command).await,
        Command::Account(command) => account::run(&session, command).await,
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "tributary",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    }
}
