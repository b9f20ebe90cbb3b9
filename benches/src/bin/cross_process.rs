//! `cross_process [--rounds N] [--millis N] [--processors A,B] [--write FILE]`: the ring beside others, as Markdown on standard output, and in a file
//! if one is named (`docs/results/ring.md`). Needs two processors.

use std::process::ExitCode;

use gpushare_benches::exchange::{self, Exchange};
use gpushare_benches::machine;
use gpushare_benches::report::Table;
use gpushare_benches::throughput::{self, Contender};

const ABOUT: &str = "# The ring, measured

Printed by `cargo run --profile measure -p gpushare-benches --bin cross_process -- --write docs/results/ring.md`.

Contenders take turns. Each is measured between two canaries, the raw round trip of two lines of cache between the two
processors. Figures are medians with the least and the most of all rounds. A ratio is taken within a round, and only if the four
canaries around its two figures agree within a quarter; how many rounds did is told beside it. Two processors, pinned;
room for 1024 messages; the ring is watched (a killed peer is noticed) and wakes a sleeping peer.

For comparison, the systems that this one descends from: 2.85 million messages a second between two threads, 27.4 in one.
";

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
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let tables = [
        one_way::<8, 1>(&options),
        one_way::<64, 1>(&options),
        one_way::<8, 32>(&options),
        one_way::<64, 32>(&options),
        round_trips("Round trip, busy, two processors", 50_000, &options, exchange::busy()),
        round_trips("Round trip, asleep, one processor", 10_000, &options, exchange::asleep()),
        round_trips("From a kill to its news", 15, &options, exchange::death()),
    ];
    let machine = format!("\nMeasured on {} with {} processors.\n", machine::name(), machine::count());
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
