//! What is not in this process.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use pabal_gateway::{Config, StartError};
use tokio::sync::mpsc;

use crate::house::House;
use crate::options::hecto;
use crate::patience::soon;

/// Tells a process that runs a test that it is the test's other half, and which configuration file it reads.
const OTHER_HALF: &str = "PABAL_RIG_CONFIG";

/// A child that talks in lines. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Process {
    /// Starts a command, and reads its standard output.
    ///
    /// # Panics
    /// It does not start: what a test needs must be there.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let name = format!("{command:?}");
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("it is piped");
        let (tell, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Nobody listens any more.
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self { name, child, stdin, lines }
    }

    /// The next line that `read` makes something of; others are passed over.
    ///
    /// # Panics
    /// It ends before, or does not say it in time.
    pub async fn hear<T>(&mut self, what: &str, mut read: impl FnMut(&str) -> Option<T>) -> T {
        let mut passed = Vec::new();
        let hearing = async {
            loop {
                let Some(line) = self.lines.recv().await else {
                    panic!("{} has ended before it told {what}; it said: {passed:#?}", self.name)
                };
                if let Some(heard) = read(&line) {
                    return heard;
                }
                passed.push(line);
            }
        };
        soon(what, hearing).await
    }

    /// Writes a line to its standard input.
    ///
    /// # Panics
    /// It does not read.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it is open until this is dropped");
        writeln!(stdin, "{line}").expect("it reads");
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that runs the same test in another process of this program, where [`other_half`] says so. `before` is put before it in a
/// shell's line, for limits of the process.
///
/// # Panics
/// The program's own path is not known.
#[must_use]
pub fn again(test: &str, config: &Path, before: &str) -> Command {
    let program = std::env::current_exe().expect("it has a path");
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{before}\nexec \"$0\" \"$@\"")).arg(program);
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(OTHER_HALF, config);
    command
}

/// In a process that [`again`] started: its configuration.
///
/// # Panics
/// That cannot be read.
#[must_use]
pub fn other_half() -> Option<Config> {
    let path = PathBuf::from(std::env::var_os(OTHER_HALF)?);
    let text = std::fs::read_to_string(&path).expect("the other half wrote it");
    Some(Config::parse(&text, &path.to_string_lossy()).expect("it is right"))
}

/// In that process: runs a gateway until standard input ends, and prints a line with where it is, or why it does not start.
pub async fn serve(config: Config) {
    let house = match House::start(config).await {
        Ok(house) => house,
        Err(error) => return print(&not_started(&error)),
    };
    let inbound = house.gateway().local_addresses().first().map(|(_, _, address)| *address);
    print(&format!("{SERVING}{} {}", house.endpoint(), inbound.expect("a line to which they connect")));
    let waits = tokio::task::spawn_blocking(|| std::io::stdin().lines().for_each(drop));
    // It ends with standard input, or is killed.
    let _ = waits.await;
}

const SERVING: &str = "serving at ";
const NOT_STARTED: &str = "not started: ";

fn not_started(error: &StartError) -> String {
    format!("{NOT_STARTED}{error}")
}

fn print(line: &str) {
    let mut out = std::io::stdout();
    // The other half may be gone.
    let _ = writeln!(out, "\n{line}").and_then(|()| out.flush());
}

/// What a gateway in another process printed: where its front listens, and where institutions connect to; or why it did not start.
pub async fn served(process: &mut Process) -> Result<(String, SocketAddr), String> {
    let read = |line: &str| {
        if let Some(places) = line.strip_prefix(SERVING) {
            let (endpoint, inbound) = places.split_once(' ')?;
            return Some(Ok((endpoint.to_owned(), inbound.parse().ok()?)));
        }
        line.strip_prefix(NOT_STARTED).map(|why| Err(why.to_owned()))
    };
    process.hear("where it serves", read).await
}

/// The folder of this package.
fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A bank that slices bytes by the institution's layout tables, and imports nothing of ours.
#[must_use]
pub fn sliced_bank() -> Process {
    sliced_bank_with(&[])
}

/// The same with more arguments: `--sealed`, and reserved bytes say how long a telegram is and what its checksums are.
#[must_use]
pub fn sliced_bank_with(arguments: &[&str]) -> Process {
    let mut command = Command::new("python3");
    command.arg("-u").arg(here().join("peers/sliced_peer.py"));
    command.arg("--layouts").arg(hecto().join("layouts")).args(["--company", "-"]).args(arguments);
    Process::start(command)
}

/// A participant that cuts and makes frames by hand, and imports nothing of ours: by the name that it has for a frame, and what it does
/// wrong once.
#[must_use]
pub fn framed_peer(frame: &str, fault: Option<&str>) -> Process {
    let mut command = Command::new("python3");
    command.arg("-u").arg(here().join("peers/framed_peer.py")).arg(frame).args(fault);
    Process::start(command)
}

/// A Python that has what the clients require. It is made once, in this folder, and used again while the requirements are the same.
/// Who asks while another makes it waits: two that make it at once would each clear what the other has.
///
/// # Panics
/// There is no Python, or it cannot get what is required.
#[must_use]
pub fn python(folder: &Path) -> PathBuf {
    let requirements = here().join("clients/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).expect("it is shipped");
    let (venv, made) = (folder.join("rig-python"), folder.join("rig-python.made"));
    let python = venv.join("bin/python");
    let making = std::fs::File::create(folder.join("rig-python.lock")).expect("the folder is ours");
    making.lock().expect("a file of ours can be locked");
    if std::fs::read_to_string(&made).is_ok_and(|has| has == wanted) && python.exists() {
        return python;
    }
    let run = |command: &mut Command| {
        let ended = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
    };
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(&python).args(pip).arg(&requirements));
    std::fs::write(&made, wanted).expect("the folder is ours");
    python
}

/// A client in Python: calls with these fields and gives what it wrote.
///
/// # Panics
/// It fails.
pub async fn transfer_py(python: PathBuf, address: &str, fields: &[String]) -> serde_json::Value {
    let mut command = Command::new(python);
    command.arg(here().join("clients/transfer.py")).arg(address).args(fields);
    let running = tokio::task::spawn_blocking(move || command.output());
    let ended = tokio::time::timeout(Duration::from_secs(60), running).await;
    let ended = ended.expect("it ends").expect("no panic").expect("it starts");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    serde_json::from_slice(&ended.stdout).expect("one JSON object")
}
