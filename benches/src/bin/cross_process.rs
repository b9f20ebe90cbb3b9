//! `cross_process [--rounds N] [--millis N] [--processors A,B] [--write FILE]`: the ring beside others, as Markdown on standard output, and in a file
//! if one is named (`docs/results/ring.md`). Needs two processors.

use std::process::ExitCode;

use gpushare_benches::exchange::{self, Exchange};
use gpushare_benches::machine;
use gpushare_benches::report::{self, Goal, Table, Target};
use gpushare_benches::throughput::{self, Contender};

const ABOUT: &str = "# The ring, measured

Printed by `cargo run --profile measure -p gpushare-benches --features iceoryx2 --bin cross_process -- --write docs/results/ring.md`.

Contenders take turns. Each is measured between two canaries, the raw round trip of two lines of cache between the two
processors. Figures are medians with the least and the most of all rounds. A ratio is taken within a round, and only if the four
canaries around its two figures agree within a quarter; how many rounds did is told beside it. Two processors, pinned;
room for 1024 messages; the rings are watched (a killed peer is noticed) and wake a sleeping peer.

For comparison, the systems that this one descends from: 2.85 million messages a second between two threads, 27.4 in one;
a p99 of 0.05 µs, which was a write and a read on one thread.
";

const SINGLY: &str = "each look for news takes the line of the position from a producer that writes to it after every message: see the rows without checks, without lines asked for ahead, and with a pause before a look";
const TWO_LINES: &str =
    "a message and the position that tells of it are two lines each way, the raw exchange moves one: see the experiment";
const BATCHES: &str = "the same copies and one position a batch, as in rtrb: the rows without checks, and the experiments, show what each part costs";
const SLEEP: &str = "two system calls and two changes of process, as in the raw exchange, and the list of sleepers that lets a death wake them: see the experiments for what would be in its place";
const NEWS: &str =
    "a thread hears of it and wakes the sleeper, and a process that has a ring takes longer to end: an experiment for each";
const CHECKS: &str = "the experiments in which positions are doubted and deaths are looked for are the checks, each alone: what the ring lacks beyond those is not theirs";

struct Options {
    rounds: usize,
    seconds: f64,
    write: Option<String>,
}

fn options() -> Result<Options, String> {
    let mut options = Options { rounds: 5, seconds: 0.06, write: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        let number = |text: String| text.parse::<u32>().map_err(|error| format!("{text}: {error}"));
        match argument.as_str() {
            "--rounds" => options.rounds = number(value()?)?.max(1) as usize,
            "--millis" => options.seconds = f64::from(number(value()?)?) / 1e3,
            "--processors" => {
                let text = value()?;
                let (first, second) = text.split_once(',').ok_or("--processors needs two numbers, as in 0,1")?;
                machine::use_processors([number(first.into())? as usize, number(second.into())? as usize]);
            }
            "--write" => options.write = Some(value()?),
            _ => return Err(format!("unknown argument {argument}; known are --rounds, --millis, --processors and --write")),
        }
    }
    Ok(options)
}

/// Millions a second, over as many messages as take about so long.
fn rate(contender: &Contender, seconds: f64) -> Box<dyn Fn() -> f64> {
    const FIRST: u64 = 20_000;
    let run = contender.run;
    eprintln!("trying {}", contender.name);
    if run(FIRST).is_nan() {
        eprintln!("{} does not deliver here, and is left out", contender.name);
        return Box::new(|| f64::NAN);
    }
    let count = (FIRST as f64 * (seconds / run(FIRST))).clamp(FIRST as f64, 1e9) as u64;
    Box::new(move || count as f64 / run(count) / 1e6)
}

fn one_way<const N: usize, const BATCH: usize>(options: &Options) -> Table {
    let contenders = throughput::contenders::<N, BATCH>();
    let prepared: Vec<_> = contenders.iter().map(|contender| (contender.name, rate(contender, options.seconds))).collect();
    Table::measure(format!("{N} bytes, {BATCH} at a time"), "million messages a second", options.rounds, &prepared)
}

fn round_trips(title: &str, count: u64, options: &Options, exchanges: Vec<Exchange>) -> Table {
    let prepared: Vec<(_, Box<dyn Fn() -> f64>)> = exchanges
        .into_iter()
        .map(|Exchange { name, run }| (name, Box::new(move || run(count)) as Box<dyn Fn() -> f64>))
        .collect();
    Table::measure(title, "nanoseconds", options.rounds, &prepared)
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
    eprintln!("{}", machine::topology());
    let tables = [
        one_way::<8, 1>(&options),
        one_way::<64, 1>(&options),
        one_way::<8, 32>(&options),
        one_way::<64, 32>(&options),
        round_trips("Round trip, busy, two processors", 50_000, &options, exchange::busy()),
        round_trips("Round trip, asleep, one processor", 10_000, &options, exchange::asleep()),
        round_trips("From a kill to its news", 15, &options, exchange::death()),
    ];
    let [small, large, small_batches, large_batches, busy, asleep, death] = &tables;
    let of =
        |what: &'static str, table, of, to, goal, bound| Target { what: what.into(), table, of, to: vec![to], goal, bound };
    let mut targets = vec![
        of("8 bytes, singly", small, throughput::FIXED, throughput::RTRB, Goal::AtLeast(1.8), SINGLY),
        of("64 bytes, singly", large, throughput::FIXED, throughput::RTRB, Goal::AtLeast(1.0), SINGLY),
        of("8 bytes, 32 at a time", small_batches, throughput::FIXED, throughput::RTRB, Goal::AtLeast(1.0), BATCHES),
        of("64 bytes, 32 at a time", large_batches, throughput::FIXED, throughput::RTRB, Goal::AtLeast(1.0), BATCHES),
        of("8 bytes against the published peer", small, throughput::FIXED, throughput::ICEORYX2, Goal::AtLeast(100.0), SINGLY),
        of("64 bytes against the published peer", large, throughput::FIXED, throughput::ICEORYX2, Goal::AtLeast(30.0), SINGLY),
        of("busy round trip, 8 bytes", busy, exchange::FIXED_8, exchange::LINES, Goal::AtMost(0.9), TWO_LINES),
        of("busy round trip, 64 bytes", busy, exchange::FIXED_64, exchange::LINES, Goal::AtMost(0.9), TWO_LINES),
        of("blocking round trip on one processor", asleep, exchange::FIXED_8, exchange::FUTEX, Goal::AtMost(1.0), SLEEP),
        of("from a death to its news", death, exchange::RING, exchange::PIDFD, Goal::AtMost(1.2), NEWS),
    ];
    for (what, table, goal) in [
        ("checks, 8 bytes, singly", small, 0.90),
        ("checks, 64 bytes, singly", large, 0.90),
        ("checks, 8 bytes, 32 at a time", small_batches, 0.98),
        ("checks, 64 bytes, 32 at a time", large_batches, 0.98),
    ] {
        targets.push(of(what, table, throughput::FIXED_HERE, throughput::UNCHECKED, Goal::AtLeast(goal), CHECKS));
    }
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
