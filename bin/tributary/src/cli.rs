//! The command tree. Every help text starts with examples (`examples.rs`), which the tests run.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tributary_node::role::Role;
use tributary_primitives::Amount;

/// A chain where AI models pay the people whose data and machines made them work.
#[derive(Parser)]
#[command(name = "tributary", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command knows.
#[derive(Args, Clone)]
pub struct Global {
    /// Node to talk to (http://localhost:8545 unless configured).
    #[arg(short = 'r', long, global = true, env = "TRIBUTARY_RPC_URL")]
    pub rpc_url: Option<String>,
    /// Print one JSON value on standard output and nothing else.
    #[arg(long, global = true)]
    pub json: bool,
    /// API key (`trib_sk_...`) to act with instead of this computer's guest account.
    #[arg(long, global = true, env = "TRIBUTARY_API_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
    /// Where this computer keeps its guest sessions.
    #[arg(long, global = true, env = "TRIBUTARY_HOME")]
    pub home: Option<PathBuf>,
    /// No progress bars.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run chain, provider, gateway and console in one process.
    Dev(DevArgs),
    /// Make, fill and read datanets.
    #[command(subcommand)]
    Datanet(DatanetCommand),
    /// Import, train, measure and list models.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Ask a model and see its sources.
    Chat(ChatArgs),
    /// What an account was paid, and why.
    Earnings(EarningsArgs),
    /// Show or re-derive a receipt.
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Find the verbatim sources of a text.
    Trace(TraceArgs),
    /// API keys with an on-chain cap.
    #[command(subcommand)]
    Key(KeyCommand),
    /// This computer's account.
    #[command(subcommand)]
    Account(AccountCommand),
    /// What is configured, and where it was said.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the shell's completion script.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Every key with its value.
    Show {
        /// Name the flag, variable or file that each value comes from.
        #[arg(long)]
        origin: bool,
    },
    /// The files that are read, the first one first.
    Path,
}

#[derive(Args)]
pub struct DevArgs {
    /// Port of JSON-RPC, console and APIs (8545 unless configured; 0 takes a free one).
    #[arg(short, long, env = "TRIBUTARY_PORT")]
    pub port: Option<u16>,
    /// Folder that holds the chain and everything else.
    #[arg(long, env = "TRIBUTARY_DATADIR")]
    pub datadir: Option<PathBuf>,
    /// What this process runs, with commas: chain, gateway, console, provider, curator, keeper
    /// (all of them unless configured).
    #[arg(long, env = "TRIBUTARY_ROLES", value_delimiter = ',')]
    pub roles: Option<Vec<Role>>,
    /// The node to work for, when the chain is not among the roles.
    #[arg(long, env = "TRIBUTARY_CHAIN_URL")]
    pub chain_url: Option<String>,
    /// Do not open the browser.
    #[arg(long)]
    pub no_open: bool,
    /// Write addresses, keys and URLs here as JSON once all is ready.
    #[arg(long)]
    pub config_out: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum DatanetCommand {
    /// Make a datanet.
    New {
        /// Its name.
        name: String,
        /// One sentence for people.
        #[arg(long, default_value = "")]
        description: String,
        /// SPDX name of the licence of its rows.
        #[arg(long, default_value = "CC-BY-4.0")]
        licence: String,
    },
    /// Contribute rows with a stake.
    Push {
        /// Datanet, by id or name.
        datanet: String,
        /// JSONL, CSV or TXT; `-` for standard input.
        #[arg(required_unless_present = "sample")]
        file: Option<PathBuf>,
        /// The 20 sample rows instead of a file.
        #[arg(long, conflicts_with = "file")]
        sample: bool,
        /// Only check the rows and show the price.
        #[arg(long)]
        dry_run: bool,
        /// Return at once instead of waiting for review and publication.
        #[arg(long)]
        no_wait: bool,
    },
    /// List the datanets.
    Ls,
    /// One datanet and its contributions.
    Show {
        /// Datanet, by id or name.
        datanet: String,
    },
    /// Rows with their contributors, uses and earnings.
    Rows {
        /// Datanet, by id or name.
        datanet: String,
        /// Rows to skip.
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// Rows to print.
        #[arg(long, default_value_t = 20)]
        limit: u64,
    },
    /// Build an attribution index without a chain.
    Index {
        /// JSONL file.
        file: PathBuf,
        /// Folder for the index.
        #[arg(long)]
        out: PathBuf,
        /// tokenizer.json; the seed model's by default.
        #[arg(long)]
        tokenizer: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub enum ModelCommand {
    /// Convert a Llama or PEFT folder, or a llama2.c file, to EXI8 and report on it.
    Import {
        /// Folder or file.
        path: PathBuf,
        /// Write model.exi8, tokenizer.json and card.json here.
        #[arg(long)]
        out: Option<PathBuf>,
        /// Base model of a PEFT adapter: a stored model's folder (the seed model by default).
        #[arg(long)]
        base: Option<PathBuf>,
        /// Text to measure the loss of conversion on.
        #[arg(long)]
        text: Option<PathBuf>,
    },
    /// Perplexity of EXI8 beside the original float weights.
    Eval {
        /// A checkpoint, a stored model, an .exi8 file or a PEFT folder.
        path: PathBuf,
        /// The float original, where the model does not remember it.
        #[arg(long)]
        original: Option<PathBuf>,
        /// Text to measure on.
        #[arg(long)]
        text: PathBuf,
        /// Tokens to measure at the most.
        #[arg(long, default_value_t = 20_000)]
        tokens: usize,
    },
    /// Fine-tune an adapter on a published datanet.
    Train {
        /// Datanet, by id or name.
        #[arg(long)]
        datanet: String,
        /// quick, balanced or best.
        #[arg(long, default_value = "quick")]
        preset: String,
        /// Name of the new model.
        #[arg(long)]
        name: Option<String>,
        /// Return at once instead of following the job.
        #[arg(long)]
        no_wait: bool,
    },
    /// Call a training off; its escrow comes back.
    Cancel {
        /// Job id.
        job: u64,
    },
    /// List the models.
    Ls,
    /// One model with its lineage and prices.
    Show {
        /// Model, by id or name.
        model: String,
    },
}

#[derive(Args)]
pub struct ChatArgs {
    /// Model, by name; the newest adapter of this account, else the seed model, by default.
    pub model: Option<String>,
    /// What to say.
    #[arg(short, long)]
    pub message: String,
    /// 0 is greedy.
    #[arg(long, default_value_t = 0.0)]
    pub temperature: f64,
    /// The same seed gives the same answer.
    #[arg(long)]
    pub seed: Option<i64>,
    /// Most tokens to produce.
    #[arg(long, default_value_t = 96)]
    pub max_tokens: u32,
}

#[derive(Args)]
pub struct EarningsArgs {
    /// Account; this computer's by default.
    pub account: Option<String>,
    /// Claim all that is earned.
    #[arg(long)]
    pub claim: bool,
}

#[derive(Subcommand)]
pub enum ReceiptCommand {
    /// Spans, shares, state and block of a receipt.
    Show {
        /// Receipt id.
        id: String,
    },
    /// Re-derive everything the receipt says; exits 9 when it does not hold.
    Verify {
        /// Receipt id.
        id: String,
        /// Transcript file instead of the one this account may fetch.
        #[arg(long)]
        transcript: Option<PathBuf>,
        /// Receipt file instead of the one the gateway holds.
        #[arg(long)]
        receipt: Option<PathBuf>,
    },
    /// Save the private transcript of one's own call.
    Transcript {
        /// Receipt id.
        id: String,
    },
}

#[derive(Args)]
pub struct TraceArgs {
    /// Index folder made by `datanet index`.
    #[arg(long, conflicts_with = "datanet", required_unless_present = "datanet")]
    pub index: Option<PathBuf>,
    /// Datanet, by id or name.
    #[arg(long)]
    pub datanet: Option<String>,
    /// The text to trace.
    #[arg(long)]
    pub text: String,
    /// tokenizer.json; the seed model's by default.
    #[arg(long)]
    pub tokenizer: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a key; its secret is shown once.
    New {
        /// Most OPEN it can ever spend.
        #[arg(long, default_value = "5")]
        cap: Amount,
        /// A word to know it by.
        #[arg(long, default_value = "cli")]
        name: String,
    },
    /// List the keys with what they spent.
    Ls,
    /// Revoke a key and release what it reserved.
    Revoke {
        /// Key id.
        id: String,
    },
}

#[derive(Subcommand)]
pub enum AccountCommand {
    /// Address and balances.
    Show,
    /// Print the account's private key; possible once.
    Export,
}
