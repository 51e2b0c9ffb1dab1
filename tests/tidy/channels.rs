//! A new channel is one folder, its two crates in `Cargo.toml`, one line in `src/channels.rs`; and a judge does not know the judged.

use super::tree::{files, none, root};
use sluice::channels::CHANNELS;

/// Folders under `channels/` that are no channel.
const SHARED: &[&str] = &["codes", "contract", "kit", "simkit"];

fn folders() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("channels")).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut channels: Vec<String> = folders.filter(|name| !SHARED.contains(&name.as_str())).collect();
    channels.sort();
    channels
}

fn manifest(path: &str) -> toml::Table {
    std::fs::read_to_string(root().join(path)).unwrap().parse().unwrap()
}

#[test]
fn every_channel_stands_in_the_list_and_in_the_workspace() {
    let mut listed: Vec<&str> = CHANNELS.iter().map(|channel| channel.name).collect();
    listed.sort_unstable();
    assert_eq!(listed, folders(), "src/channels.rs and the folders under channels/ differ");
    let root_manifest = manifest("Cargo.toml");
    let members: Vec<&str> = root_manifest["workspace"]["members"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    assert!(members.contains(&"channels/*") && members.contains(&"channels/*/sim"), "{members:?}");
    for channel in folders() {
        for (name, path) in [(format!("sluice-{channel}"), format!("channels/{channel}")), (format!("sluice-{channel}-sim"), format!("channels/{channel}/sim"))] {
            assert_eq!(root_manifest["dependencies"][&name]["path"].as_str(), Some(path.as_str()), "{name} is not built in");
        }
        assert!(root().join(format!("channels/{channel}/README.md")).exists() || root().join("channels/README.md").exists());
    }
}

#[test]
fn a_simulator_does_not_depend_on_the_adapter_it_judges_nor_the_adapter_on_it() {
    for channel in folders() {
        for (crate_path, other) in [(format!("channels/{channel}/sim"), format!("sluice-{channel}")), (format!("channels/{channel}"), format!("sluice-{channel}-sim"))] {
            let manifest = manifest(&format!("{crate_path}/Cargo.toml"));
            for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
                let names: Vec<&String> = manifest.get(section).and_then(toml::Value::as_table).map(|t| t.keys().collect()).unwrap_or_default();
                assert!(!names.iter().any(|name| **name == other), "{crate_path} depends on {other} ({section})");
                assert!(!names.iter().any(|name| *name == "sluice"), "{crate_path} depends on the gateway");
                let others_kit = if crate_path.ends_with("/sim") { "sluice-kit" } else { "sluice-simkit" };
                assert!(!names.iter().any(|name| *name == others_kit), "{crate_path} depends on {others_kit}: judge and judged share no code");
            }
        }
    }
}

#[test]
fn no_use_case_asks_which_channel_it_talks_to() {
    let mut violations = Vec::new();
    for folder in ["src/flow", "src/domain", "src/store", "src/worker"] {
        for source in files(folder, ".rs").iter().filter(|s| !s.is_test()) {
            for channel in folders() {
                let quoted = format!("\"{channel}\"");
                let lines = source.uncommented();
                violations.extend(lines.lines().filter(|line| line.contains(&quoted)).map(|line| format!("{}: {}", source.path, line.trim())));
            }
        }
    }
    none("what differs between channels is in their profiles", &violations);
}
