//! `[store] url`: which engine keeps the books, and where.

use super::secret::Source;
use sluice_contract::Reader;
use std::path::{Path, PathBuf};
use tokio_postgres::config::{Config, Host, SslMode};

/// Where the books are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// Absolute, or relative to the working directory when the config folder was.
    Sqlite(PathBuf),
    Postgres(Box<PostgresUrl>),
}

/// A PostgreSQL server and what makes us trust it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresUrl {
    /// Its `Debug` hides the password.
    pub config: Config,
    /// PEM with the roots that sign the server's certificate; `None`: the machine's.
    pub root_cert: Option<PathBuf>,
}

impl StoreUrl {
    /// What a person calls it: no password in it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            StoreUrl::Sqlite(path) => path.to_string_lossy().into_owned(),
            StoreUrl::Postgres(url) => url.name(),
        }
    }
}

impl PostgresUrl {
    #[must_use]
    pub fn name(&self) -> String {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.to_string_lossy().into_owned(),
            None => String::new(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        format!("postgres://{host}:{port}/{}", self.config.get_dbname().or(self.config.get_user()).unwrap_or_default())
    }
}

pub(super) fn read(table: &Reader<'_>, source: Source<'_>) -> Option<StoreUrl> {
    if table.raw("url").is_none() {
        table.missing("url");
    }
    let secret = source.secret(table, "url")?;
    let text = secret.expose();
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return match postgres(text, source.dir) {
            Ok(url) => Some(StoreUrl::Postgres(Box::new(url))),
            Err(reason) => {
                table.problem("url", reason);
                None
            }
        };
    }
    match text.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() && !path.starts_with("//") && !path.starts_with(':') => {
            Some(StoreUrl::Sqlite(source.dir.join(path)))
        }
        _ => {
            table.problem(
                "url",
                "must be sqlite:PATH, where PATH is a file, relative to this folder, or postgres://USER:PASSWORD@HOST/DATABASE",
            );
            None
        }
    }
}

/// `sslmode` and `sslrootcert` are read here, because their meaning is stricter than libpq's: TLS always checks the server's certificate,
/// and only loopback, a socket file or an explicit `sslmode=disable` goes without TLS.
fn postgres(text: &str, dir: &Path) -> Result<PostgresUrl, String> {
    let (base, query) = text.split_once('?').unwrap_or((text, ""));
    let (mut mode, mut root_cert, mut kept) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", word)) => mode = Some(word),
            Some(("sslrootcert", path)) => root_cert = Some(dir.join(path)),
            _ => kept.push(pair),
        }
    }
    let rest = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
    // The parser's own message may quote the text, and the text may hold a password.
    let unreadable = |_| "must be postgres://USER:PASSWORD@HOST:PORT/DATABASE; special characters in the password as %XX".to_owned();
    let mut config: Config = rest.parse().map_err(unreadable)?;
    if config.get_hosts().is_empty() || config.get_user().is_none() {
        return Err("needs a user and a host: postgres://USER:PASSWORD@HOST:PORT/DATABASE".to_owned());
    }
    let near = config.get_hosts().iter().all(is_near);
    config.ssl_mode(match mode {
        Some("disable") => SslMode::Disable,
        None | Some("prefer" | "allow") if near => SslMode::Prefer,
        None | Some("prefer" | "allow" | "require" | "verify-ca" | "verify-full") => SslMode::Require,
        Some(_) => return Err("sslmode must be disable, prefer, require, verify-ca or verify-full".to_owned()),
    });
    Ok(PostgresUrl { config, root_cert })
}

fn is_near(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

#[cfg(test)]
mod tests {
    use super::postgres;
    use std::path::Path;
    use tokio_postgres::config::SslMode;

    fn mode(text: &str) -> Result<SslMode, String> {
        postgres(text, Path::new("conf")).map(|url| url.config.get_ssl_mode())
    }

    #[test]
    fn tls_is_left_out_only_near_by_or_on_demand() {
        assert_eq!(mode("postgres://u@127.0.0.1/d"), Ok(SslMode::Prefer));
        assert_eq!(mode("postgres://u@%2Frun%2Fpg/d"), Ok(SslMode::Prefer));
        assert_eq!(mode("postgres://u@db.example/d"), Ok(SslMode::Require));
        assert_eq!(mode("postgres://u@db.example/d?sslmode=prefer"), Ok(SslMode::Require));
        assert_eq!(mode("postgres://u@db.example/d?sslmode=disable"), Ok(SslMode::Disable));
        assert_eq!(mode("postgres://u@127.0.0.1,db.example/d"), Ok(SslMode::Require));
    }

    #[test]
    fn the_certificate_and_other_parameters_are_kept() -> Result<(), String> {
        let url = postgres("postgres://u@db.example/d?sslrootcert=ca.pem&connect_timeout=3&sslmode=verify-full", Path::new("conf"))?;
        assert_eq!(url.root_cert.as_deref(), Some(Path::new("conf/ca.pem")));
        assert_eq!(url.config.get_connect_timeout(), Some(&std::time::Duration::from_secs(3)));
        Ok(())
    }

    #[test]
    fn no_problem_and_no_name_quotes_the_password() -> Result<(), String> {
        for text in ["postgres://u:hunter2@h:port/d", "postgres://u:hunter2@h/d?sslmode=yes", "postgres://:hunter2@/"] {
            let reason = postgres(text, Path::new("conf")).err().unwrap_or_default();
            assert!(!reason.is_empty() && !reason.contains("hunter2"), "{text}: {reason}");
        }
        let url = postgres("postgres://u:hunter2@h:5433/d", Path::new("conf"))?;
        assert_eq!(url.name(), "postgres://h:5433/d");
        assert!(!format!("{url:?}").contains("hunter2"), "{url:?}");
        Ok(())
    }
}
