//! The command line (CONTRACT section 1). Exit codes: 0 ok, 1 error with one clear line on stderr, 2 bad usage, 3 discrepancies.

use clap::{Parser, Subcommand};
use sluice::cli;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// The store's engine and the JSON of every order allocate much and little at a time (tests/FIGURES.md has what it saves).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sluice: one order API in front of WeChat Pay, Alipay, UnionPay and bank QR. Information only, never funds.
#[derive(Parser)]
#[command(name = "sluice", version, about, max_term_width = 100)]
struct Arguments {
    /// How logs are written to stderr.
    #[arg(long, global = true, value_parser = ["json", "text"], default_value = "text")]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sandbox and gateway in one process, a demo merchant ready.
    Demo {
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Where the embedded store and the config go; a fresh folder under the system's temporary one if not given.
        #[arg(long)]
        data: Option<PathBuf>,
        /// Plays one full story over real HTTP, prints a report, and exits 0 only if every step was verified.
        #[arg(long)]
        once: bool,
    },
    /// The gateway.
    Serve {
        #[arg(long)]
        config: PathBuf,
        /// Instead of http.listen in sluice.toml.
        #[arg(long)]
        listen: Option<SocketAddr>,
        /// Divides every waiting schedule; sandbox accounts only.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        fast: Option<u32>,
    },
    /// Pretend channels with a control listener.
    Sandbox {
        /// Port 0 picks free ports for all listeners.
        #[arg(long, default_value = "127.0.0.1:9100")]
        control: SocketAddr,
        /// Writes a complete config folder for `serve`, pointing here.
        #[arg(long)]
        write_config: Option<PathBuf>,
        /// Keeps the pretend channels' key pairs in this folder and takes them from there the next time.
        #[arg(long)]
        keys: Option<PathBuf>,
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        fast: u32,
    },
    /// Validates a config folder: every problem on its own line.
    Check {
        #[arg(long)]
        config: PathBuf,
    },
    /// Applies schema migrations and exits.
    Migrate {
        #[arg(long)]
        config: PathBuf,
    },
    /// Compares a day of the books with the channels' bills: 0 clean, 3 discrepancies, 1 could not run.
    Reconcile {
        #[arg(long)]
        config: PathBuf,
        /// The channel's settlement day: 2026-11-23.
        #[arg(long)]
        date: String,
        /// One account only.
        #[arg(long)]
        account: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// The life of an order: route, exchanges, callbacks, notifications.
    Explain {
        #[arg(long)]
        config: PathBuf,
        order_id: String,
    },
    /// Asks past orders again under the rules of another folder: how shares, cost and refusals would change. Reads only.
    RouteReplay {
        /// The folder with the new rules; its sluice.toml names the store with the orders.
        #[arg(long)]
        config: PathBuf,
        /// RFC 3339, inclusive: 2026-11-23T00:00:00+08:00
        #[arg(long)]
        from: String,
        /// RFC 3339, exclusive.
        #[arg(long)]
        to: String,
        /// Only this merchant's orders.
        #[arg(long)]
        merchant: Option<String>,
        /// JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// A merchant's day or month: what came in and what went back, to the fen. Reads only.
    Statement {
        #[arg(long)]
        config: PathBuf,
        /// Without it the sums of all merchants.
        #[arg(long)]
        merchant: Option<String>,
        /// Of the Shanghai calendar: 2026-11-25
        #[arg(long, conflicts_with = "month", required_unless_present = "month")]
        day: Option<String>,
        /// 2026-11
        #[arg(long)]
        month: Option<String>,
        /// For a spreadsheet, instead of JSON.
        #[arg(long)]
        csv: bool,
        /// Headers of the CSV in English.
        #[arg(long, requires = "csv")]
        english: bool,
    },
    /// People who sign in at the console.
    #[command(subcommand)]
    Operator(Operator),
    /// Prints a ready signed curl command.
    Sign {
        #[arg(long)]
        key_id: String,
        #[arg(long)]
        secret: String,
        /// Where the gateway is.
        #[arg(long, default_value = "http://127.0.0.1:8080")]
        base_url: String,
        /// Shows first what is signed, with visible line feeds.
        #[arg(long)]
        explain: bool,
        /// GET or POST.
        method: String,
        /// Path and query: /v1/orders
        path: String,
        body: Option<String>,
    },
    /// Says which part of a notification fails: headers, an empty line and the raw body on standard input.
    VerifyWebhook {
        /// whsec_…
        #[arg(long)]
        secret: String,
    },
}

#[derive(Subcommand)]
enum Operator {
    /// Makes an operator, or makes his password and second factor anew. Both are printed once.
    Add {
        #[arg(long)]
        config: PathBuf,
        /// 1 to 64 letters, digits, _ or -
        name: String,
        /// viewer, operator, finance or admin
        #[arg(long)]
        role: String,
        /// Takes the password from the first line of stdin instead of making one for a single use.
        #[arg(long)]
        password_stdin: bool,
        /// For trying: only where no account is live.
        #[arg(long)]
        no_second_factor: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    cli::start_logs(&arguments.log, environment("SLUICE_LOG").as_deref());
    #[cfg(feature = "crash-points")]
    if let Some(spec) = environment("SLUICE_CRASH") {
        sluice::crash::arm(&spec);
    }
    let strings = sluice::config::Disk(environment);
    let done = match arguments.command {
        Command::Demo { port, data, once } => cli::demo::run(port, data, once, &strings).await,
        Command::Serve { config, listen, fast } => cli::serve::run(&config, listen, fast, strings).await,
        Command::Sandbox { control, write_config, keys, fast } => cli::sandbox::run(control, write_config.as_deref(), keys, fast).await,
        Command::Check { config } => cli::check::run(&config, &strings),
        Command::Migrate { config } => cli::check::migrate(&config, &strings).await,
        Command::Reconcile { config, date, account, json } => cli::reconcile::run(&config, &date, account.as_deref(), json, &strings).await,
        Command::Explain { config, order_id } => cli::explain::run(&config, &order_id, &strings).await,
        Command::RouteReplay { config, from, to, merchant, json } => {
            cli::route_replay::run(&config, cli::route_replay::Asked { from, to, merchant, json }, &strings).await
        }
        Command::Statement { config, merchant, day, month, csv, english } => {
            cli::statement::run(&config, cli::statement::Arguments { merchant, day, month, csv, english }, &strings).await
        }
        Command::Operator(Operator::Add { config, name, role, password_stdin, no_second_factor }) => {
            cli::operator::add(&config, cli::operator::Asked { name, role, password_stdin, no_second_factor }, &strings).await
        }
        Command::Sign { key_id, secret, base_url, explain, method, path, body } => {
            cli::sign::run(&cli::sign::Arguments { key_id, secret, base_url, method, path, body, explain })
        }
        Command::VerifyWebhook { secret } => cli::verify_webhook::run(&secret),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(cli::Failed::Found) => ExitCode::from(3),
        Err(cli::Failed::Error(line)) => {
            eprintln!("{line}");
            ExitCode::from(1)
        }
        Err(cli::Failed::Usage(line)) => {
            eprintln!("{line}");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
