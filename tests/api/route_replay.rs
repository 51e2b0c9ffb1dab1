//! `sluice route-replay`: what another folder's rules would have done with the orders of the books.

use crate::harness::limits::with_two_accounts;
use crate::harness::process::outcome;
use crate::harness::world::{edit, scratch};
use crate::harness::{World, order};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const ORDERS: usize = 50;
const PAID: usize = 5;

/// Fifty orders of 100 yuan, all at `wx-main`; five are paid.
async fn past() -> World {
    let world = with_two_accounts(&[]).start();
    for number in 0..ORDERS {
        let placed = world.demo.place(&order("wechat_native", 10_000)).await;
        assert_eq!(placed["account"], "wx-main");
        if number < PAID {
            world.control.pay(&placed).await;
            world.demo.until_status(placed["id"].as_str().unwrap(), "paid").await;
        }
    }
    world
}

/// A copy of the world's folder that names the same books.
fn new_folder(world: &World) -> PathBuf {
    let dir = scratch("replay");
    for file in ["sluice.toml", "channels.toml", "merchants.toml", "routing.toml", "limits.toml"] {
        std::fs::copy(world.dir.join(file), dir.join(file)).unwrap();
    }
    let books = format!("sqlite:{}", world.dir.join("sluice.sqlite").display());
    edit(&dir, "sluice.toml", |old| old.replace("sqlite:sluice.sqlite", &books));
    dir
}

fn run(dir: &Path, more: &[&str]) -> (i32, String, String) {
    let dir = dir.to_string_lossy();
    let base = ["route-replay", "--config", &dir, "--from", "2020-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z"];
    outcome(&[base.as_slice(), more].concat())
}

fn json_of(dir: &Path, more: &[&str]) -> Value {
    let (code, stdout, stderr) = run(dir, &[&["--json"], more].concat());
    assert_eq!(code, 0, "{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}"))
}

fn row<'a>(told: &'a Value, account: &str) -> &'a Value {
    told["accounts"].as_array().unwrap().iter().find(|row| row["account"] == account).unwrap_or_else(|| panic!("{account}: {told}"))
}

#[tokio::test]
async fn a_round_robin_of_equals_would_have_split_the_past_in_halves() {
    let world = past().await;
    let dir = new_folder(&world);
    let rule = "[[rule]]\nname = \"turns\"\nwhen = \"order.method == 'wechat_native'\"\nstrategy = \"round_robin\"\naccounts = [{ id = \"wx-main\" }, { id = \"wx-second\" }]\n";
    edit(&dir, "routing.toml", |old| format!("{old}\n{rule}"));
    let told = json_of(&dir, &[]);
    assert_eq!((&told["orders"], &told["changed"], &told["refused"]["orders"]), (&json!(50), &json!(25), &json!(0)), "{told}");
    for (account, then) in [("wx-main", 1_000_000), ("wx-second", 0)] {
        let row = row(&told, account);
        assert_eq!((&row["then"]["share_ppm"], &row["new"]["share_ppm"]), (&json!(then), &json!(500_000)), "{row}");
    }
    let (code, table, stderr) = run(&dir, &[]);
    assert_eq!(code, 0, "{stderr}");
    let halves = table.lines().filter(|line| line.starts_with("wx-")).filter(|line| line.split('|').nth(2).unwrap().contains("50.00 %"));
    assert_eq!(halves.count(), 2, "{table}");
    std::fs::remove_dir_all(dir).unwrap();
}

/// Another order of the file, another price, another amount range: what can be told without a rule.
#[tokio::test]
async fn another_folder_tells_what_would_change_of_shares_fees_and_refusals() {
    let world = past().await;
    let dir = new_folder(&world);
    edit(&dir, "channels.toml", |old| {
        let (head, tables) = old.split_once("[[account]]").unwrap();
        let mut tables: Vec<&str> = tables.split("[[account]]").collect();
        // `wx-second` is the last: it goes first, at half the price.
        let second = tables.pop().unwrap().replace("fee_rate = \"0.006\"", "fee_rate = \"0.003\"");
        assert!(second.contains("wx-second") && second.contains("0.003"), "{second}");
        let rest: String = tables.iter().map(|table| format!("[[account]]{table}\n")).collect();
        format!("{head}[[account]]{second}\n{rest}")
    });
    let told = json_of(&dir, &[]);
    assert_eq!((&told["orders"], &told["changed"], &told["refused"]["orders"]), (&json!(50), &json!(50), &json!(0)), "{told}");
    let (main, second) = (row(&told, "wx-main"), row(&told, "wx-second"));
    assert_eq!((&main["then"]["orders"], &main["then"]["fee_fen"], &main["new"]["orders"]), (&json!(50), &json!(300), &json!(0)), "{told}");
    assert_eq!((&second["then"]["orders"], &second["new"]["orders"], &second["new"]["fee_fen"]), (&json!(0), &json!(50), &json!(150)), "{told}");
    assert_eq!((&second["new"]["success_ppm_estimated"], &second["new"]["orders_without_estimate"]), (&json!(null), &json!(50)));
    // Of another merchant nothing; of a time without orders nothing.
    assert_eq!(json_of(&dir, &["--merchant", "m_other"])["orders"], 0);
    assert_eq!(json_of(&dir, &["--merchant", "m_demo"])["orders"], 50);
    // Operators' switches stay in force: nobody is left.
    world.ops.post("/ops/v1/accounts/wx-main/drain").await.expect(200);
    let weight = json!({"weight": 0, "reason": "a test"});
    world.ops.call("POST", "/ops/v1/accounts/wx-second/weight", Some(&weight)).await.expect(200);
    let told = json_of(&dir, &[]);
    assert_eq!(told["refused"]["orders"], 50, "{told}");
    assert_eq!(told["refused"]["paid_then"], 5);
    let (code, table, stderr) = run(&dir, &[]);
    assert_eq!(code, 0, "{stderr}");
    for line in ["50  account draining, weight zero", "in force as switched now: wx-second weight 0; wx-main draining", "50 orders, of which 5 had been paid"] {
        assert!(table.contains(line), "{line} is not in:\n{table}");
    }
    std::fs::remove_dir_all(dir).unwrap();
}

/// A folder without the seal key still answers; what it cannot know it says in one line.
#[tokio::test]
async fn orders_sealed_with_another_key_are_asked_without_their_payer() {
    let world = past().await;
    let dir = new_folder(&world);
    edit(&dir, "sluice.toml", |old| {
        let line = old.lines().find(|line| line.starts_with("seal_key = ")).unwrap().to_owned();
        old.replace(&line, &format!("seal_key = \"{}\"", "5a3c".repeat(16)))
    });
    let told = json_of(&dir, &[]);
    assert_eq!((&told["orders"], &told["changed"]), (&json!(50), &json!(0)));
    assert!(told["notes"].as_array().unwrap().iter().any(|note| note.as_str().unwrap().starts_with("50 orders are sealed")), "{told}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
async fn what_cannot_be_replayed_is_refused_in_one_clear_line() {
    let world = World::shared();
    let dir = world.dir.to_string_lossy().into_owned();
    let (from, to) = ("2026-11-23T00:00:00+08:00", "2026-11-24T00:00:00+08:00");
    for (arguments, code, word) in [
        (vec!["--config", &dir, "--from", "yesterday", "--to", to], 2, "--from"),
        (vec!["--config", &dir, "--from", from, "--to", "2026-11-24"], 2, "--to"),
        (vec!["--config", &dir, "--from", to, "--to", from], 2, "--to"),
        (vec!["--config", &dir, "--from", from], 2, "--to"),
        (vec!["--config", &dir, "--from", from, "--to", to, "--merchant", "m_nobody"], 1, "m_nobody"),
        (vec!["--config", "/nowhere", "--from", from, "--to", to], 1, "sluice.toml"),
    ] {
        let arguments: Vec<&str> = std::iter::once("route-replay").chain(arguments).collect();
        let (got, stdout, stderr) = outcome(&arguments);
        assert_eq!((got, stdout.as_str()), (code, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(word), "{word} is not in: {stderr}");
    }
    let (code, stdout, stderr) = outcome(&["route-replay", "--config", &dir, "--from", from, "--to", to]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("0 orders from 2026-11-23T00:00:00"), "{stdout}");
}
