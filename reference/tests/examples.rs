//! The two examples as two processes, on the host driver.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rstest::rstest;

const LIMIT: Duration = Duration::from_secs(60);

/// Cargo puts the examples beside the folder of the test binaries.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("this binary has a path");
    let folder = test.ancestors().nth(2).expect("target/<profile>/deps/<test>");
    let program = folder.join("examples").join(name);
    assert!(program.exists(), "{} is missing; `cargo build --examples` makes it", program.display());
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Killed when dropped, so that a failed test leaves nothing behind.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the example starts"))
    }

    /// Wait for its end: status, standard output, standard error.
    fn end(mut self) -> (ExitStatus, String, String) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.0.try_wait().expect("the child is ours") {
                break status;
            }
            assert!(start.elapsed() < LIMIT, "the example does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |stream: Option<&mut dyn Read>| {
            let mut text = String::new();
            stream.expect("it is piped").read_to_string(&mut text).expect("it is text");
            text
        };
        let out = text(self.0.stdout.as_mut().map(|stream| stream as _));
        (status, out, text(self.0.stderr.as_mut().map(|stream| stream as _)))
    }

    fn kill(&mut self) {
        self.0.kill().expect("the child is ours");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It fails where the process has ended and was reaped.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One that listens: its socket has a name before it does, and whoever comes in between is refused.
fn producer(path: &Path) -> Running {
    let mut running = Running::start(example("producer").arg(path));
    // Not more than the line, since the rest is for later.
    let mut out = BufReader::with_capacity(1, running.0.stdout.as_mut().expect("it is piped"));
    let mut said = String::new();
    out.read_line(&mut said).expect("it is text");
    assert!(said.contains(" waits; "), "the producer does not listen: {said}");
    running
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    (folder, path)
}

#[test]
fn five_frames_cross() {
    let (folder, path) = place();
    let pictures = folder.path().join("pictures");
    let producer = producer(&path);

    let consumer = Running::start(example("consumer").arg(&path).args(["--frames", "5", "--out"]).arg(&pictures));
    let (consumed, said, complaint) = consumer.end();
    let (produced, farewell, _) = producer.end();

    assert!(consumed.success(), "{complaint}");
    assert!(said.contains("imported from shared memory") && said.contains("5 frames, "), "{said}");
    assert!(produced.success());
    assert!(farewell.contains("the consumer left; "), "{farewell}");
    let mut files: Vec<Vec<u8>> = (0..5)
        .map(|number| std::fs::read(pictures.join(format!("frame-{number:05}.png"))).expect("a picture for each frame"))
        .collect();
    assert!(files.iter().all(|file| file.starts_with(b"\x89PNG")));
    files.dedup();
    assert_eq!(files.len(), 5, "each frame is another picture");
    assert!(!path.exists(), "the producer has taken its socket away");
}

#[rstest]
#[case::no_path("producer", &[], "the path of the socket is missing")]
#[case::two_paths("producer", &["a", "b"], "there is one path, \"b\" is a second one")]
#[case::no_such_option("producer", &["a", "--frames", "3"], "there is no option \"--frames\"")]
#[case::no_such_driver("producer", &["a", "--driver", "metal"], "there is no driver \"metal\"; there are host and vulkan")]
#[case::no_value("consumer", &["a", "--frames"], "--frames needs a value")]
#[case::no_frames("consumer", &["a", "--frames", "0"], "--frames is a number above 0, not \"0\"")]
fn a_wrong_call_is_answered_with_the_usage(#[case] name: &str, #[case] arguments: &[&str], #[case] expected: &str) {
    let (status, _, complaint) = Running::start(example(name).args(arguments)).end();

    assert_eq!(status.code(), Some(2));
    assert!(complaint.starts_with(expected) && complaint.contains("Usage: "), "{complaint}");
}

#[test]
fn a_consumer_without_a_producer_says_what_to_start() {
    let (_folder, path) = place();

    let (status, _, complaint) = Running::start(example("consumer").arg(&path)).end();

    assert_eq!(status.code(), Some(1));
    assert!(complaint.contains("start one first: producer "), "{complaint}");
}

#[test]
fn a_second_producer_at_the_same_path_says_what_to_do() {
    let (_folder, path) = place();
    let _first = producer(&path);

    let (status, _, complaint) = Running::start(example("producer").arg(&path)).end();

    assert_eq!(status.code(), Some(1));
    assert!(complaint.contains("it exists already; choose another path"), "{complaint}");
}

/// Both run, and some frames have crossed.
fn both_at_work(folder: &Path, path: &Path) -> (Running, Running) {
    let producer = producer(path);
    let mut consumer = Running::start(example("consumer").arg(path).arg("--out").arg(folder));
    let start = Instant::now();
    while !folder.join("frame-00002.png").exists() {
        let ended = consumer.0.try_wait().expect("the child is ours");
        assert!(ended.is_none(), "the consumer has ended: {:?}", consumer.end());
        assert!(start.elapsed() < LIMIT, "no frame crosses");
        std::thread::sleep(Duration::from_millis(2));
    }
    (producer, consumer)
}

#[test]
fn a_producer_that_is_killed_is_noticed() {
    let (folder, path) = place();
    let (mut producer, consumer) = both_at_work(folder.path(), &path);

    producer.kill();
    let (status, _, complaint) = consumer.end();

    assert_eq!(status.code(), Some(1));
    assert!(complaint.starts_with("the producer went away"), "{complaint}");
}

#[test]
fn a_consumer_that_is_killed_is_noticed() {
    let (folder, path) = place();
    let (producer, mut consumer) = both_at_work(folder.path(), &path);

    consumer.kill();
    let (status, _, complaint) = producer.end();

    assert_eq!(status.code(), Some(1));
    assert!(complaint.starts_with("the consumer went away"), "{complaint}");
}
