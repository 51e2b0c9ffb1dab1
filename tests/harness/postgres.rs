//! PostgreSQL for tests: `SLUICE_POSTGRES` names the server that `tests/run` starts (`tests/postgres`), `SLUICE_STORE=postgres` makes the
//! suites keep their books there. Everything here may be called from anywhere: it runs on a thread and a runtime of its own.

use super::unique;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio_postgres::{Client, NoTls};

/// What a sandbox writes into `sluice.toml`.
pub const SQLITE_URL: &str = "sqlite:sluice.sqlite";

/// Which engine the suites run on.
pub fn on_postgres() -> bool {
    match std::env::var("SLUICE_STORE").as_deref() {
        Ok("postgres") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("SLUICE_STORE is {other}: it must be sqlite or postgres"),
    }
}

/// Runs to its end beside whatever runtime the caller is in.
fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(move || runtime().block_on(work)).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A connection whose traffic is carried by a task of the caller's runtime.
pub async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn run(url: &str, statements: &[&str]) {
    let (url, statements): (String, Vec<String>) = (url.to_owned(), statements.iter().map(|&text| text.to_owned()).collect());
    apart(async move {
        let client = connect(&url).await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        for sql in statements {
            client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        }
    });
}

/// A database that nobody else uses; dropped in the end unless the test failed.
pub struct Database {
    server: String,
    pub name: String,
}

impl Database {
    /// An empty one on the server of `SLUICE_POSTGRES`.
    pub fn fresh() -> Database {
        let server = std::env::var("SLUICE_POSTGRES").expect("SLUICE_POSTGRES must name a server: tests/run starts one (tests/postgres)");
        Database::on(&server)
    }

    /// As [`Database::fresh`]; `None` where nothing names a server.
    pub fn if_there_is_a_server() -> Option<Database> {
        std::env::var("SLUICE_POSTGRES").ok().map(|server| Database::on(&server))
    }

    /// An empty one on this server.
    pub fn on(server: &str) -> Database {
        let name = format!("t_{}", unique());
        // From the template that nobody is ever connected to, so that many can be made at once.
        run(server, &[&format!("CREATE DATABASE {name} TEMPLATE template0")]);
        Database { server: server.to_owned(), name }
    }

    /// Its URL: the server's with another database.
    pub fn url(&self) -> String {
        format!("{}/{}", self.server.rsplit_once('/').unwrap().0, self.name)
    }

    /// Executes SQL in it; the server's refusal.
    pub fn execute(&self, sql: &str) -> Result<(), String> {
        let (url, sql) = (self.url(), sql.to_owned());
        apart(async move {
            let client = connect(&url).await.unwrap();
            client.batch_execute(&sql).await.map_err(|e| e.as_db_error().map_or_else(|| e.to_string(), |e| e.message().to_owned()))
        })
    }

    /// One number.
    pub fn count(&self, sql: &str) -> i64 {
        let (url, sql) = (self.url(), sql.to_owned());
        apart(async move { connect(&url).await.unwrap().query_one(&sql, &[]).await.unwrap().get(0) })
    }

    /// The text of every row of every table, bytes as hex.
    pub fn dump(&self) -> String {
        let url = self.url();
        apart(async move {
            let client = connect(&url).await.unwrap();
            let tables = client.query("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'", &[]).await.unwrap();
            let mut dump = String::new();
            for table in &tables {
                let table: &str = table.get(0);
                for row in client.query(&format!("SELECT t::text FROM \"{table}\" t"), &[]).await.unwrap() {
                    dump.push_str(&format!("{table} {}\n", row.get::<_, &str>(0)));
                }
            }
            dump
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("left for reading: {}", self.url());
            return;
        }
        let (server, drop) = (self.server.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // The server may be gone before its database: then there is nothing to drop.
        apart(async move {
            if let Ok(client) = connect(&server).await {
                let _ = client.batch_execute(&drop).await;
            }
        });
    }
}

/// A server of a test's own, for tests that stop it or change its settings.
pub struct Server {
    dir: PathBuf,
    pub url: String,
}

impl Server {
    /// Beside the server that `tests/run` started, so that `tests/run` removes it too if this process is killed.
    pub fn start(name: &str) -> Server {
        let beside = std::env::var_os("SLUICE_POSTGRES_DIR").and_then(|dir| Some(Path::new(&dir).parent()?.to_path_buf()));
        let dir = beside.unwrap_or_else(std::env::temp_dir).join(format!("sluice-{name}-{}", std::process::id()));
        let url = script("start", &dir, None);
        Server { dir, url }
    }

    /// Kills its processes as they are.
    pub fn kill(&self) {
        script("halt", &self.dir, Some("immediate"));
    }

    /// Starts it again where it was; it recovers what was committed.
    pub fn resume(&self) {
        assert_eq!(script("start", &self.dir, None), self.url, "it moved");
    }

    /// Changes a setting for every transaction from now on; `None`: back to what it was.
    pub fn set(&self, name: &str, value: Option<&str>) {
        let change = value.map_or_else(|| format!("ALTER SYSTEM RESET {name}"), |value| format!("ALTER SYSTEM SET {name} = {value}"));
        run(&self.url, &[&change, "SELECT pg_reload_conf()"]);
    }
}

impl Server {
    /// Gives it a certificate for `localhost`, and answers the file of the root that signed it. From now on it takes TLS too.
    pub fn secure(&self) -> PathBuf {
        let data = self.dir.join("data");
        let root = Authority::new();
        for (file, pem) in [("server.crt", &root.server_cert), ("server.key", &root.server_key)] {
            std::fs::write(data.join(file), pem).unwrap();
        }
        let done = Command::new("sh").current_dir(&data).args(["-c", "chown --reference=. server.* && chmod 600 server.*"]).status().unwrap();
        assert!(done.success());
        self.set("ssl", Some("on"));
        root.save(&self.dir.join("root.pem"))
    }

    /// A root that signed nothing of this server's.
    pub fn other_root(&self) -> PathBuf {
        Authority::new().save(&self.dir.join("other.pem"))
    }
}

/// A root and what it signs.
struct Authority {
    root_cert: String,
    server_cert: String,
    server_key: String,
}

impl Authority {
    fn new() -> Authority {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut root = rcgen::CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        root.distinguished_name.push(rcgen::DnType::CommonName, unique());
        let root_cert = root.self_signed(&key).unwrap().pem();
        let server_key = rcgen::KeyPair::generate().unwrap();
        let server = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let issuer = rcgen::Issuer::new(root, key);
        let server_cert = server.signed_by(&server_key, &issuer).unwrap().pem();
        Authority { root_cert, server_cert, server_key: server_key.serialize_pem() }
    }

    fn save(&self, path: &Path) -> PathBuf {
        std::fs::write(path, &self.root_cert).unwrap();
        path.to_path_buf()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("left for reading: {}", self.dir.display());
            let _ = Command::new(root("tests/postgres")).arg("halt").arg(&self.dir).arg("immediate").status();
        } else {
            script("stop", &self.dir, None);
        }
    }
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs `tests/postgres`; the last line of what it prints.
fn script(act: &str, dir: &Path, mode: Option<&str>) -> String {
    let mut command = Command::new(root("tests/postgres"));
    command.arg(act).arg(dir).args(mode);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}
