//! A link whose weather a test makes: latency, resets, half closes, cuts after some bytes, slices, silence, refusal. Kept connections
//! feel a change of weather too.

use crate::crash::rig::Done;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// Every piece waits this long.
    Latency(u64),
    /// The first piece of a connection is read, then it is reset.
    Reset,
    /// The answer's first piece passes, then that direction is shut.
    HalfClose,
    /// This many bytes of each direction pass, then both are closed.
    CutAfter(usize),
    /// A few bytes at a time.
    Slice,
    /// Taken and never answered.
    Blackhole,
    /// Nobody listens.
    Down,
}

/// A link, by the port its client connects to.
pub struct Proxy {
    pub port: u16,
    weather: watch::Sender<Weather>,
    /// When each HTTP request began to pass.
    requests: Arc<Mutex<Vec<Instant>>>,
}

impl Proxy {
    pub async fn open(port: u16, target: SocketAddr) -> Done<Proxy> {
        let (weather, seen) = watch::channel(Weather::Fair);
        let requests = Arc::default();
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        tokio::spawn(accept(listener, port, target, seen, Arc::clone(&requests)));
        Ok(Proxy { port, weather, requests })
    }

    pub fn turn(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn requests(&self) -> Vec<Instant> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

type Requests = Arc<Mutex<Vec<Instant>>>;

async fn accept(first: TcpListener, port: u16, target: SocketAddr, mut weather: watch::Receiver<Weather>, requests: Requests) {
    let mut listener = Some(first);
    loop {
        if *weather.borrow_and_update() == Weather::Down {
            listener = None;
            if weather.changed().await.is_err() {
                return;
            }
            continue;
        }
        let Some(listening) = &listener else {
            listener = TcpListener::bind(("127.0.0.1", port)).await.ok();
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        tokio::select! {
            changed = weather.changed() => if changed.is_err() { return },
            accepted = listening.accept() => if let Ok((near, _)) = accepted {
                tokio::spawn(carry(near, target, weather.clone(), Arc::clone(&requests)));
            },
        }
    }
}

/// Why a connection ended.
enum End {
    Closed,
    Reset,
}

async fn carry(near: TcpStream, target: SocketAddr, weather: watch::Receiver<Weather>, requests: Requests) {
    let Ok(far) = TcpStream::connect(target).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    let forth = pump(near_read, far_write, weather.clone(), Some(requests));
    let back = pump(far_read, near_write, weather, None);
    tokio::pin!(forth, back);
    let (end, write) = tokio::select! {
        (end, write) = &mut forth => match end {
            // The client has said all it wants to say; the answer may still come.
            End::Closed => back.await,
            End::Reset => (End::Reset, write),
        },
        ended = &mut back => ended,
    };
    if let End::Reset = end {
        // Dropped with nothing unsent: a reset, not a close.
        let _ = write.as_ref().set_zero_linger();
    }
}

/// Carries one direction under whatever weather there is.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut weather: watch::Receiver<Weather>, requests: Option<Requests>) -> (End, OwnedWriteHalf) {
    let (mut buffer, mut passed) = (vec![0; 16 * 1024], 0_usize);
    loop {
        let read = tokio::select! {
            changed = weather.changed() => {
                if changed.is_err() || *weather.borrow() == Weather::Down { return (End::Reset, to) }
                continue;
            }
            read = from.read(&mut buffer) => read,
        };
        let Ok(n @ 1..) = read else {
            let _ = to.shutdown().await;
            return (End::Closed, to);
        };
        let piece = &buffer[..n];
        if let Some(requests) = requests.as_ref().filter(|_| piece.starts_with(b"POST ") || piece.starts_with(b"GET ")) {
            requests.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        }
        let now = *weather.borrow();
        let sent = match now {
            Weather::Fair => to.write_all(piece).await,
            Weather::Latency(ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                to.write_all(piece).await
            }
            Weather::Slice => slice(&mut to, piece).await,
            Weather::Blackhole => Ok(()),
            Weather::CutAfter(bytes) => {
                let sent = to.write_all(&piece[..n.min(bytes.saturating_sub(passed))]).await;
                passed += n;
                if passed >= bytes {
                    let _ = to.shutdown().await;
                    return (End::Reset, to);
                }
                sent
            }
            Weather::HalfClose if requests.is_none() => {
                let _ = to.write_all(piece).await;
                let _ = to.shutdown().await;
                return (End::Closed, to);
            }
            Weather::HalfClose => to.write_all(piece).await,
            Weather::Reset | Weather::Down => return (End::Reset, to),
        };
        if sent.is_err() {
            return (End::Reset, to);
        }
    }
}

async fn slice(to: &mut OwnedWriteHalf, piece: &[u8]) -> std::io::Result<()> {
    for bytes in piece.chunks(97) {
        to.write_all(bytes).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}
