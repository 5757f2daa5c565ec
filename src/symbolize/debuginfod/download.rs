//! One download over HTTP: a thread reads, so that nothing that a server does or does not
//! do holds up the one who waits.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// A server that sends less than this in the time that is given is as good as dead.
pub const LEAST: u64 = 100 << 10;

/// How often to look whether to go on.
const TICK: Duration = Duration::from_millis(100);
const PIECE: usize = 64 << 10;
/// Pieces that may wait to be written.
const PIECES_WAITING: usize = 4;

/// What a download may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// How long a server may take for [`LEAST`] bytes.
    pub patience: Duration,
    /// When all must be over.
    pub until: Instant,
    /// The largest file, in bytes.
    pub size_max: u64,
    /// Set when a signal came.
    pub stop: &'a AtomicBool,
}

/// How far a download is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is there.
    pub came: u64,
    /// What there will be, where the server says.
    pub total: Option<u64>,
}

/// Why there is no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server has none.
    NotFound,
    /// It has more bytes than are wanted.
    TooLarge,
    /// The server does not do as it should.
    Server(String),
    /// What came could not be written here.
    NotWritten(String),
    /// A signal came.
    Stopped,
    /// There is no time left.
    OutOfTime,
}

enum Piece {
    /// The answer has begun: so many bytes will come, where that is known.
    Begun(Option<u64>),
    Data(Vec<u8>),
    Ended,
}

/// Writes what is at an address to a file; gives the bytes.
///
/// # Errors
/// Why there is nothing. The file may have a part.
pub fn download(
    url: String,
    mut to: &File,
    limits: &Limits<'_>,
    tell: &mut dyn FnMut(Progress),
) -> Result<u64, Failure> {
    let mut waiting = Waiting::new(limits, transfer(url, limits.patience));
    let mut progress = Progress {
        came: 0,
        total: None,
    };
    loop {
        match waiting.next()? {
            None => {}
            Some(Piece::Begun(total)) => progress.total = total,
            Some(Piece::Data(data)) => {
                progress.came += data.len() as u64;
                to.write_all(&data)
                    .map_err(|error| Failure::NotWritten(error.to_string()))?;
            }
            Some(Piece::Ended) => break,
        }
        if progress.came.max(progress.total.unwrap_or_default()) > limits.size_max {
            return Err(Failure::TooLarge);
        }
        tell(progress);
    }
    match progress.total {
        Some(total) if total != progress.came => Err(Failure::Server(format!(
            "{} of {total} bytes came",
            progress.came
        ))),
        _ => Ok(progress.came),
    }
}

/// The one who waits for pieces, while that is worth it.
struct Waiting<'a> {
    limits: &'a Limits<'a>,
    pieces: Receiver<Result<Piece, Failure>>,
    /// What came since when.
    recent: (u64, Instant),
}

impl<'a> Waiting<'a> {
    fn new(limits: &'a Limits<'a>, pieces: Receiver<Result<Piece, Failure>>) -> Self {
        Self {
            limits,
            pieces,
            recent: (0, Instant::now()),
        }
    }

    /// The next piece; none when nothing came for a moment.
    fn next(&mut self) -> Result<Option<Piece>, Failure> {
        if self.limits.stop.load(Ordering::Relaxed) {
            return Err(Failure::Stopped);
        }
        let now = Instant::now();
        if now >= self.limits.until {
            return Err(Failure::OutOfTime);
        }
        let (came, since) = self.recent;
        if now.duration_since(since) >= self.limits.patience {
            if came < LEAST {
                return Err(Failure::Server(slow(came, self.limits.patience)));
            }
            self.recent = (0, now);
        }
        match self.pieces.recv_timeout(TICK) {
            Ok(piece) => {
                let piece = piece?;
                if let Piece::Data(data) = &piece {
                    self.recent.0 += data.len() as u64;
                }
                Ok(Some(piece))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Failure::Server("the download broke off".into()))
            }
        }
    }
}

fn slow(came: u64, patience: Duration) -> String {
    match came {
        0 => format!("nothing came in {} s", patience.as_secs()),
        _ => format!("only {came} bytes came in {} s", patience.as_secs()),
    }
}

/// Reads on a thread of its own, which ends when nobody takes the pieces any more, or at
/// the latest when the server has been silent for too long.
fn transfer(url: String, patience: Duration) -> Receiver<Result<Piece, Failure>> {
    let (sender, receiver) = sync_channel(PIECES_WAITING);
    thread::spawn(move || {
        let last = read(&url, patience, &sender).map(|()| Piece::Ended);
        let _ = sender.send(last);
    });
    receiver
}

fn read(
    url: &str,
    patience: Duration,
    to: &SyncSender<Result<Piece, Failure>>,
) -> Result<(), Failure> {
    let answer = agent(patience).get(url).call();
    let answer = answer.map_err(|error| match error {
        ureq::Error::StatusCode(404) => Failure::NotFound,
        ureq::Error::StatusCode(status) => Failure::Server(format!("it answers {status}")),
        error => Failure::Server(error.to_string()),
    })?;
    let from_header = |name| answer.headers().get(name)?.to_str().ok()?.parse().ok();
    let total = from_header("content-length").or_else(|| from_header("x-debuginfod-size"));
    let nobody_listens = |_| Failure::Stopped;
    to.send(Ok(Piece::Begun(total))).map_err(nobody_listens)?;
    let mut body = answer.into_body().into_reader();
    loop {
        let mut data = vec![0; PIECE];
        let len = body
            .read(&mut data)
            .map_err(|error| Failure::Server(error.to_string()))?;
        if len == 0 {
            return Ok(());
        }
        data.truncate(len);
        to.send(Ok(Piece::Data(data))).map_err(nobody_listens)?;
    }
}

/// Certificates are believed that the system believes; a proxy is taken from the
/// environment.
fn agent(patience: Duration) -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    Agent::config_builder()
        .user_agent(concat!("somno/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .build()
        .new_agent()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Downloads from a server that answers with these bytes, and holds the connection if
    /// there are none.
    fn download_from(answer: &'static str, patience: Duration, left: Duration) -> Outcome {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let server = thread::spawn(move || -> std::io::Result<TcpStream> {
            let (mut client, _) = listener.accept()?;
            let mut lines = BufReader::new(client.try_clone()?).lines();
            lines.find(|line| line.as_ref().is_ok_and(String::is_empty));
            client.write_all(answer.as_bytes())?;
            if !answer.is_empty() {
                client.shutdown(std::net::Shutdown::Write)?;
            }
            Ok(client)
        });
        let limits = Limits {
            patience,
            until: Instant::now() + left,
            size_max: 10,
            stop: &AtomicBool::new(false),
        };
        let mut file = tempfile::tempfile().expect("there is room for temporary files");
        let mut totals = Vec::new();
        let url = format!("http://{address}/");
        let result = download(url, &file, &limits, &mut |progress| {
            totals.extend(progress.total);
        });
        let _held = server.join().expect("it does not panic");
        std::io::Seek::rewind(&mut file).expect("it is a file");
        let mut content = String::new();
        file.read_to_string(&mut content).expect("it is ASCII");
        (result, content, totals.first().copied())
    }

    type Outcome = (Result<u64, Failure>, String, Option<u64>);

    /// Check that content comes whichever way it is sent, with its size where one is told.
    #[test]
    fn content_comes() {
        for (head, body, total) in [
            ("Content-Length: 4\r\n\r\n", "abcd", Some(4)),
            (
                "X-DEBUGINFOD-SIZE: 4\r\nConnection: close\r\n\r\n",
                "abcd",
                Some(4),
            ),
            (
                "Transfer-Encoding: chunked\r\n\r\n",
                "4\r\nabcd\r\n0\r\n\r\n",
                None,
            ),
        ] {
            let answer = format!("HTTP/1.1 200 OK\r\n{head}{body}").leak();
            let outcome = download_from(answer, 10 * SECOND, 10 * SECOND);
            assert_eq!(outcome, (Ok(4), "abcd".into(), total), "{answer}");
        }
    }

    /// Check that what is not whole, too large, or not there is told apart.
    #[test]
    fn failures_are_told_apart() {
        let fails = |answer| {
            let (result, _, _) = download_from(answer, 10 * SECOND, 10 * SECOND);
            result.expect_err(answer)
        };
        for cut in [
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcd",
            "HTTP/1.1 200 OK\r\nX-DEBUGINFOD-SIZE: 9\r\nConnection: close\r\n\r\nabcd",
            "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
            "nonsense\r\n\r\n",
        ] {
            assert!(matches!(fails(cut), Failure::Server(_)), "{cut}");
        }
        let none = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(fails(none), Failure::NotFound);
        for large in [
            "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n",
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789ab",
        ] {
            assert_eq!(fails(large), Failure::TooLarge, "{large}");
        }
    }

    /// Check that a silent server is waited for until it or the whole takes too long.
    #[test]
    fn silence_is_bounded() {
        let (result, ..) = download_from("", SECOND / 5, 10 * SECOND);
        assert!(matches!(result, Err(Failure::Server(_))), "{result:?}");
        let (result, ..) = download_from("", 10 * SECOND, SECOND / 5);
        assert_eq!(result, Err(Failure::OutOfTime));
    }
}
