//! Connections: TLS, what every session is set to, what kind of server is accepted, and the migrations.

use crate::config::PostgresUrl;
use crate::store::StoreError;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

mod embedded {
    refinery::embed_migrations!("src/store/migrations/postgres");
}

/// `server_version_num` of the oldest server that prunes partitions in an UPDATE.
const SERVER_MIN: i64 = 140_000;
/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Bytes that the peer does not confirm for this long end the connection.
const UNCONFIRMED_MAX: Duration = Duration::from_secs(10);
/// Nodes that start together bring the schema up to date one after the other.
const MIGRATION_LOCK: i64 = 0x5_1001_CE00;

/// Every session: one plan per statement, by key and never through a whole table; and no transaction may hold locks for long when its
/// gateway is gone.
const SESSION: &str = "-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off -c enable_hashjoin=off \
    -c enable_mergejoin=off -c lock_timeout=5s -c statement_timeout=30s -c idle_in_transaction_session_timeout=10s \
    -c client_connection_check_interval=1s -c search_path=public -c timezone=UTC";

/// Where connections go, and what they are made with.
#[derive(Clone)]
pub struct Target {
    pub config: Config,
    pub tls: MakeRustlsConnect,
}

fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError::Failed(error.to_string())
}

impl Target {
    /// Reads the certificates; opens nothing yet.
    pub fn new(url: &PostgresUrl) -> Result<Target, StoreError> {
        let mut config = url.config.clone();
        let options = config.get_options().map(|own| format!("{own} {SESSION}"));
        config.options(options.as_deref().unwrap_or(SESSION)).application_name("sluice");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_MAX);
        }
        if config.get_hosts().len() > 1 {
            // Of several servers the one that takes writes: a standby's answers may be old.
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        config.keepalives_idle(UNCONFIRMED_MAX).tcp_user_timeout(UNCONFIRMED_MAX);
        Ok(Target { config, tls: MakeRustlsConnect::new(tls(url)?) })
    }

    /// A connection; its traffic is carried by a task that ends with it.
    pub async fn connect(&self) -> Result<Client, StoreError> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        tokio::spawn(async move {
            // Whoever uses the client meets the same error.
            let _ = connection.await;
        });
        Ok(client)
    }

    /// Refuses a server that could not keep what we promise, and brings the schema up to date. Nodes may do so at the same time.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut client = self.connect().await?;
        check(&client).await?;
        // The first node may take its time over a large table; the others wait for it.
        client.batch_execute("SET lock_timeout = 0; SET statement_timeout = 0").await?;
        client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await?;
        // The lock ends with the connection.
        embedded::migrations::runner().run_async(&mut client).await.map(|_| ()).map_err(|e| failed(format_args!("migration: {e}")))
    }
}

async fn check(client: &Client) -> Result<(), StoreError> {
    let asked = "SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding'), current_setting('fsync'), \
        current_setting('synchronous_commit')";
    let row = client.query_one(asked, &[]).await?;
    let version: i64 = row.try_get(0).map_err(failed)?;
    let (encoding, fsync, commit): (String, String, String) =
        (row.try_get(1).map_err(failed)?, row.try_get(2).map_err(failed)?, row.try_get(3).map_err(failed)?);
    if version < SERVER_MIN {
        return Err(StoreError::Failed(format!("the server is PostgreSQL {}: at least 14 is needed", version.div_euclid(10_000))));
    }
    if encoding != "UTF8" {
        return Err(StoreError::Failed(format!("the database is encoded in {encoding}: create it with ENCODING 'UTF8'")));
    }
    if fsync != "on" || commit == "off" {
        let told = format!("fsync is {fsync} and synchronous_commit {commit}: an answered order could be lost; both must be on");
        return Err(StoreError::Failed(told));
    }
    Ok(())
}

/// TLS with the server's certificate checked against the file given, or the machine's roots.
fn tls(url: &PostgresUrl) -> Result<ClientConfig, StoreError> {
    let versions = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_safe_default_protocol_versions();
    let builder = versions.map_err(failed)?;
    let Some(path) = &url.root_cert else {
        return Ok(builder.with_platform_verifier().map_err(failed)?.with_no_client_auth());
    };
    let mut roots = RootCertStore::empty();
    let named = |e: &dyn std::fmt::Display| StoreError::Failed(format!("sslrootcert {}: {e}", path.display()));
    for cert in CertificateDer::pem_file_iter(path).map_err(|e| named(&e))? {
        roots.add(cert.map_err(|e| named(&e))?).map_err(|e| named(&e))?;
    }
    if roots.is_empty() {
        return Err(named(&"holds no certificate"));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The server's words with their code, or what is wrong with the connection.
pub fn told(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return format!("{} ({})", db.message(), db.code().code());
    }
    let cause = std::error::Error::source(error).map(ToString::to_string);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> StoreError {
        StoreError::Failed(told(&error))
    }
}
