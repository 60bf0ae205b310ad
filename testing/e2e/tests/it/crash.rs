//! Kill -9 at random moments under load. The clients' own logs of what was acknowledged are the
//! oracle; nothing of the node is asked what it believes to have promised.
//!
//! `TRIBUTARY_KILLS=100 TRIBUTARY_SEED=<seed>` repeats a campaign.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tributary_e2e::{
    Node,
    load::{self, Load, text, wei},
};

/// Kills of one run unless more are asked for.
const KILLS: u32 = 15;
/// Latest moment of a kill under load.
const LIFE: Duration = Duration::from_millis(2_500);
/// Latest moment of a kill during the start.
const BIRTH: Duration = Duration::from_millis(1_200);

/// Five times an epoch and its hold-back.
const EARNED_LIMIT: Duration = Duration::from_secs(100);
/// Five times the quick preset.
const TRAINED_LIMIT: Duration = Duration::from_secs(300);

fn number<T: std::str::FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn what_was_acknowledged_outlives_every_kill() -> Result<()> {
    let Some(mut node) = Node::start("kill -9 under load")? else { return Ok(()) };
    let kills = number("TRIBUTARY_KILLS").unwrap_or(KILLS);
    let seed: u64 = number("TRIBUTARY_SEED").unwrap_or_else(rand::random);
    println!("seed of the kills: {seed}");
    let begun = Instant::now();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut load = Load::prepare(&node, seed)?;
    let mut killed = 0;
    while killed < kills {
        let pause = rng.random_range(Duration::ZERO..LIFE);
        let url = node.setting("console_url").to_owned();
        load.run(&url, pause, || node.kill())
            .with_context(|| format!("seed {seed}, kill {killed}:\n{}", node.log()))?;
        killed += 1;
        node = node.relaunch()?;
        if killed < kills && rng.random_ratio(1, 4) {
            load::wait(rng.random_range(Duration::ZERO..BIRTH));
            node.kill()?;
            killed += 1;
            node = node.relaunch()?;
        }
        node.ready().with_context(|| format!("seed {seed}, start after kill {killed}"))?;
        load.check(node.setting("console_url"))
            .with_context(|| format!("seed {seed}, kill {killed}:\n{}", node.log()))?;
    }
    load.close(&node).with_context(|| format!("seed {seed}, the end:\n{}", node.log()))?;
    let seconds = begun.elapsed().as_secs();
    println!("seed {seed}: {kills} kills in {seconds} s; {}", load.tally());
    Ok(())
}

#[test]
fn a_journey_goes_on_where_it_was_after_a_kill_in_its_middle() -> Result<()> {
    let Some(node) = Node::start("kill -9 in mid-journey")? else { return Ok(()) };
    let datanet = node.config().pointer("/datanets/0").context("a datanet")?.to_string();
    node.cli(&["datanet", "push", &datanet, "--sample"])?.ok()?;
    let started = node.cli(&["model", "train", "--datanet", &datanet, "--no-wait"])?.ok()?;
    let job = format!("/api/v1/jobs/{}", started.get("id").context("a job")?);
    let look = |node: &Node| tributary_e2e::Http::new(node.setting("console_url")).get(&job)?.ok();
    node.until("steps of training", TRAINED_LIMIT, || {
        let now = look(&node)?;
        Ok((now.get("step").and_then(Value::as_u64) >= Some(3)).then_some(()))
    })?;

    let node = node.kill_and_restart()?;
    let done = node.until("the end of training", TRAINED_LIMIT, || {
        let now = look(&node)?;
        ensure!(!["failed", "expired", "cancelled"].contains(&text(&now, "/state")), "{now}");
        Ok((text(&now, "/state") == "done").then_some(now))
    })?;
    let account = node.cli(&["account", "show"])?.ok()?;
    let me = text(&account, "/address").to_lowercase();
    let rows = node.cli(&["datanet", "rows", &datanet, "--limit", "100"])?.ok()?;
    let rows = rows.pointer("/items").and_then(Value::as_array).context("rows")?;
    let own = rows.iter().find(|row| text(row, "/contributor").to_lowercase() == me);
    let question = text(own.context("the newcomer's rows")?, "/prompt").to_owned();
    let answer = node.cli(&["chat", text(&done, "/model_name"), "-m", &question])?.ok()?;
    let receipt = text(&answer, "/tributary/receipt_id").to_owned();

    // Between the answer and the epoch's root.
    let node = node.kill_and_restart()?;
    node.until("earnings in a posted root", EARNED_LIMIT, || {
        let earnings = node.cli(&["earnings"])?.ok()?;
        let arrived = wei(&earnings, "/earned")? + wei(&earnings, "/paid")?;
        Ok((arrived > 0).then_some(()))
    })?;
    let verified = node.cli(&["receipt", "verify", &receipt])?;
    ensure!(verified.code == 0, "{verified:?}");
    Ok(())
}
