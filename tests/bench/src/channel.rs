//! The channel and the merchant's receiver, inside the bench. The channel is the simulator with fixed keys. Canned, it answers every
//! payment with one true answer of the simulator, made anew every other second, so that its own signing costs nothing here.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sluice_contract::{Headers, HttpReply, Millis, Verb};
use sluice_simkit::{Call, Delivery, Outcome, Simulator};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

pub struct Channel {
    sim: Mutex<Box<dyn Simulator>>,
    canned: AtomicBool,
    can: Mutex<Option<(Instant, HttpReply)>>,
    pub calls: AtomicU64,
}

pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or_default())
}

impl Channel {
    pub async fn open() -> std::io::Result<(Arc<Channel>, SocketAddr)> {
        let sim = Mutex::new(sluice_wechat_sim::fixed(7));
        let channel = Arc::new(Channel { sim, canned: AtomicBool::new(true), can: Mutex::default(), calls: AtomicU64::new(0) });
        let served = Arc::clone(&channel);
        let address = serve(move |call| served.answer(&call)).await?;
        Ok((channel, address))
    }

    fn sim(&self) -> MutexGuard<'_, Box<dyn Simulator>> {
        self.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn account_toml(&self, base_url: &str) -> String {
        self.sim().account_toml(base_url)
    }

    /// Whether payments get the canned answer, or the simulator books each of them.
    pub fn can(&self, canned: bool) {
        self.canned.store(canned, Ordering::Relaxed);
    }

    fn answer(&self, call: &Call) -> HttpReply {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if !self.canned.load(Ordering::Relaxed) {
            return self.sim().serve(call, now(), None);
        }
        let mut can = self.can.lock().unwrap_or_else(PoisonError::into_inner);
        match can.as_ref().filter(|(made, _)| made.elapsed() < Duration::from_secs(2)) {
            Some((_, reply)) => reply.clone(),
            None => {
                let reply = self.sim().serve(call, now(), None);
                *can = Some((Instant::now(), reply.clone()));
                reply
            }
        }
    }

    /// Everybody pays; the callbacks, signed now, are held here.
    pub fn callbacks(&self, contents: &[String]) -> Vec<Delivery> {
        let mut sim = self.sim();
        for content in contents {
            let _ = sim.scan(&sluice_simkit::Scan::of(content, Outcome::Pay), now());
        }
        sim.due(now(), &mut || None)
    }
}

/// A trivial receiver: counts and answers 204.
pub async fn receiver() -> std::io::Result<(SocketAddr, Arc<AtomicU64>)> {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let address = serve(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        HttpReply::new(204, &[], Vec::new())
    });
    Ok((address.await?, count))
}

/// A merchant that takes connections and never answers: its notifications wait behind the few that hang.
pub async fn silent() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    Ok(address)
}

async fn serve(answer: impl Fn(Call) -> HttpReply + Send + Sync + 'static) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, answer) = (listener.local_addr()?, Arc::new(answer));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let answer = Arc::clone(&answer);
            let service = hyper::service::service_fn(move |request| respond(request, Arc::clone(&answer)));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}

async fn respond<F: Fn(Call) -> HttpReply>(request: Request<Incoming>, answer: Arc<F>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let lines = parts.headers.iter().map(|(n, v)| (n.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned()));
    let call = Call {
        verb: if parts.method == hyper::Method::GET { Verb::Get } else { Verb::Post },
        target: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: Headers(lines.collect()),
        body: body.collect().await.map(|b| b.to_bytes().to_vec()).unwrap_or_default(),
    };
    let reply = answer(call);
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers.0 {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(Bytes::copy_from_slice(reply.bytes()))).unwrap_or_default())
}
