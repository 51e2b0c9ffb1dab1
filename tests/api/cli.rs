//! The command line: exit codes, one clear line, every problem of a folder at once, and what `serve` refuses (API8).

use crate::harness::client::send;
use crate::harness::postgres::{Database, on_postgres};
use crate::harness::process::{Running, outcome};
use crate::harness::world::{edit, keep_books_in, scratch, start_sandbox};
use crate::harness::{World, order};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A folder as the sandbox writes it.
fn folder() -> PathBuf {
    let dir = scratch("cli");
    drop(start_sandbox(&dir, 1));
    dir
}

/// The same, with the books on the engine under test.
fn folder_with_books() -> (PathBuf, Option<Database>) {
    let (dir, database) = (folder(), on_postgres().then(Database::fresh));
    database.iter().for_each(|database| keep_books_in(&dir, database));
    (dir, database)
}

fn config(dir: &Path) -> String {
    dir.to_string_lossy().into_owned()
}

#[test]
fn bad_usage_is_2_and_says_how() {
    for arguments in [
        &["fly"][..],
        &[],
        &["serve"],
        &["serve", "--config"],
        &["serve", "--config", "x", "--wings", "2"],
        &["serve", "--config", "x", "--fast", "0"],
        &["serve", "--config", "x", "--fast", "-1"],
        &["serve", "--config", "x", "--listen", "somewhere"],
        &["sandbox", "--control", "9100x"],
        &["demo", "--port", "99999"],
        &["explain", "--config", "x"],
        &["explain", "--config", "x", "not-an-order-id"],
        &["sign", "--key-id", "k", "--secret", "s", "FLY", "/v1/orders"],
        &["sign", "--key-id", "k", "--secret", "s", "GET", "v1/orders"],
        &["--log", "xml", "check", "--config", "x"],
    ] {
        let (code, _, stderr) = outcome(arguments);
        assert_eq!(code, 2, "{arguments:?}: {stderr}");
        assert!(!stderr.trim().is_empty(), "{arguments:?}");
    }
    for help in [&["--help"][..], &["serve", "--help"], &["--version"]] {
        assert_eq!(outcome(help).0, 0);
    }
}

/// Without a folder every sandbox has keys of its own.
#[test]
fn a_sandbox_keeps_its_keys_where_it_is_told_to() {
    let dir = scratch("keys");
    let keys = dir.join("keys");
    let pems = |round: &str, kept: &[&str]| {
        let config = dir.join(round);
        let written = config.to_string_lossy().into_owned();
        let arguments = [&["sandbox", "--control", "127.0.0.1:0", "--write-config", &written][..], kept].concat();
        drop(Running::start(&arguments, &[], &dir.join("log")));
        let accounts = std::fs::read_to_string(config.join("channels.toml")).unwrap();
        let private: Vec<String> = accounts.split("-----BEGIN PRIVATE KEY-----").skip(1).map(|after| after[..200].to_owned()).collect();
        assert!(private.len() > 1, "{accounts}");
        private
    };
    let kept = ["--keys", &keys.to_string_lossy()];
    let (first, second, own) = (pems("first", &kept), pems("second", &kept), pems("own", &[]));
    assert_eq!(first, second);
    assert!(own.iter().all(|key| !first.contains(key)));
    for file in std::fs::read_dir(&keys).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn check_lists_every_problem_on_its_own_line_and_a_good_folder_passes() {
    let dir = folder();
    let (code, stdout, stderr) = outcome(&["check", "--config", &config(&dir)]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("ok"), "{stdout}");
    edit(&dir, "sluice.toml", |old| old.replace("[http]", "[http]\nwings = 2").replace("role = \"admin\"", "role = \"king\""));
    edit(&dir, "channels.toml", |old| old.replace("fee_rate = \"0.006\"", "fee_rate = 0.006").replace("mode = \"direct\"", "mode = \"diretc\""));
    edit(&dir, "merchants.toml", |old| old.replace("id = \"m_other\"", "id = \"m other\""));
    let (code, _, stderr) = outcome(&["check", "--config", &config(&dir)]);
    assert_eq!(code, 1);
    for (file, key) in [("sluice.toml", "http.wings"), ("sluice.toml", "role"), ("channels.toml", "fee_rate"), ("channels.toml", "mode"), ("merchants.toml", "id")] {
        assert!(stderr.lines().any(|line| line.contains(file) && line.contains(key)), "{file} {key} is not in:\n{stderr}");
    }
    for command in ["serve", "migrate"] {
        let (code, _, refused) = outcome(&[command, "--config", &config(&dir)]);
        assert_eq!((code, refused.lines().count()), (1, stderr.lines().count()), "{command}: {refused}");
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn broken_and_missing_folders_are_told_in_one_line_each() {
    let (code, _, stderr) = outcome(&["check", "--config", "/nowhere/at/all"]);
    assert!(code == 1 && stderr.lines().all(|line| line.contains("cannot be read")) && stderr.contains("sluice.toml"), "{stderr}");
    let dir = folder();
    edit(&dir, "channels.toml", |_| "this is [[ no toml".into());
    let (code, _, stderr) = outcome(&["check", "--config", &config(&dir)]);
    assert!(code == 1 && stderr.contains("channels.toml"), "{stderr}");
    std::fs::remove_file(dir.join("merchants.toml")).unwrap();
    let (code, _, stderr) = outcome(&["check", "--config", &config(&dir)]);
    assert!(code == 1 && stderr.contains("merchants.toml") && stderr.contains("channels.toml"), "{stderr}");
    std::fs::remove_dir_all(dir).unwrap();
}

/// What `serve` will not start with. None of these may print `ready`.
#[test]
fn serve_refuses_what_would_be_dangerous() {
    let dir = folder();
    let good = std::fs::read_to_string(dir.join("channels.toml")).unwrap();
    let server = std::fs::read_to_string(dir.join("sluice.toml")).unwrap();
    let second_live = format!("{good}\n{}", good.replace("id = \"wx-main\"", "id = \"wx-live\"").replace("sandbox = true", "sandbox = false"));
    let line = |text: &str, start: &str| text.lines().find(|l| l.starts_with(start)).unwrap().to_owned();
    let seal_key = line(&server, "seal_key = ");
    let token = line(&server, "token = ");
    let cases = [
        ("channels.toml", second_live, "live and sandbox together"),
        ("channels.toml", good.replace("sandbox = true", "sandbox = false"), "a live account at a loopback address"),
        ("channels.toml", good.replace("channel = \"wechat\"", "channel = \"wechta\""), "an unknown channel"),
        ("sluice.toml", server.replace(&seal_key, ""), "no seal key"),
        ("sluice.toml", server.replace(&seal_key, "seal_key = \"00\""), "a short seal key"),
        ("sluice.toml", server.replace(&token, "token = \"admin\""), "a weak operator token"),
        ("sluice.toml", server.replace("sqlite:sluice.sqlite", "mysql://x"), "an unknown store"),
    ];
    for (file, text, what) in cases {
        let kept = std::fs::read_to_string(dir.join(file)).unwrap();
        edit(&dir, file, |_| text.clone());
        let started = Running::try_start(&["serve", "--config", &config(&dir), "--listen", "127.0.0.1:0"], &[], &dir.join("refused.log"));
        assert!(started.is_err(), "{what} was served");
        let (code, stdout, stderr) = outcome(&["serve", "--config", &config(&dir), "--listen", "127.0.0.1:0"]);
        assert_eq!((code, stdout.as_str()), (1, ""), "{what}: {stderr}");
        assert!(stderr.contains(file), "{what}: {stderr}");
        edit(&dir, file, |_| kept.clone());
    }
    std::fs::remove_dir_all(dir).unwrap();
}

/// Secrets sealed with one key are not opened with another: a clear refusal, not a gateway without merchants.
#[test]
fn another_seal_key_is_refused() {
    let (dir, _books) = folder_with_books();
    let arguments = ["serve", "--config", &config(&dir), "--listen", "127.0.0.1:0"];
    drop(Running::start(&arguments, &[], &dir.join("first.log")));
    edit(&dir, "sluice.toml", |old| {
        let line = old.lines().find(|l| l.starts_with("seal_key = ")).unwrap().to_owned();
        old.replace(&line, &format!("seal_key = \"{}\"", "5a3c".repeat(16)))
    });
    let (code, _, stderr) = outcome(&arguments);
    assert!(code == 1 && stderr.contains("cannot unseal"), "{stderr}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn migrate_makes_the_store_and_can_run_again() {
    let (dir, database) = folder_with_books();
    for _ in 0..2 {
        let (code, stdout, stderr) = outcome(&["migrate", "--config", &config(&dir)]);
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.contains("up to date"), "{stdout}");
    }
    match &database {
        Some(database) => database.execute("SELECT id FROM orders").unwrap(),
        None => assert!(dir.join("sluice.sqlite").exists()),
    }
    let unknown = "P00000000000000000000000000";
    let (code, _, stderr) = outcome(&["explain", "--config", &config(&dir), unknown]);
    assert!(code == 1 && stderr.contains(unknown), "{stderr}");
    std::fs::remove_dir_all(dir).unwrap();
}

/// `sluice sign` prints a command that a shell runs and the gateway takes.
#[tokio::test]
async fn a_signed_curl_command_works_as_printed() {
    let world = World::shared();
    let body = order("wechat_native", 100).to_string().replace("一箱苹果", "it's 苹果");
    let base = ["sign", "--key-id", &world.demo.key_id, "--secret", &world.demo.secret, "--base-url", &world.demo.base, "POST", "/v1/orders", &body];
    let (code, line, stderr) = outcome(&base);
    assert_eq!(code, 0, "{stderr}");
    let run = std::process::Command::new("sh").arg("-c").arg(&line).output().unwrap();
    let placed: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    assert_eq!((&placed["status"], &placed["subject"]), (&"pending".into(), &"it's 苹果".into()), "{placed}");
}

/// `explain` tells the life of an order beside a serving gateway.
#[tokio::test]
async fn explain_tells_an_orders_life() {
    let world = World::shared();
    let paid = world.paid(&order("wechat_native", 1280)).await;
    let id = paid["id"].as_str().unwrap();
    let (code, stdout, stderr) = outcome(&["explain", "--config", &config(&world.dir), id]);
    assert_eq!(code, 0, "{stderr}");
    for word in [id, "12.80", "wx-main", "order.paid", paid["merchant_order_no"].as_str().unwrap()] {
        assert!(stdout.contains(word), "{word} is not in:\n{stdout}");
    }
}

/// The printed address is the bound one, and the log can be JSON.
#[tokio::test]
async fn ready_names_the_bound_address_and_logs_can_be_json() {
    let dir = folder();
    let log = dir.join("json.log");
    let arguments = ["--log", "json", "serve", "--config", &config(&dir), "--listen", "127.0.0.1:0"];
    let running = Running::start(&arguments, &[("SLUICE_LOG", "debug")], &log);
    let http = crate::harness::client::http();
    assert_eq!(send(http.get(format!("http://{}/livez", running.address))).await.unwrap().status, 200);
    let text = running.log_text();
    assert!(!text.is_empty());
    for line in text.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
    drop(running);
    std::fs::remove_dir_all(dir).unwrap();
}
