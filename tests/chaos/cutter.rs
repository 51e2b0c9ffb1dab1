//! A link to the database that is cut once for every cut that is armed: after so many bytes, or exactly at a COMMIT. A cut takes every
//! connection with it, and there are no new ones until the link is healed.

use crate::crash::rig::Done;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The query `COMMIT` as the client sends it, and the server's "it is committed".
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Forth,
    Back,
}

/// Where the link is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// After this many bytes more of one direction, over all connections.
    Bytes(Way, usize),
    /// What precedes a COMMIT has passed, the COMMIT has not: it did not take place.
    BeforeCommit,
    /// The COMMIT has passed; whether the server still takes it is its own affair.
    AtCommit,
    /// The server's answer to a COMMIT does not pass: it took place, and nobody was told.
    BeforeCommitted,
}

/// What the two ends notice of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Both ends are reset, and so is who tries anew until the link is healed.
    Reset,
    /// Nothing, for ever: what is sent is taken and lost. So it is for who tries anew until the link is healed.
    Silence,
    /// Both ends are reset; who tries anew is taken and never answered.
    Hollow,
}

#[derive(Clone, Copy)]
struct State {
    cuts: u64,
    manner: Manner,
    dark: bool,
    /// The cutter is no more.
    over: bool,
}

struct Link {
    target: SocketAddr,
    armed: Mutex<Option<(Place, Manner)>>,
    state: watch::Sender<State>,
}

pub struct Cutter {
    pub port: u16,
    link: Arc<Link>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Cutter {
    pub async fn open(port: u16, target: SocketAddr) -> Done<Cutter> {
        let (state, _) = watch::channel(State { cuts: 0, manner: Manner::Reset, dark: false, over: false });
        let link = Arc::new(Link { target, armed: Mutex::default(), state });
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let accepting = tokio::spawn(accept(listener, Arc::clone(&link)));
        Ok(Cutter { port, link, accepting })
    }

    /// The next time that this place is passed, the link is cut there.
    pub fn arm(&self, place: Place, manner: Manner) {
        *self.link.armed() = Some((place, manner));
    }

    pub fn has_struck(&self) -> bool {
        self.link.state.borrow().dark
    }

    /// New connections pass again.
    pub fn heal(&self) {
        self.link.state.send_modify(|state| state.dark = false);
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.accepting.abort();
        self.link.state.send_modify(|state| *state = State { cuts: state.cuts + 1, manner: Manner::Reset, dark: true, over: true });
    }
}

async fn accept(listener: TcpListener, link: Arc<Link>) {
    while let Ok((near, _)) = listener.accept().await {
        tokio::spawn(carry(near, Arc::clone(&link)));
    }
}

impl Link {
    fn armed(&self) -> MutexGuard<'_, Option<(Place, Manner)>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(&self, manner: Manner) {
        self.state.send_modify(|state| *state = State { cuts: state.cuts + 1, manner, dark: true, over: false });
    }

    /// How much of a piece passes, and whether the link is cut behind that.
    fn passes(&self, way: Way, piece: &[u8]) -> (usize, Option<Manner>) {
        let mut armed = self.armed();
        let Some((place, manner)) = armed.as_mut() else { return (piece.len(), None) };
        let behind = match place {
            Place::Bytes(wanted, left) if *wanted == way => {
                let behind = (*left < piece.len()).then_some(*left);
                *left = left.saturating_sub(piece.len());
                behind
            }
            Place::BeforeCommit if way == Way::Forth => find(piece, COMMIT),
            Place::AtCommit if way == Way::Forth => find(piece, COMMIT).map(|at| at + COMMIT.len()),
            Place::BeforeCommitted if way == Way::Back => find(piece, COMMITTED),
            _ => None,
        };
        let manner = *manner;
        match behind {
            Some(bytes) => {
                *armed = None;
                (bytes, Some(manner))
            }
            None => (piece.len(), None),
        }
    }
}

fn find(piece: &[u8], words: &[u8]) -> Option<usize> {
    piece.windows(words.len()).position(|window| window == words)
}

async fn carry(near: TcpStream, link: Arc<Link>) {
    let mut state = link.state.subscribe();
    let now = *state.borrow_and_update();
    if now.dark {
        if now.manner != Manner::Reset {
            silent(&mut state).await;
        }
        return drop(near.set_zero_linger());
    }
    let Ok(far) = TcpStream::connect(link.target).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    // Together, and each to its end: a half that is dropped would shut its direction.
    let forth = pump(near_read, far_write, Way::Forth, &link, (now.cuts, state.clone()));
    let back = pump(far_read, near_write, Way::Back, &link, (now.cuts, state));
    tokio::join!(forth, back);
}

/// Carries one direction until its end or the cut.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, link: &Link, seen: (u64, watch::Receiver<State>)) {
    let ((born, mut state), mut buffer) = (seen, vec![0; 64 * 1024]);
    loop {
        let read = tokio::select! {
            biased;
            _ = state.wait_for(|state| state.cuts != born) => None,
            read = from.read(&mut buffer) => Some(read),
        };
        let Some(read) = read else {
            if state.borrow().manner == Manner::Silence {
                silent(&mut state).await;
            }
            return drop(to.as_ref().set_zero_linger());
        };
        let Ok(n @ 1..) = read else {
            return drop(to.shutdown().await);
        };
        let (bytes, cut) = link.passes(way, &buffer[..n]);
        let sent = to.write_all(&buffer[..bytes]).await;
        if let Some(manner) = cut {
            link.cut(manner);
        } else if sent.is_err() {
            return;
        }
    }
}

/// Until the cutter is no more.
async fn silent(state: &mut watch::Receiver<State>) {
    let _ = state.wait_for(|state| state.over).await;
}
