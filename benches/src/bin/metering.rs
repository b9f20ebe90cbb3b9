//! `metering [ROUNDS]`: what a meter costs, switched off and on, in turns; as Markdown. One thread sends and takes, so that nothing
//! hides what it costs behind the way of a line of cache from one processor to another.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use gpushare::meter::{Export, Meter, Sampling};
use gpushare::ring::{Consumer, Counts, Producer, RingError, fixed};
use gpushare_benches::machine;

/// Few, so that most rounds pass without another process on the processor, and their median is of those.
const MESSAGES: usize = 20_000;

/// Asks both meters where a batch ends.
trait Metering {
    fn batch(&mut self, side: usize, counts: impl FnOnce() -> Counts);
}

struct Without;

impl Metering for Without {
    #[inline]
    fn batch(&mut self, _: usize, _: impl FnOnce() -> Counts) {}
}

struct With([(Meter, Export); 2]);

impl With {
    fn switched(on: bool) -> Self {
        Self(["out", "in"].map(|ring| {
            let mut meter = Meter::new(Sampling::default());
            meter.switch(on);
            (meter, Export::new(ring))
        }))
    }
}

impl Metering for With {
    #[inline]
    fn batch(&mut self, side: usize, counts: impl FnOnce() -> Counts) {
        let (meter, export) = &mut self.0[side];
        if let Some(sample) = meter.batch(counts) {
            export.tell(&sample);
        }
    }
}

/// Nanoseconds a message of 8 bytes, of any length as far as the ring knows.
fn any_length<const BATCH: usize>(mut metering: impl Metering) -> Result<f64, RingError> {
    let (mut producer, offer) = Producer::create(1 << 14)?;
    let mut consumer = Consumer::attach(offer).map_err(|refused| refused.error)?;
    let began = Instant::now();
    for number in 0..MESSAGES / BATCH {
        let message = black_box(number as u64).to_ne_bytes();
        if BATCH == 1 {
            producer.try_send(&message)?;
        } else {
            let mut batch = producer.batch();
            for _ in 0..BATCH {
                batch.try_send(&message)?;
            }
        }
        metering.batch(0, || producer.counts());
        consumer.try_drain(BATCH, |message| {
            let mut bytes = [0; 8];
            message.read(0, &mut bytes);
            black_box(bytes);
        })?;
        metering.batch(1, || consumer.counts());
    }
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(consumer.counts().messages, (MESSAGES / BATCH * BATCH) as u64);
    Ok(seconds * 1e9 / MESSAGES as f64)
}

/// The same in the ring for messages of one size.
fn one_size<const BATCH: usize>(mut metering: impl Metering) -> Result<f64, RingError> {
    let (mut producer, offer) = fixed::Producer::<8>::create(1024)?;
    let mut consumer = fixed::Consumer::<8>::attach(offer).map_err(|refused| refused.error)?;
    let mut batch = [[0; 8]; BATCH];
    let began = Instant::now();
    for number in 0..MESSAGES / BATCH {
        batch.fill(black_box(number as u64).to_ne_bytes());
        if BATCH == 1 {
            producer.try_send(&batch[0])?;
        } else {
            producer.try_send_batch(&batch)?;
        }
        metering.batch(0, || producer.counts());
        if BATCH == 1 {
            black_box(consumer.try_receive()?);
        } else {
            consumer.try_receive_batch(black_box(&mut batch))?;
        }
        metering.batch(1, || consumer.counts());
    }
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(consumer.counts().messages, (MESSAGES / BATCH * BATCH) as u64);
    Ok(seconds * 1e9 / MESSAGES as f64)
}

/// Measures once, in nanoseconds a message.
type Run = fn() -> Result<f64, RingError>;

/// Without a meter, with one that is switched off, with one that is on.
macro_rules! rows {
    ($run:ident::<$batch:literal>) => {
        [
            ("without", (|| $run::<$batch>(Without)) as Run),
            ("switched off", || $run::<$batch>(With::switched(false))),
            ("switched on", || $run::<$batch>(With::switched(true))),
        ]
    };
}

/// Median and quartiles.
fn quartiles(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let at = |quarter: usize| values[(values.len() - 1) * quarter / 4];
    format!("{:.3} ({:.3}–{:.3})", at(2), at(1), at(3))
}

fn measure(title: &str, rows: [(&str, Run); 3], rounds: usize) -> Result<(), RingError> {
    let mut all = [const { Vec::new() }; 3];
    for round in 0..rounds {
        // Each of them is the first as often as the others.
        for at in (0..rows.len()).map(|at| (at + round) % rows.len()) {
            all[at].push(rows[at].1()?);
        }
    }
    println!("### {title}\n\n| | nanoseconds a message | ratio to the first, within a round |\n| --- | --- | --- |");
    for ((name, _), values) in rows.iter().zip(&all) {
        let ratios = values.iter().zip(&all[0]).map(|(value, first)| value / first);
        println!("| {name} | {} | {} |", quartiles(values.clone()), quartiles(ratios.collect()));
    }
    println!();
    Ok(())
}

fn main() -> ExitCode {
    let rounds = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 1001,
        Some(Ok(rounds)) => rounds,
        Some(Err(error)) => {
            eprintln!("the number of rounds: {error}");
            return ExitCode::from(2);
        }
    };
    machine::pin(0);
    println!("Measured on {}; median and quartiles of {rounds} rounds.\n", machine::name());
    for (title, rows) in [
        ("Any length, 8 bytes, singly", rows!(any_length::<1>)),
        ("Any length, 8 bytes, 32 at a time", rows!(any_length::<32>)),
        ("One size, 8 bytes, singly", rows!(one_size::<1>)),
        ("One size, 8 bytes, 32 at a time", rows!(one_size::<32>)),
    ] {
        if let Err(error) = measure(title, rows, rounds) {
            eprintln!("{title}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
