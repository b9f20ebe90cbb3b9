//! The command line, and how a program that could not do its work says so.

use std::path::PathBuf;
use std::process::ExitCode;

/// Why the program ends without success, as a sentence that says what to do.
pub(crate) enum Failure {
    /// It was called wrongly: exit status 2.
    Usage(String),
    /// Anything else: exit status 1.
    Work(String),
}

impl Failure {
    /// With what was attempted before what went wrong.
    pub(crate) fn during<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Work(format!("{what}: {error}"))
    }
}

/// Tell people, and the shell.
pub(crate) fn report(outcome: Result<(), Failure>, usage: &str) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Work(sentence)) => {
            eprintln!("{sentence}");
            ExitCode::from(1)
        }
        Err(Failure::Usage(sentence)) => {
            eprintln!("{sentence}\n\n{usage}");
            ExitCode::from(2)
        }
    }
}

/// Which backend to use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    Host,
    Vulkan,
}

/// What was asked for. A program takes those options whose names it lists.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) path: PathBuf,
    pub(crate) driver: Option<Driver>,
    pub(crate) out: Option<PathBuf>,
    pub(crate) frames: Option<u32>,
}

impl Arguments {
    /// Read them from the environment.
    pub(crate) fn read(options: &[&str]) -> Result<Self, Failure> {
        Self::parse(std::env::args().skip(1), options).map_err(Failure::Usage)
    }

    fn parse(mut given: impl Iterator<Item = String>, options: &[&str]) -> Result<Self, String> {
        let mut arguments = Self::default();
        while let Some(word) = given.next() {
            if !word.starts_with("--") {
                if !arguments.path.as_os_str().is_empty() {
                    return Err(format!("there is one path, {word:?} is a second one"));
                }
                arguments.path = word.into();
                continue;
            }
            if !options.contains(&word.as_str()) {
                return Err(format!("there is no option {word:?}"));
            }
            let value = given.next().ok_or_else(|| format!("{word} needs a value"))?;
            match word.as_str() {
                "--driver" => arguments.driver = Some(driver(&value)?),
                "--out" => arguments.out = Some(value.into()),
                _ => arguments.frames = Some(frames(&value)?),
            }
        }
        if arguments.path.as_os_str().is_empty() {
            return Err("the path of the socket is missing".into());
        }
        Ok(arguments)
    }
}

fn driver(value: &str) -> Result<Driver, String> {
    match value {
        "host" => Ok(Driver::Host),
        "vulkan" => Ok(Driver::Vulkan),
        _ => Err(format!("there is no driver {value:?}; there are host and vulkan")),
    }
}

fn frames(value: &str) -> Result<u32, String> {
    let number = value.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| format!("--frames is a number above 0, not {value:?}"))
}
