//! The stream's master and its readers as processes.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/stream");

/// The master, ended with this value.
pub struct Master {
    child: Child,
    pub port: u16,
}

impl Master {
    pub fn start(arguments: &[&str]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut child = Command::new("python3")
            .arg(format!("{FOLDER}/master_stream.py"))
            .arg(port.to_string())
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 plays the master");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        lines.by_ref().map(Result::unwrap).find(|line| line == "ready").expect("the master listens");
        // What it says later is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.count());
        Self { child, port }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that takes a URL, reads the stream, and prints "... in SECONDS s ...".
pub struct Reader {
    pub name: &'static str,
    program: OsString,
    arguments: Vec<String>,
}

impl Reader {
    pub fn new(name: &'static str, program: &OsStr, arguments: &[&str]) -> Self {
        Self { name, program: program.to_owned(), arguments: arguments.iter().map(ToString::to_string).collect() }
    }

    fn run(&self, url: &str) -> Result<(f64, String), String> {
        let output = Command::new(&self.program).args(&self.arguments).arg(url).output().map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // mesos-go says first how the stream ended.
        let line = text.lines().find(|line| line.contains(" in ")).unwrap_or_default().to_owned();
        let seconds = line.rsplit_once(" in ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        let said = || String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("nothing").to_owned();
        seconds.map(|seconds| (seconds, line)).ok_or_else(said)
    }
}

/// The best time of so many readings, each from a master of its own; `None`, said aloud, where a reader can't run.
pub fn best(rounds: usize, reader: &Reader) -> Option<f64> {
    let mut times = Vec::new();
    for round in 0..rounds {
        let master = Master::start(&super::STREAM);
        match reader.run(&master.url()) {
            Ok((seconds, line)) => {
                if round == 0 {
                    println!("  {line}");
                }
                times.push(seconds);
            }
            Err(why) => {
                println!("  SKIPPED {}: {why}", reader.name);
                return None;
            }
        }
    }
    times.sort_by(f64::total_cmp);
    println!("  {}: {times:.3?}", reader.name);
    times.first().copied()
}

/// The other clients that this machine has.
pub fn others() -> Vec<Reader> {
    let mut readers = vec![Reader::new("Python", OsStr::new("python3"), &[&format!("{FOLDER}/peer_python.py")])];
    let target = std::env::current_exe().unwrap().with_file_name("peer_mesos_go");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&target)
        .arg(".")
        .current_dir(format!("{FOLDER}/peer_mesos_go"))
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .output();
    match built {
        Ok(output) if output.status.success() => readers.push(Reader::new("mesos-go", target.as_os_str(), &[])),
        _ => println!("  SKIPPED mesos-go: it needs golang-go and golang-github-mesos-mesos-go-dev"),
    }
    readers
}
