//! The generator: kept connections, requests made and signed beforehand, as little work of its own as can be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How a run went.
#[derive(Clone, Debug, Default)]
pub struct Run {
    pub done: usize,
    pub bad: usize,
    pub first_bad: Option<String>,
    pub lasted: Duration,
    /// Sorted. With a pace it counts from when a request was due, not from when it could be sent.
    pub times: Vec<Duration>,
}

impl Run {
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.lasted.as_secs_f64()
    }

    pub fn percentile(&self, percent: usize) -> Duration {
        self.times.get(self.times.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
    }
}

/// Sends every request once over so many connections; `pace`: so many a second, however slow the answers.
pub async fn run(to: SocketAddr, requests: Arc<Vec<Vec<u8>>>, connections: usize, pace: Option<f64>) -> Run {
    let (next, began) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let workers = (0..connections).map(|_| tokio::spawn(worker(to, Arc::clone(&requests), Arc::clone(&next), began, pace)));
    let mut run = Run::default();
    for worker in workers.collect::<Vec<_>>() {
        let part = worker.await.unwrap_or_default();
        run.done += part.done;
        run.bad += part.bad;
        run.first_bad = run.first_bad.or(part.first_bad);
        run.times.extend(part.times);
    }
    run.lasted = began.elapsed();
    run.times.sort_unstable();
    run
}

async fn worker(to: SocketAddr, requests: Arc<Vec<Vec<u8>>>, next: Arc<AtomicUsize>, began: Instant, pace: Option<f64>) -> Run {
    let mut run = Run::default();
    let Ok(mut stream) = TcpStream::connect(to).await else { return run };
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.get(place) else { return run };
        let due = pace.map_or_else(Instant::now, |per_second| began + Duration::from_secs_f64(place as f64 / per_second));
        tokio::time::sleep_until(due.into()).await;
        match exchange(&mut stream, request, &mut buffer).await {
            Ok(200..=299) => run.done += 1,
            other => {
                run.bad += 1;
                run.first_bad.get_or_insert_with(|| format!("{other:?} {}", String::from_utf8_lossy(&buffer)));
                if other.is_err() {
                    return run;
                }
            }
        }
        run.times.push(due.elapsed());
    }
}

/// One request and its answer, left in `buffer`; answers the status.
pub async fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> std::io::Result<u16> {
    stream.write_all(request).await?;
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(head) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|l| l.strip_prefix("content-length: ")).and_then(|n| n.trim().parse().ok()).unwrap_or(0);
            if buffer.len() >= head + 4 + length {
                return Ok(text.get(9..12).and_then(|s| s.parse().ok()).unwrap_or(0));
            }
        }
    }
}

/// The body of the answer in `buffer`.
pub fn body(buffer: &[u8]) -> &[u8] {
    buffer.windows(4).position(|w| w == b"\r\n\r\n").map_or(&[], |head| &buffer[head + 4..])
}
