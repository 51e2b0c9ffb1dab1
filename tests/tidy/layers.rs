//! Dependencies run one way: `domain ← store ← flow ← {http, worker} ← cli`, `outbound` beside `store`. Cargo keeps the crates' edges.

use super::tree::{files, none};

/// A room of `src/` and what it may name as `crate::…`. A room that is not here is an error: think before you add one.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &["domain"]),
    ("store", &["store", "domain", "crash", "config"]),
    ("outbound", &["outbound", "clock", "config"]),
    ("flow", &["flow", "domain", "store", "outbound", "clock", "config", "crash", "telemetry", "channels"]),
    ("worker", &["worker", "flow", "domain", "store", "clock", "telemetry", "crash"]),
    ("http", &["http", "flow", "domain", "store", "outbound", "clock", "config", "merchant_auth", "telemetry", "crash"]),
    ("config", &["config", "channels", "domain"]),
    ("sandbox", &["sandbox", "channels", "clock"]),
    ("boot", &["boot", "channels", "clock", "config", "domain", "flow", "outbound", "store", "telemetry"]),
    ("cli", &["cli", "boot", "channels", "clock", "config", "domain", "http", "merchant_auth", "outbound", "sandbox", "store", "worker", "telemetry", "flow"]),
    ("telemetry", &["domain", "telemetry"]),
    ("clock", &[]),
    ("channels", &[]),
    ("crash", &[]),
    ("merchant_auth", &[]),
    ("lib", &[]),
    ("main", &[]),
];

/// What the pure rooms may not name: time, chance, sockets, the executor.
const IMPURE: &[&str] = &["tokio", "async ", ".await", "SystemTime", "Instant", "std::env", "std::fs", "std::net", "reqwest", "rusqlite", "rand::", "HashMap", "HashSet"];

fn room(path: &str) -> &str {
    path.trim_start_matches("src/").split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

#[test]
fn every_room_imports_only_the_rooms_below_it() {
    let mut violations = Vec::new();
    for source in files("src", ".rs").iter().filter(|s| !s.is_test()) {
        let name = room(&source.path);
        let Some((_, allowed)) = ROOMS.iter().find(|(room, _)| *room == name) else {
            violations.push(format!("{}: the room {name} is not in the table of tests/tidy/layers.rs", source.path));
            continue;
        };
        let code = source.code();
        let mut named: Vec<&str> = code
            .split("crate::")
            .skip(1)
            .map(|rest| rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default())
            .filter(|word| !word.is_empty() && !allowed.contains(word))
            .collect();
        named.sort_unstable();
        named.dedup();
        violations.extend(named.into_iter().map(|word| format!("{}: {name} may not name crate::{word}", source.path)));
    }
    none("imports against the layers", &violations);
}

#[test]
fn the_domain_is_pure() {
    let mut violations = Vec::new();
    for source in files("src/domain", ".rs").iter().filter(|s| !s.is_test()) {
        let code = source.code();
        violations.extend(IMPURE.iter().filter(|word| code.contains(**word)).map(|word| format!("{}: {word}", source.path)));
    }
    none("src/domain is pure", &violations);
}

/// The seeded world replaces clock, store and wire: whatever flow awaits besides them it could not replay.
#[test]
fn flow_knows_no_executor_and_no_socket() {
    let banned = ["tokio::time", "tokio::spawn", "tokio::select", "reqwest", "rusqlite", "axum", "SystemTime", "Instant::", "HashMap", "HashSet"];
    let mut violations = Vec::new();
    for source in files("src/flow", ".rs").iter().filter(|s| !s.is_test()) {
        let code = source.code();
        violations.extend(banned.iter().filter(|word| code.contains(**word)).map(|word| format!("{}: {word}", source.path)));
    }
    none("src/flow awaits the clock, the store and the wire only", &violations);
}

/// Adapters and simulators turn bytes into meaning: no socket, no clock, no task.
#[test]
fn channels_are_sans_io() {
    let banned = ["tokio", "async ", ".await", "SystemTime::now", "Instant::now", "std::net::Tcp", "reqwest", "hyper", "std::thread", "std::env"];
    let mut violations = Vec::new();
    for source in files("channels", ".rs").iter().filter(|s| !s.is_test()) {
        let code = source.code();
        violations.extend(banned.iter().filter(|word| code.contains(**word)).map(|word| format!("{}: {word}", source.path)));
    }
    none("channels do no IO", &violations);
}
