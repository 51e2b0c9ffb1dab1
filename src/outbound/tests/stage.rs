//! A server on loopback that plays one part and remembers what it heard.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone)]
pub enum Part {
    /// Answers every request with these bytes and keeps the connection.
    Answer(Vec<u8>),
    /// Answers the first request of a connection, resets at the second.
    ResetAtSecond(Vec<u8>),
    /// Reads one byte of the request and resets.
    Reset,
    /// Writes these bytes after the request and closes.
    Leave(Vec<u8>),
    /// Takes everything and says nothing.
    Silent,
    /// Writes these bytes after the request, then one byte every 20 ms, for ever.
    Drip(Vec<u8>),
}

pub struct Stage {
    pub address: SocketAddr,
    peers: watch::Receiver<Vec<SocketAddr>>,
    heard: Arc<Mutex<Vec<String>>>,
}

pub fn reply(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

impl Stage {
    pub async fn open(part: Part) -> Stage {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (came, peers) = watch::channel(Vec::new());
        let stage = Stage { address: listener.local_addr().unwrap(), peers, heard: Arc::default() };
        let heard = Arc::clone(&stage.heard);
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                came.send_modify(|peers| peers.push(peer));
                tokio::spawn(play(stream, part.clone(), Arc::clone(&heard)));
            }
        });
        stage
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Requests in full, head and body as they came.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// Connections so far, asked once per stage. Our own knock comes last in the queue: whatever was made before is counted.
    pub async fn connections(&self) -> usize {
        let knock = TcpStream::connect(self.address).await.unwrap();
        let mine = knock.local_addr().unwrap();
        let mut peers = self.peers.clone();
        let all = peers.wait_for(|peers| peers.contains(&mine)).await.unwrap();
        all.len() - 1
    }
}

async fn play(mut stream: TcpStream, part: Part, heard: Arc<Mutex<Vec<String>>>) {
    if matches!(part, Part::Reset) {
        // Dropped with unread bytes: the kernel answers with a reset.
        let _ = stream.read_u8().await;
        return;
    }
    let mut turn = 0;
    while let Some(request) = read_request(&mut stream).await {
        heard.lock().unwrap().push(request);
        turn += 1;
        match &part {
            Part::Answer(bytes) => stream.write_all(bytes).await.unwrap_or_default(),
            Part::ResetAtSecond(bytes) if turn == 1 => stream.write_all(bytes).await.unwrap_or_default(),
            Part::Leave(bytes) => return stream.write_all(bytes).await.unwrap_or_default(),
            Part::Silent => {}
            Part::Drip(bytes) => return drip(stream, bytes).await,
            Part::ResetAtSecond(_) | Part::Reset => return,
        }
    }
}

async fn drip(mut stream: TcpStream, first: &[u8]) {
    let mut written = stream.write_all(first).await;
    let mut beat = tokio::time::interval(Duration::from_millis(20));
    while written.is_ok() {
        beat.tick().await;
        written = stream.write_all(b"x").await;
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut text = String::from_utf8_lossy(&head).into_owned();
    let length = text.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    text.push_str(&String::from_utf8_lossy(&body));
    Some(text)
}
