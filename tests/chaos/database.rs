//! A5: the link to the database is cut again and again, half of the times around a COMMIT, and nothing is lost or done twice.

use crate::crash::journey::{MIXED, World};
use crate::crash::judge::judge;
use crate::crash::rig::{Dice, Done, Sandbox, setting};
use crate::harness::books::Database;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

const FAST: u32 = 50;
const PER_SECOND: u64 = 40;
/// A cut that found nothing to cut within this time is made at once, on every connection.
const FIND: Duration = Duration::from_millis(800);

/// Where the next connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// What is written went through, its COMMIT does not.
    BeforeCommit,
    /// Nothing of the piece with the COMMIT went through.
    WithoutTheWrites,
    /// The COMMIT went through, its answer does not.
    AfterCommit,
    /// So many bytes of the next piece from the server go through.
    InAnAnswer(usize),
    /// So many bytes of the next piece from the gateway go through.
    InAQuestion(usize),
    /// Every connection, at once.
    Everything,
}

/// The link: connections pass until the cut that is asked for finds its place.
struct Link {
    port: u16,
    asked: Mutex<Option<Cut>>,
    done: Notify,
    everything: watch::Sender<u64>,
}

impl Link {
    async fn open(target: SocketAddr) -> Done<Arc<Link>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let link = Arc::new(Link { port, asked: Mutex::default(), done: Notify::new(), everything: watch::Sender::new(0) });
        let carrier = Arc::clone(&link);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(Arc::clone(&carrier), near, target));
            }
        });
        Ok(link)
    }

    /// Makes a cut and answers which one it became.
    async fn cut(&self, cut: Cut) -> Cut {
        if cut != Cut::Everything {
            *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(cut);
            if tokio::time::timeout(FIND, self.done.notified()).await.is_ok() || self.taken(|_| true).is_none() {
                return cut;
            }
        }
        self.everything.send_modify(|times| *times += 1);
        Cut::Everything
    }

    /// The cut that is asked for, if it is one of these: then it is no longer asked for.
    fn taken(&self, fits: impl Fn(Cut) -> bool) -> Option<Cut> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = asked.filter(|cut| fits(*cut))?;
        *asked = None;
        self.done.notify_one();
        Some(cut)
    }
}

async fn carry(link: Arc<Link>, near: TcpStream, target: SocketAddr) {
    let Ok(far) = TcpStream::connect(target).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    // The gateway meets a reset; the server reads what was sent before it finds the end.
    let _ = near.set_zero_linger();
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    let mut everything = link.everything.subscribe();
    // Whatever ends first ends both, with a reset.
    tokio::select! {
        _ = everything.changed() => {}
        () = questions(&link, near_read, far_write) => {}
        () = answers(&link, far_read, near_write) => {}
    }
}

/// From the gateway to the server.
async fn questions(link: &Link, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let piece = &buffer[..n];
        // The simple query `COMMIT`: Q, its length, the text.
        let commit = piece.windows(12).position(|w| w == b"Q\0\0\0\x0bCOMMIT\0");
        let cut = link.taken(|cut| match cut {
            Cut::BeforeCommit | Cut::WithoutTheWrites | Cut::AfterCommit => commit.is_some(),
            Cut::InAQuestion(_) => true,
            _ => false,
        });
        let passes = match cut {
            Some(Cut::BeforeCommit) => commit.unwrap_or(0),
            Some(Cut::WithoutTheWrites) => 0,
            Some(Cut::InAQuestion(bytes)) => bytes.min(n),
            _ => n,
        };
        if to.write_all(&piece[..passes]).await.is_err() {
            return;
        }
        if cut.is_some() {
            return;
        }
    }
}

/// From the server to the gateway.
async fn answers(link: &Link, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let cut = link.taken(|cut| matches!(cut, Cut::InAnAnswer(_)));
        let passes = if let Some(Cut::InAnAnswer(bytes)) = cut { bytes.min(n) } else { n };
        if to.write_all(&buffer[..passes]).await.is_err() || cut.is_some() {
            return;
        }
    }
}

fn drawn(dice: &mut Dice) -> Cut {
    match dice.below(8) {
        0 | 1 => Cut::AfterCommit,
        2 => Cut::BeforeCommit,
        3 => Cut::WithoutTheWrites,
        4 => Cut::InAnAnswer(dice.below(400) as usize),
        5 => Cut::InAQuestion(dice.below(4_000) as usize),
        6 => Cut::InAnAnswer(0),
        _ => Cut::Everything,
    }
}

/// `SLUICE_CUTS` cuts (40 if not said) under a mixed load; then everything must come to rest and agree with the channel's ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_link_to_the_database_is_cut_and_nothing_is_lost_or_doubled() -> Done {
    let Some(database) = Database::fresh() else {
        println!("SKIPPED: SLUICE_POSTGRES names no server");
        return Ok(());
    };
    let mut dice = Dice::of_the_day("cut_link");
    let sandbox = Arc::new(Sandbox::start("cuts", FAST).await?);
    let config: tokio_postgres::Config = database.url().parse()?;
    let port = config.get_ports()[0];
    let link = Link::open(([127, 0, 0, 1], port).into()).await?;
    let mut gateway = sandbox.gateway("gateway")?.on(database)?;
    gateway.edit("sluice.toml", &format!(":{port}/"), &format!(":{}/", link.port))?;
    gateway.start(None).await?;
    let world = World::of(&sandbox, &gateway).await?;
    for (api, fault, probability) in [("pay", "lose_response", 0.05), ("callback", "duplicate", 0.1), ("refund", "lose_response", 0.1)] {
        sandbox.fault(api, fault, probability).await?;
    }
    let cuts = setting("SLUICE_CUTS", 40);
    let (tasks, began) = (TaskTracker::new(), Instant::now());
    let cutting = {
        let (link, mut dice) = (Arc::clone(&link), Dice::new(dice.roll()));
        tokio::spawn(async move {
            let mut made = std::collections::BTreeMap::<String, u64>::new();
            for _ in 0..cuts {
                let cut = link.cut(drawn(&mut dice)).await;
                let name = format!("{cut:?}").split('(').next().unwrap_or_default().to_owned();
                *made.entry(name).or_default() += 1;
                tokio::time::sleep(Duration::from_millis(dice.below(120))).await;
            }
            made
        })
    };
    while !cutting.is_finished() {
        world.load(MIXED, PER_SECOND, Duration::from_millis(500), &mut dice, &tasks).await;
    }
    let made = cutting.await?;
    println!("  {cuts} cuts in {:?}: {made:?}", began.elapsed());
    sandbox.heal().await?;
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    let around: u64 = ["AfterCommit", "BeforeCommit", "WithoutTheWrites"].iter().filter_map(|name| made.get(*name)).sum();
    assert!(around * 3 >= cuts, "only {around} of {cuts} cuts were around a COMMIT");
    let log = std::fs::read_to_string(&gateway.log)?;
    let (stored, lost) = (log.matches("took_place=Some(true)").count(), log.matches("took_place=Some(false)").count());
    println!("  unanswered commits: {stored} had taken place, {lost} had not");
    assert!(stored > 0 && lost > 0, "both kinds must have been met");
    gateway.kill().await
}
