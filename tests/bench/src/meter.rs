//! What is measured: processor time and memory of the gateway's process, and one RSA-2048 signature in the same run as the yardstick.

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::{rand::SystemRandom, signature};
use std::time::Duration;

/// Ticks a second of `/proc/*/stat` on Linux.
const TICK: Duration = Duration::from_millis(10);

/// User and system time out of a `stat` file.
fn cpu_of(path: &str) -> Duration {
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    // The name in parentheses may hold spaces: fields count from behind it.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |place: usize| fields.get(place).and_then(|f| f.parse::<u32>().ok()).unwrap_or(0);
    TICK * (ticks(11) + ticks(12))
}

/// Processor time this thread has used.
pub fn thread_cpu() -> Duration {
    cpu_of("/proc/thread-self/stat")
}

/// Processor time a process has used.
pub fn cpu(pid: u32) -> Duration {
    cpu_of(&format!("/proc/{pid}/stat"))
}

/// Fields of a `stat` file behind the name; none if the process is gone.
fn fields(pid: u32) -> Vec<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().unwrap_or_default().split(' ').map(|field| field.parse().unwrap_or(0)).collect()
}

pub fn parent(pid: u32) -> Option<u32> {
    fields(pid).get(1).copied().filter(|parent| *parent > 0)
}

/// Processor time of a process and its children, those that have ended included.
pub fn family(pid: u32) -> Duration {
    let own: u32 = fields(pid).get(11..15).unwrap_or_default().iter().sum();
    let everyone = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = everyone.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    let children: u32 =
        pids.map(fields).filter(|f| f.get(1) == Some(&pid)).filter_map(|f| f.get(11..13).map(|t| t.iter().sum::<u32>())).sum();
    TICK * (own + children)
}

/// A line of `/proc/PID/status` in MiB: `VmRSS`, `VmHWM`.
pub fn memory_mib(pid: u32, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let value = status.lines().find_map(|l| l.strip_prefix(line)).and_then(|l| l.split_whitespace().next());
    value.and_then(|kib| kib.parse::<f64>().ok()).map_or(f64::NAN, |kib| kib / 1024.0)
}

/// Processor time by the gateway's threads' names: who does the work.
pub fn threads(pid: u32) -> Vec<(String, Duration)> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut all: std::collections::BTreeMap<String, Duration> = std::collections::BTreeMap::new();
    for task in tasks {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default().trim().to_owned();
        *all.entry(name).or_default() += cpu_of(&task.path().join("stat").to_string_lossy());
    }
    all.into_iter().collect()
}

/// One RSA-2048 signature, in processor time of this thread: the least of several batches, so that neighbours count little.
pub struct Yardstick(KeyPair);

impl Yardstick {
    pub fn new() -> Yardstick {
        Yardstick(KeyPair::generate(KeySize::Rsa2048).expect("a key"))
    }

    pub fn one_signature(&self) -> Duration {
        const SIGNATURES: u32 = 1_000;
        let (random, message) = (SystemRandom::new(), [7_u8; 500]);
        let mut signed = vec![0; self.0.public_modulus_len()];
        let batch = |signed: &mut Vec<u8>| {
            let before = cpu_of("/proc/thread-self/stat");
            for _ in 0..SIGNATURES {
                self.0.sign(&signature::RSA_PKCS1_SHA256, &random, &message, signed).expect("a signature");
            }
            (cpu_of("/proc/thread-self/stat") - before) / SIGNATURES
        };
        (0..5).map(|_| batch(&mut signed)).min().unwrap_or_default()
    }
}
