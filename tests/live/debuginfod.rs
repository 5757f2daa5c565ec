//! Debug files from servers, which are threads of the test.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::debug_files::{hex_build_id, room, run};
use crate::folded::Folded;
use crate::machine::Machine;
use crate::process::{PATIENCE, until};
use crate::somno::{self, Record, Recording};

const CHAIN: &str = "main;work;spin";

/// What a server does when it is asked for the debug file of the program.
#[derive(Clone)]
enum Manner {
    /// Answers with this.
    Serve(Vec<u8>),
    /// Sends the client to this server.
    Redirect(String),
    /// Answers with this, but takes its time in the middle.
    Dawdle(Vec<u8>),
    /// Sends so much, then nothing more.
    Stall(Vec<u8>),
    /// Has nothing.
    NotFound,
}

/// A server; it is gone when it is dropped.
struct Server {
    address: String,
    asked: Arc<AtomicUsize>,
    gone: Arc<AtomicUsize>,
}

impl Server {
    /// Serves a program's debug file in this manner, and of others none.
    fn start(build_id: &str, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let (asked, gone) = (Arc::default(), Arc::default());
        let server = Self {
            address,
            asked: Arc::clone(&asked),
            gone: Arc::clone(&gone),
        };
        let path = format!("/buildid/{build_id}/debuginfo");
        thread::spawn(move || {
            let mut clients = Vec::new();
            for client in listener.incoming().map_while(Result::ok) {
                if gone.load(Ordering::Relaxed) > 0 {
                    break;
                }
                // those who wait are held until the end
                clients.extend(answer(client, &path, &manner, &asked));
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often it was asked for the program's debug file.
    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.gone.store(1, Ordering::Relaxed);
        let _ = TcpStream::connect(&self.address);
    }
}

/// Answers; gives the client back if it is to wait.
fn answer(
    mut client: TcpStream,
    path: &str,
    manner: &Manner,
    asked: &AtomicUsize,
) -> Option<TcpStream> {
    let mut lines = BufReader::new(client.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    let is_for_program = request.split(' ').nth(1) == Some(path);
    lines.find(|line| line.as_ref().is_ok_and(String::is_empty));
    let manner = if is_for_program {
        asked.fetch_add(1, Ordering::Relaxed);
        manner
    } else {
        &Manner::NotFound
    };
    let head = |status: &str, len: usize, more: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {len}\r\nConnection: close\r\n{more}\r\n")
    };
    let (head, content, waits) = match manner {
        Manner::Serve(content) => (head("200 OK", content.len(), ""), &content[..], false),
        Manner::Redirect(to) => {
            let more = format!("Location: {to}{path}\r\n");
            (head("302 Found", 0, &more), &[][..], false)
        }
        Manner::Dawdle(content) => {
            let (first, rest) = content.split_at(content.len() / 2);
            let head = head("200 OK", content.len(), "");
            client.write_all(head.as_bytes()).ok()?;
            client.write_all(first).ok()?;
            thread::sleep(Duration::from_millis(800));
            (String::new(), rest, false)
        }
        Manner::Stall(content) => (head("200 OK", 1 << 30, ""), &content[..], true),
        Manner::NotFound => (head("404 Not Found", 0, ""), &[][..], false),
    };
    client.write_all(head.as_bytes()).ok()?;
    client.write_all(content).ok()?;
    waits.then_some(client)
}

/// A program without symbols, and its debug file, which is nowhere where it is looked for.
struct Program {
    machine: Machine,
    room: PathBuf,
    build_id: String,
    debug_file: Vec<u8>,
    cache: TempDir,
}

impl Program {
    fn new() -> Self {
        let machine = Machine::take();
        let room = room(&machine);
        run(&room, "objcopy --only-keep-debug whole elsewhere");
        run(&room, "strip -o stripped whole");
        Self {
            build_id: hex_build_id(&room.join("whole")),
            debug_file: fs::read(room.join("elsewhere")).expect("it was just made"),
            // others may have the target directory, and somno would not trust them
            cache: tempfile::tempdir().expect("there is room for temporary files"),
            machine,
            room,
        }
    }

    fn served(&self, manner: Manner) -> Server {
        Server::start(&self.build_id, manner)
    }

    fn serves_itself(&self) -> Server {
        self.served(Manner::Serve(self.debug_file.clone()))
    }

    /// A `somno record -v --debuginfod` of the program, which asks these servers.
    fn record(&self, servers: &[&Server]) -> Record {
        let urls: Vec<_> = servers.iter().map(|server| server.url()).collect();
        self.record_at(&urls.join(" "))
    }

    fn record_at(&self, urls: &str) -> Record {
        let path = self.room.join("stripped");
        let path = path.to_str().expect("the target directory is UTF-8");
        let cache = self.cache.path().to_str().expect("it is UTF-8");
        let record = self.machine.record();
        record
            .options("-v --debuginfod")
            .env("DEBUGINFOD_URLS", urls)
            .env("DEBUGINFOD_CACHE_PATH", cache)
            .env("DEBUGINFOD_TIMEOUT", "1")
            .env("NO_PROXY", "127.0.0.1")
            .program(path, &["running", "200"])
    }
}

#[track_caller]
fn expect_names(folded: &Folded) {
    let running = folded.of("running");
    running.expect_share(0.8.., |line| line.has(CHAIN));
}

/// Panics unless the program's frames are places.
#[track_caller]
fn expect_places(recording: Recording) -> String {
    let said = recording.stderr();
    let (folded, stats) = recording.adds_up();
    let running = folded.of("running");
    running.expect_share(0.8.., |line| {
        let mut frames = line.user_frames();
        frames.any(|frame| frame.starts_with("[stripped+0x"))
    });
    assert!(stats.count("frames.unnamed_by.no_symbol") > 0);
    said
}

/// How many of the lines that were said have this in them.
fn count(said: &str, text: &str) -> usize {
    said.lines().filter(|line| line.contains(text)).count()
}

/// Check that names come from a server that another one leads to, and the next time from
/// the cache, where the servers are gone.
#[test]
fn names_come_from_servers_then_from_the_cache() {
    let program = Program::new();
    let server = program.serves_itself();
    let first = program.served(Manner::Redirect(server.url()));
    let recording = program.record(&[&first]).run();
    let said = recording.stderr();
    expect_names(&recording.adds_up().0);
    let came = format!("debuginfod: stripped from {}", first.url());
    assert_eq!(count(&said, &came), 1, "{said}");
    let kept = program.cache.path().join(&program.build_id);
    let kept = fs::read(kept.join("debuginfo")).expect("it is where elfutils has it");
    assert!(kept == program.debug_file, "another file was kept");

    let gone = server.url();
    drop((server, first));
    let recording = program.record_at(&gone).run();
    let said = recording.stderr();
    expect_names(&recording.adds_up().0);
    assert_eq!(count(&said, "stripped from the cache"), 1, "{said}");
}

/// Check that nobody is asked where that was not asked for.
#[test]
fn off_by_default() {
    let program = Program::new();
    let server = program.serves_itself();
    let path = program.room.join("stripped");
    let path = path.to_str().expect("the target directory is UTF-8");
    let record = program
        .machine
        .record()
        .env("DEBUGINFOD_URLS", &server.url());
    expect_places(record.program(path, &["running", "200"]).run());
    assert_eq!(server.asked(), 0);
}

/// Check that a server that has nothing is passed over, and that it is remembered that
/// none had anything.
#[test]
fn absence_is_remembered() {
    let program = Program::new();
    let (empty, full) = (program.served(Manner::NotFound), program.serves_itself());
    let said = expect_places(program.record(&[&empty]).run());
    assert_eq!(count(&said, "debuginfod"), 0, "{said}");
    expect_places(program.record(&[&empty]).run());
    assert_eq!(empty.asked(), 1);

    fs::remove_dir_all(program.cache.path().join(&program.build_id)).expect("it was made");
    expect_names(&program.record(&[&empty, &full]).run().adds_up().0);
}

/// Check that a file with another build id is refused, and that a server that sends one is
/// not asked again, in one line.
#[test]
fn other_build_ids_are_refused() {
    let program = Program::new();
    let other = program.room.join("other");
    fs::copy(program.machine.fixture("named").path(), &other).expect("there is room");
    let other = fs::read(other).expect("it was just copied");
    let liar = program.served(Manner::Serve(other));
    let said = expect_places(program.record(&[&liar]).run());
    assert_eq!(count(&said, "another build id"), 1, "{said}");
    let kept = program.cache.path().join(&program.build_id);
    let kept = fs::read_dir(kept).expect("it was made").count();
    assert_eq!(kept, 0, "something stayed in the cache");
}

/// Check that servers that stall or are not there are given up in time, each in one line,
/// and that another one has its chance.
#[test]
fn silent_servers_are_given_up() {
    let program = Program::new();
    let start = program.debug_file[..1000].to_vec();
    let silent = program.served(Manner::Stall(start));
    let server = program.serves_itself();
    let urls = format!("http://127.0.0.1:1 {} {}", silent.url(), server.url());
    let began = Instant::now();
    let recording = program.record_at(&urls).run();
    assert!(began.elapsed() < Duration::from_secs(10), "it waited");
    let said = recording.stderr();
    expect_names(&recording.adds_up().0);
    assert_eq!(count(&said, "127.0.0.1:1 is not asked"), 1, "{said}");
    let silent = format!("{} is not asked any more", silent.address);
    assert_eq!(count(&said, &silent), 1, "{said}");
}

/// Check that a file that is too large is not taken.
#[test]
fn large_files_are_left_out() {
    let program = Program::new();
    let server = program.serves_itself();
    let record = program.record(&[&server]).env("DEBUGINFOD_MAXSIZE", "1000");
    let said = expect_places(record.run());
    assert_eq!(count(&said, "DEBUGINFOD_MAXSIZE"), 1, "{said}");
}

/// Check that a terminal has a line about a download that takes long, and nobody else.
#[test]
fn progress_is_for_terminals() {
    let program = Program::new();
    let server = program.served(Manner::Dawdle(program.debug_file.clone()));
    let somno = somno::command();
    let record = format!(
        "{} record --debuginfod -o /dev/null --format folded -- {} running 200",
        somno.get_program().display(),
        program.room.join("stripped").display()
    );
    let run = |program_name: &str, arguments: &[&str]| {
        let cache = tempfile::tempdir().expect("there is room for temporary files");
        let output = Command::new(program_name)
            .args(arguments)
            .env("DEBUGINFOD_URLS", server.url())
            .env("DEBUGINFOD_CACHE_PATH", cache.path())
            .env("NO_PROXY", "127.0.0.1")
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .output()
            .expect("it can be run");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let shown = run("script", &["-qec", &record, "/dev/null"]);
    assert!(
        shown.contains("debuginfod: stripped 0.0 of 0.0 MB"),
        "{shown}"
    );
    let shown = run("sh", &["-c", &record]);
    assert!(!shown.contains("debuginfod"), "{shown}");
    assert_eq!(server.asked(), 2);
}

/// Check that a signal during a download gives up the download, not the profile.
#[test]
fn signals_give_up_downloads() {
    let program = Program::new();
    let silent = program.served(Manner::Stall(Vec::new()));
    let record = program.record(&[&silent]).env("DEBUGINFOD_TIMEOUT", "60");
    let running = record.start();
    until("the server is asked", PATIENCE, || silent.asked() > 0);
    running.signal(Signal::INT);
    let said = expect_places(running.wait());
    assert_eq!(count(&said, "given up on a signal"), 1, "{said}");
}

/// Check that where no server is named this is said, with the next step, and the profile
/// is written.
#[test]
fn no_server_is_named() {
    let program = Program::new();
    let said = expect_places(program.record_at("").run());
    assert_eq!(count(&said, "DEBUGINFOD_URLS names no server"), 1, "{said}");
}

/// Check that a cache that others can write is not used, and names come all the same.
#[test]
fn caches_of_others_are_not_used() {
    let program = Program::new();
    let server = program.serves_itself();
    let nobody = rustix::fs::Uid::from_raw(65534);
    rustix::fs::chown(program.cache.path(), Some(nobody), None).expect("we are root");
    let recording = program.record(&[&server]).run();
    let said = recording.stderr();
    expect_names(&recording.adds_up().0);
    assert_eq!(count(&said, "is another user's"), 1, "{said}");
    let kept = fs::read_dir(program.cache.path()).expect("it is there");
    assert_eq!(kept.count(), 0);
}
