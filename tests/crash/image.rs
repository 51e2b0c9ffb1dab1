//! A3: power loss. What is on the disk at a random instant, its log cut at a random byte, must open and hold what was acknowledged.

use super::books::Books;
use super::journey::{MIXED, World};
use super::judge::judge;
use super::merchant::open;
use super::rig::{Dice, Done, Gateway, Sandbox, setting, sluice};
use crate::harness::postgres::on_postgres;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// An order that was answered, and how long the write-ahead log was at that moment: its commit lies before that.
#[derive(Clone)]
struct Acked {
    id: String,
    salt: Vec<u8>,
    wal_bytes: u64,
}

/// The log's salt (it changes when the log starts anew) and its length.
fn wal_state(database: &Path) -> Option<(Vec<u8>, u64)> {
    let path = database.with_extension("sqlite-wal");
    let mut head = [0; 24];
    std::io::Read::read_exact(&mut std::fs::File::open(&path).ok()?, &mut head).ok()?;
    Some((head[16..].to_vec(), path.metadata().ok()?.len()))
}

/// `SLUICE_IMAGES` images (10 if not said): the gateway is frozen at a random instant, database and log are copied, the log is cut at
/// a random byte, and the image must open with every commit of the kept part and no broken invariant.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn power_loss_keeps_every_commit_of_the_kept_part() -> Done {
    if on_postgres() {
        println!("SKIPPED: about SQLite's files; PostgreSQL's counterpart is crash::server::the_server_dies_under_load");
        return Ok(());
    }
    let mut dice = Dice::of_the_day("power_loss");
    let sandbox = Arc::new(Sandbox::start("power", 50).await?);
    let mut gateway = sandbox.gateway("gateway")?;
    gateway.start(None).await?;
    let database = gateway.dir.join("sluice.sqlite");
    let world = World::of(&sandbox, &gateway).await?;
    let tasks = TaskTracker::new();
    let acked: Arc<Mutex<Vec<Acked>>> = Arc::default();
    let images = setting("SLUICE_IMAGES", 10);
    let (mut checked, mut kept) = (0, 0);
    while checked < images {
        let loading = tokio::spawn(ack_orders(Arc::clone(&world), database.clone(), Arc::clone(&acked), Dice::new(dice.roll())));
        world.load(MIXED, 30, Duration::from_millis(200 + dice.below(600)), &mut dice, &tasks).await;
        let frozen = freeze(&gateway, &database)?;
        loading.abort();
        for _ in 0..5.min(images - checked) {
            let cut = dice.below(frozen.wal.len() as u64 + 1);
            let acked_so_far = open(&acked).clone();
            kept += image_opens(&gateway, &frozen, cut, &acked_so_far).await?;
            checked += 1;
        }
    }
    println!("  {checked} images opened; {kept} acknowledged orders had to be in them and were");
    assert!(kept > 0, "no image had to keep anything");
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    Ok(())
}

/// Orders one after the other, each noted with the length of the log right after its answer.
async fn ack_orders(world: Arc<World>, database: std::path::PathBuf, acked: Arc<Mutex<Vec<Acked>>>, mut dice: Dice) {
    loop {
        let body = world.body("wechat_native", &mut dice);
        if let Some((201, order)) = world.merchant.place(&body).await
            && let (Some(id), Some((salt, wal_bytes))) = (order["id"].as_str(), wal_state(&database))
        {
            open(&acked).push(Acked { id: id.to_owned(), salt, wal_bytes });
        }
    }
}

struct Frozen {
    database: Vec<u8>,
    wal: Vec<u8>,
}

fn freeze(gateway: &Gateway, database: &Path) -> Done<Frozen> {
    let pid = gateway.pid().ok_or("it does not run")?.to_string();
    let signal = |name: &str| std::process::Command::new("kill").args([name, &pid]).status();
    signal("-STOP")?;
    let copy = std::fs::read(database).and_then(|db| Ok(Frozen { database: db, wal: std::fs::read(database.with_extension("sqlite-wal"))? }));
    signal("-CONT")?;
    Ok(copy?)
}

/// Opens a cut image with the product's own command and answers how many acknowledged orders it had to hold.
async fn image_opens(gateway: &Gateway, frozen: &Frozen, cut: u64, acked: &[Acked]) -> Done<u64> {
    let image = gateway.dir.join("image");
    let _ = std::fs::remove_dir_all(&image);
    std::fs::create_dir_all(&image)?;
    for file in ["sluice.toml", "merchants.toml", "channels.toml", "routing.toml", "limits.toml"] {
        std::fs::copy(gateway.dir.join(file), image.join(file))?;
    }
    let path = image.join("sluice.sqlite");
    std::fs::write(&path, &frozen.database)?;
    std::fs::write(path.with_extension("sqlite-wal"), &frozen.wal[..cut as usize])?;
    let opened = std::process::Command::new(sluice()).args(["migrate", "--config"]).arg(&image).output()?;
    assert!(opened.status.success(), "cut at {cut}: {}", String::from_utf8_lossy(&opened.stderr));
    let conn = rusqlite::Connection::open(&path)?;
    let text = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, String>(0));
    assert_eq!(text("PRAGMA integrity_check")?, "ok", "cut at {cut}");
    assert_eq!(text("PRAGMA journal_mode")?, "wal");
    assert_eq!(Books::in_file(&path).broken().await?, Vec::<String>::new(), "cut at {cut}");
    let salt = frozen.wal.get(16..24).unwrap_or_default();
    // A commit acknowledged in an earlier log has been folded into the database.
    let needed = acked.iter().filter(|a| a.salt != salt || a.wal_bytes <= cut);
    let mut held = 0;
    for order in needed {
        let found = conn.query_row("SELECT COUNT(*) FROM orders WHERE id = ?1", [&order.id], |row| row.get::<_, i64>(0))?;
        assert_eq!(found, 1, "{} was acknowledged within the first {} bytes of the log, of which {cut} are kept", order.id, order.wal_bytes);
        held += 1;
    }
    Ok(held)
}

/// A store that cannot have a write-ahead log is refused at boot, with one clear line.
#[test]
fn a_store_without_its_journal_mode_is_refused() -> Done {
    if on_postgres() {
        println!("SKIPPED: about SQLite's files; PostgreSQL's counterpart is crash::server::a_server_that_may_lose_commits_is_refused");
        return Ok(());
    }
    let folder = super::rig::Folder::new("mode")?;
    let path = folder.0.join("locked.sqlite");
    let other = rusqlite::Connection::open(&path)?;
    other.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE x (y); BEGIN EXCLUSIVE; INSERT INTO x VALUES (1);")?;
    let opened = sluice::store::sqlite::Engine::open(&path.to_string_lossy());
    assert!(opened.is_err(), "it opened a database that it cannot put into WAL mode");
    Ok(())
}
