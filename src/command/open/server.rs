//! Serves one file over HTTP to this machine, under a path that cannot be guessed.
//!
//! Source: RFC 9112; <https://fetch.spec.whatwg.org> for what a page of another origin may
//! read, and <https://wicg.github.io/private-network-access> for that it may ask here.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustix::rand::{GetRandomFlags, getrandom};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// How often signals and new connections are looked for.
const ROUND: Duration = Duration::from_millis(50);
/// How long a client may say nothing, and how much it may say.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_REQUEST: u64 = 16 * 1024;
/// How many clients may be connected at once.
const MOST_CLIENTS: usize = 16;

/// A file and how it is asked for.
#[derive(Debug)]
struct Site {
    path: String,
    content: Vec<u8>,
    origin: &'static str,
    fetched: AtomicBool,
    clients: AtomicUsize,
}

/// A server that listens.
#[derive(Debug)]
pub(super) struct Server {
    listener: TcpListener,
    port: u16,
    site: Arc<Site>,
}

impl Server {
    /// Listens on this machine's own address, for pages of one origin.
    pub(super) fn new(name: &str, content: Vec<u8>, origin: &'static str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let path = format!("/{}/{name}", token()?);
        let site = Site {
            path,
            content,
            origin,
            fetched: AtomicBool::new(false),
            clients: AtomicUsize::new(0),
        };
        Ok(Self {
            listener,
            port,
            site: Arc::new(site),
        })
    }

    /// Where the file is to be had.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.site.path)
    }

    /// Serves until the file was fetched whole, or a signal comes.
    pub(super) fn run(self) -> io::Result<()> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&stop))?;
        }
        while !stop.load(Ordering::Relaxed) && !self.site.fetched.load(Ordering::Acquire) {
            match self.listener.accept() {
                Ok((stream, _)) => Site::answer(&self.site, stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(ROUND),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Site {
    /// Answers on a thread of its own: browsers open connections that they may use later.
    fn answer(site: &Arc<Self>, mut stream: TcpStream) {
        if site.clients.fetch_add(1, Ordering::Relaxed) >= MOST_CLIENTS {
            site.clients.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let site = Arc::clone(site);
        thread::spawn(move || {
            // A client that went away has itself to blame.
            if site.converse(&mut stream).unwrap_or(false) {
                site.fetched.store(true, Ordering::Release);
            }
            site.clients.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Reads a request and answers it; whether it fetched the file.
    fn converse(&self, stream: &mut TcpStream) -> io::Result<bool> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let request = read_request(stream)?;
        let mut words = request.split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let found = path == self.path;
        let (status, body) = match method {
            _ if !found => ("404 Not Found", &[][..]),
            "GET" | "HEAD" => ("200 OK", &self.content[..]),
            "OPTIONS" => ("204 No Content", &[][..]),
            _ => ("405 Method Not Allowed", &[][..]),
        };
        stream.write_all(self.head(status, body.len()).as_bytes())?;
        if method != "HEAD" {
            stream.write_all(body)?;
        }
        stream.flush()?;
        stream.shutdown(std::net::Shutdown::Write)?;
        // What is sent is lost to a client that is hung up on before it has read it.
        let mut rest = [0; 64];
        while stream.read(&mut rest).is_ok_and(|len| len > 0) {}
        Ok(found && method == "GET")
    }

    fn head(&self, status: &str, length: usize) -> String {
        format!(
            "HTTP/1.1 {status}\r\n\
             Content-Type: application/octet-stream\r\n\
             Content-Length: {length}\r\n\
             Access-Control-Allow-Origin: {}\r\n\
             Access-Control-Allow-Methods: GET, HEAD\r\n\
             Access-Control-Allow-Private-Network: true\r\n\
             Cache-Control: no-store\r\n\
             Vary: Origin\r\n\
             Connection: close\r\n\r\n",
            self.origin
        )
    }
}

/// The first line of a request, all of which is read.
fn read_request(stream: &mut TcpStream) -> io::Result<String> {
    let mut lines = BufReader::new(stream.take(LONGEST_REQUEST));
    let (mut first, mut other) = (String::new(), String::new());
    lines.read_line(&mut first)?;
    while lines.read_line(&mut other)? > 0 && !other.trim_end().is_empty() {
        other.clear();
    }
    Ok(first)
}

/// A name that nobody guesses: 128 random bits, in hexadecimal.
fn token() -> io::Result<String> {
    let mut bytes = [0; 16];
    let filled = getrandom(&mut bytes, GetRandomFlags::empty())?;
    debug_assert_eq!(filled, bytes.len(), "up to 256 bytes come whole");
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://viewer.example";

    fn ask(server: &Server, request: &str) -> String {
        let mut stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).expect("the server listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    fn server() -> Server {
        Server::new("p.json", b"content".to_vec(), ORIGIN).expect("there is a port")
    }

    /// Check that the file is had under its URL by its viewer, and that the server then ends.
    #[test]
    fn file_is_served_once() {
        let server = server();
        let path = server.site.path.clone();
        assert_eq!(
            server.url(),
            format!("http://127.0.0.1:{}{path}", server.port)
        );
        let clients = Server {
            listener: server.listener.try_clone().expect("it can be shared"),
            port: server.port,
            site: Arc::clone(&server.site),
        };
        let running = thread::spawn(|| server.run());
        let idle = TcpStream::connect((Ipv4Addr::LOCALHOST, clients.port));

        let preflight = ask(
            &clients,
            &format!("OPTIONS {path} HTTP/1.1\r\nOrigin: x\r\n\r\n"),
        );
        assert!(preflight.starts_with("HTTP/1.1 204 "), "{preflight}");
        let allowed = format!("Access-Control-Allow-Origin: {ORIGIN}\r\n");
        assert!(preflight.contains(&allowed), "{preflight}");
        let head = ask(&clients, &format!("HEAD {path} HTTP/1.1\r\n\r\n"));
        assert!(
            head.contains("Content-Length: 7\r\n") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
        for request in ["GET / HTTP/1.1\r\n\r\n", "GET /p.json HTTP/1.1\r\n\r\n"] {
            let answer = ask(&clients, request);
            assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        }
        let post = ask(&clients, &format!("POST {path} HTTP/1.1\r\n\r\n"));
        assert!(post.starts_with("HTTP/1.1 405 "), "{post}");

        let answer = ask(&clients, &format!("GET {path} HTTP/1.1\r\n\r\n"));
        assert!(answer.ends_with("\r\n\r\ncontent"), "{answer}");
        let ended = running.join().expect("it does not panic");
        assert!(ended.is_ok() && idle.is_ok());
    }

    /// Check that no two paths are alike.
    #[test]
    fn paths_cannot_be_guessed() {
        assert_ne!(server().site.path, server().site.path);
        assert_eq!(server().site.path.len(), "/".len() + 32 + "/p.json".len());
    }
}
