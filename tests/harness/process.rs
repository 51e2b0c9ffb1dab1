//! The real binary as a child process that never outlives its test.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The gateway's binary: the one Cargo built for these tests, or `SLUICE_BIN`.
pub fn binary() -> PathBuf {
    std::env::var_os("SLUICE_BIN").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_sluice")), PathBuf::from)
}

/// The key pairs of every pretend channel that tests start: making them anew was most of a suite's processor time. Who tests that they are
/// fresh uses a sandbox of his own.
pub const KEYS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/sandbox-keys");

/// A server that printed `ready http://ADDR`.
pub struct Running {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// Where its stderr goes; a restarted server appends.
    pub log: PathBuf,
}

impl Running {
    /// Starts a server, or tells how it ended instead.
    pub fn try_start(arguments: &[&str], envs: &[(&str, &str)], log: &Path) -> Result<Running, String> {
        let stderr: File = OpenOptions::new().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(binary());
        command.args(arguments).envs(envs.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (tell, told) = mpsc::channel();
        // Ends with the child: reading on keeps its stdout from filling up.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("ready http://") {
                    let _ = tell.send(address.to_owned());
                }
            }
        });
        let mut running = Running { child, address: String::new(), log: log.to_path_buf() };
        match told.recv_timeout(Duration::from_secs(30)) {
            Ok(address) => {
                running.address = address;
                Ok(running)
            }
            Err(_) => {
                running.kill();
                Err(format!("{arguments:?} never was ready:\n{}", running.log_text()))
            }
        }
    }

    pub fn start(arguments: &[&str], envs: &[(&str, &str)], log: &Path) -> Running {
        Running::try_start(arguments, envs, log).unwrap_or_else(|why| panic!("{why}"))
    }

    /// `TERM`, `HUP`, `STOP`, …
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success(), "kill -{name}");
    }

    /// As `kill -9` does: no destructor, no flush.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the process to end by itself.
    pub fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a subcommand to its end.
pub fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Exit code, stdout and stderr of a subcommand.
pub fn outcome(arguments: &[&str]) -> (i32, String, String) {
    let output = run(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}
