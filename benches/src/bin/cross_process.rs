//! `cross_process [--rounds N] [--millis N] [--processors A,B] [--only TITLE] [--write FILE]`: the ring beside others, as Markdown on
//! standard output, and in a file if one is named (`docs/results/ring.md`). Needs two processors. `--only` names the tables whose
//! titles contain it. With `--round N` it measures that round alone, and prints what the process reads that asked for it.

use std::process::{Command, ExitCode, Stdio};

use gpushare_benches::exchange::{self, Exchange};
use gpushare_benches::machine;
use gpushare_benches::report::{self, Contender, Goal, Table, Target};
use gpushare_benches::throughput;

const ABOUT: &str = "# The ring, measured

Printed by `cargo run --profile measure -p gpushare-benches --features iceoryx2 --bin cross_process -- --write FILE`.

Each round runs in a process of its own, because where a process's memory happens to lie tells in all that it measures. In a round
contenders take turns, in every second one the other way round. Each is measured between two canaries, the raw round trip of two lines
of cache between the two processors. Figures are medians with the least and the most of all rounds. A ratio is taken within a
round, and only if the four canaries around its two figures agree within a quarter; how many rounds did is told beside it. A host may
run the two processors of a virtual machine on one core for a while. The canary tells that, too: work that keeps a core's multipliers
busy then takes longer beside the same. Where something is to cross between two cores, rounds on one core are no part of the ratio, and
their own is told behind the number of rounds.

Two processors, pinned; room for 1024 messages; the rings are watched (a killed peer is noticed) and wake a sleeping peer. One way,
the receiver adds up the numbers that the messages begin with, and does nothing else. In round trips messages of one size are sent and
received as ones that are waited for (`send_alone`, `receive_alone`).

For comparison, the systems that this one descends from: 2.85 million messages a second between two threads, 27.4 in one;
a p99 of 0.05 µs, which was a write and a read on one thread.
";

const SINGLY: &str = "each look for news takes the line of the position from a producer that writes to it after every message: see the rows without lines asked for ahead and without the pause before a look; and what the slower side takes by itself, where nothing crosses";
const ONE_LINE: &str = "a message and the news of it cross on one line each way, as the raw exchange does, and nothing that crosses takes less than a line: see the experiments with bytes in the lines themselves";
const TWO_LINES: &str = "a message of 64 bytes fills a line, and the news of it is on another, each way; the raw exchange moves one: see the experiments with 64 bytes, of which those one behind the other, and those with a copy, could be a ring";
const BATCHES: &str = "the same copies and one position a batch, as in rtrb: the rows without checks, and the experiments, show what each part costs";
const SLEEP: &str = "two system calls and two changes of process, as in the raw exchange, and beside them a list of sleepers that lets a death wake them: each other way is among the experiments, and takes longer";
const NEWS: &str = "a thread hears of it and wakes the sleeper, and a process that has a ring takes longer to end: an experiment for each, and one for both";
const CHECKS: &str = "what the checks take tell the rows where nothing crosses that would hide it, and the counterpart with and without these two; what two rows differ by that do the same is no check: in batches those with and without the pause, which is for messages taken singly, and for 8 bytes that with every line asked for ahead";

const SMALL: &str = "8 bytes, 1 at a time";
const LARGE: &str = "64 bytes, 1 at a time";
const SMALL_BATCHES: &str = "8 bytes, 32 at a time";
const LARGE_BATCHES: &str = "64 bytes, 32 at a time";
const BUSY: &str = "Round trip, busy, two processors";
const ASLEEP: &str = "Round trip, asleep, one processor";
const DEATH: &str = "From a kill to its news";

/// What is measured, and how.
struct Subject {
    title: &'static str,
    unit: &'static str,
    /// Whether rounds on one core are told apart.
    apart: bool,
    contenders: fn(&Options) -> Vec<Contender>,
}

const RATE: &str = "million messages a second";
const TIME: &str = "nanoseconds";

/// In this order.
#[rustfmt::skip]
const SUBJECTS: [Subject; 7] = [
    Subject { title: SMALL, unit: RATE, apart: true, contenders: one_way::<8, 1> },
    Subject { title: LARGE, unit: RATE, apart: true, contenders: one_way::<64, 1> },
    Subject { title: SMALL_BATCHES, unit: RATE, apart: true, contenders: one_way::<8, 32> },
    Subject { title: LARGE_BATCHES, unit: RATE, apart: true, contenders: one_way::<64, 32> },
    Subject { title: BUSY, unit: TIME, apart: true, contenders: |_| round_trips(50_000, exchange::busy()) },
    Subject { title: ASLEEP, unit: TIME, apart: false, contenders: |_| round_trips(10_000, exchange::asleep()) },
    Subject { title: DEATH, unit: TIME, apart: false, contenders: |_| round_trips(15, exchange::death()) },
];

/// A target, by the title of its table.
struct Aim {
    what: &'static str,
    title: &'static str,
    of: &'static str,
    to: &'static str,
    goal: Goal,
    bound: &'static str,
}

#[rustfmt::skip]
const AIMS: [Aim; 18] = {
    use Goal::{AtLeast, AtMost};
    use exchange::{FIXED_8, FIXED_64, FUTEX, LINES, PIDFD, RING};
    use throughput::{ALONE, FIXED, FIXED_HERE, ICEORYX2, RTRB, UNCHECKED, UNCHECKED_ALONE};
    [
        Aim { what: "8 bytes, singly", title: SMALL, of: FIXED, to: RTRB, goal: AtLeast(1.8), bound: SINGLY },
        Aim { what: "64 bytes, singly", title: LARGE, of: FIXED, to: RTRB, goal: AtLeast(1.0), bound: SINGLY },
        Aim { what: "8 bytes, 32 at a time", title: SMALL_BATCHES, of: FIXED, to: RTRB, goal: AtLeast(1.0), bound: BATCHES },
        Aim { what: "64 bytes, 32 at a time", title: LARGE_BATCHES, of: FIXED, to: RTRB, goal: AtLeast(1.0), bound: BATCHES },
        Aim { what: "8 bytes against the published peer", title: SMALL, of: FIXED, to: ICEORYX2, goal: AtLeast(100.0), bound: SINGLY },
        Aim { what: "64 bytes against the published peer", title: LARGE, of: FIXED, to: ICEORYX2, goal: AtLeast(30.0), bound: SINGLY },
        Aim { what: "busy round trip, 8 bytes", title: BUSY, of: FIXED_8, to: LINES, goal: AtMost(0.9), bound: ONE_LINE },
        Aim { what: "busy round trip, 64 bytes", title: BUSY, of: FIXED_64, to: LINES, goal: AtMost(0.9), bound: TWO_LINES },
        Aim { what: "blocking round trip on one processor", title: ASLEEP, of: FIXED_8, to: FUTEX, goal: AtMost(1.0), bound: SLEEP },
        Aim { what: "from a death to its news", title: DEATH, of: RING, to: PIDFD, goal: AtMost(1.2), bound: NEWS },
        Aim { what: "checks, 8 bytes, singly", title: SMALL, of: FIXED_HERE, to: UNCHECKED, goal: AtLeast(0.90), bound: CHECKS },
        Aim { what: "checks, 64 bytes, singly", title: LARGE, of: FIXED_HERE, to: UNCHECKED, goal: AtLeast(0.90), bound: CHECKS },
        Aim { what: "checks, 8 bytes, 32 at a time", title: SMALL_BATCHES, of: FIXED_HERE, to: UNCHECKED, goal: AtLeast(0.98), bound: CHECKS },
        Aim { what: "checks, 64 bytes, 32 at a time", title: LARGE_BATCHES, of: FIXED_HERE, to: UNCHECKED, goal: AtLeast(0.98), bound: CHECKS },
        Aim { what: "the same where nothing crosses, 8 bytes, singly", title: SMALL, of: ALONE, to: UNCHECKED_ALONE, goal: AtLeast(0.90), bound: CHECKS },
        Aim { what: "the same where nothing crosses, 64 bytes, singly", title: LARGE, of: ALONE, to: UNCHECKED_ALONE, goal: AtLeast(0.90), bound: CHECKS },
        Aim { what: "the same where nothing crosses, 8 bytes, 32 at a time", title: SMALL_BATCHES, of: ALONE, to: UNCHECKED_ALONE, goal: AtLeast(0.98), bound: CHECKS },
        Aim { what: "the same where nothing crosses, 64 bytes, 32 at a time", title: LARGE_BATCHES, of: ALONE, to: UNCHECKED_ALONE, goal: AtLeast(0.98), bound: CHECKS },
    ]
};

impl Aim {
    /// Held against what was measured, if it was.
    fn within<'t>(&self, tables: &'t [Table]) -> Option<Target<'t>> {
        let &Self { what, title, of, to, goal, bound } = self;
        let table = tables.iter().find(|table| table.title() == title)?;
        Some(Target { what: what.into(), table, of, to: vec![to], goal, bound })
    }
}

fn measure(options: &Options) -> Result<Vec<Table>, String> {
    options.subjects().map(|subject| subject.measure(options)).collect()
}

impl Subject {
    fn measure(&self, options: &Options) -> Result<Table, String> {
        let rounds = (0..options.rounds).map(|round| {
            eprintln!("{}: round {} of {}", self.title, round + 1, options.rounds);
            self.one_round(round, options)
        });
        let table = Table::gather(self.title, self.unit, &rounds.collect::<Result<Vec<_>, _>>()?)?;
        Ok(if self.apart { table.on_two_cores() } else { table })
    }

    /// This program once more, for a round of this alone.
    fn one_round(&self, round: usize, options: &Options) -> Result<String, String> {
        let program = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
        let mut command = Command::new(program);
        command.args(&options.passed).args(["--only", self.title, "--round", &round.to_string()]);
        let output = command.stderr(Stdio::inherit()).output().map_err(|error| format!("a round: {error}"))?;
        if !output.status.success() {
            return Err(format!("{}: a round ended with {}", self.title, output.status));
        }
        String::from_utf8(output.stdout).map_err(|error| error.to_string())
    }
}

#[derive(Default)]
struct Options {
    rounds: usize,
    seconds: f64,
    /// Part of a title.
    only: String,
    write: Option<String>,
    /// This round alone, for the process that asks for it.
    round: Option<usize>,
    /// What of the arguments is for those that measure a round, too.
    passed: Vec<String>,
}

impl Options {
    fn subjects(&self) -> impl Iterator<Item = &'static Subject> {
        SUBJECTS.iter().filter(|subject| subject.title.contains(&self.only))
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options { rounds: 5, seconds: 0.06, ..Options::default() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        let number = |text: String| text.parse::<u32>().map_err(|error| format!("{text}: {error}"));
        match argument.as_str() {
            "--rounds" => options.rounds = number(value()?)?.max(1) as usize,
            "--round" => options.round = Some(number(value()?)? as usize),
            "--millis" => {
                let text = value()?;
                options.passed.extend([argument.clone(), text.clone()]);
                options.seconds = f64::from(number(text)?) / 1e3;
            }
            "--processors" => {
                let text = value()?;
                options.passed.extend([argument.clone(), text.clone()]);
                let (first, second) = text.split_once(',').ok_or("--processors needs two numbers, as in 0,1")?;
                machine::use_processors([number(first.into())? as usize, number(second.into())? as usize]);
            }
            "--only" => options.only = value()?,
            "--write" => options.write = Some(value()?),
            _ => {
                return Err(format!(
                    "unknown argument {argument}; known are --rounds, --round, --millis, --processors, --only and --write"
                ));
            }
        }
    }
    Ok(options)
}

/// Millions a second, over as many messages as take about so long.
fn rate(contender: &throughput::Contender, seconds: f64) -> Box<dyn Fn() -> f64> {
    const FIRST: u64 = 20_000;
    let run = contender.run;
    if run(FIRST).is_nan() {
        eprintln!("{} does not deliver here, and is left out", contender.name);
        return Box::new(|| f64::NAN);
    }
    let count = (FIRST as f64 * (seconds / run(FIRST))).clamp(FIRST as f64, 1e9) as u64;
    Box::new(move || count as f64 / run(count) / 1e6)
}

fn one_way<const N: usize, const BATCH: usize>(options: &Options) -> Vec<Contender> {
    let contenders = throughput::contenders::<N, BATCH>();
    contenders.iter().map(|contender| (contender.name, rate(contender, options.seconds))).collect()
}

fn round_trips(count: u64, exchanges: Vec<Exchange>) -> Vec<Contender> {
    exchanges.into_iter().map(|Exchange { name, run }| (name, Box::new(move || run(count)) as Box<dyn Fn() -> f64>)).collect()
}

fn main() -> ExitCode {
    #[cfg(feature = "iceoryx2")]
    if let [_, role, name, size, first, second] = &std::env::args().collect::<Vec<_>>()[..]
        && role == gpushare_benches::iceoryx::PUBLISHER
    {
        machine::use_processors([first, second].map(|number| number.parse().unwrap_or(0)));
        gpushare_benches::iceoryx::publish(name, size);
        return ExitCode::SUCCESS;
    }
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    if options.subjects().next().is_none() {
        eprintln!("no table has {:?} in its title", options.only);
        return ExitCode::from(2);
    }
    if let Some(round) = options.round {
        options.subjects().for_each(|subject| print!("{}", report::round(round, &(subject.contenders)(&options))));
        return ExitCode::SUCCESS;
    }
    eprintln!("{}", machine::topology());
    let tables = match measure(&options) {
        Ok(tables) => tables,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let targets: Vec<_> = AIMS.iter().filter_map(|aim| aim.within(&tables)).collect();
    let machine = format!("\nMeasured on {}, {}.\n\n{}", machine::name(), machine::topology(), report::targets(&targets));
    let text = tables.iter().fold(ABOUT.to_owned() + &machine, |text, table| format!("{text}\n{}", table.markdown()));
    println!("{text}");
    if let Some(path) = options.write
        && let Err(error) = std::fs::write(&path, &text)
    {
        eprintln!("{path}: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
