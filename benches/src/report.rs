//! Rounds, ratios, and the tables made of them.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::canary::{Canary, canary};

/// What one contender did in one round.
#[derive(Clone, Copy, Debug)]
struct Sample {
    value: f64,
    /// The canary before and after.
    canary: [Canary; 2],
}

/// A canary that changes by more than this factor while something is measured tells that the machine was moved.
const STEADY: f64 = 1.25;

impl Sample {
    /// For another process, with the contender's name.
    fn line(&self, name: &str) -> String {
        let Self { value, canary: [before, after] } = self;
        format!("{value}\t{}\t{}\t{}\t{}\t{name}\n", before.trip, before.one_core, after.trip, after.one_core)
    }

    /// The name, and the sample.
    fn parse(line: &str) -> Option<(String, Self)> {
        let mut parts = line.splitn(6, '\t');
        let value = parts.next()?.parse().ok()?;
        let mut canary = || Some(Canary { trip: parts.next()?.parse().ok()?, one_core: parts.next()?.parse().ok()? });
        let canary = [canary()?, canary()?];
        Some((parts.next()?.into(), Self { value, canary }))
    }

    fn steady_with(&self, other: &Self) -> bool {
        let trips = [self.canary, other.canary].concat().iter().map(|canary| canary.trip).collect::<Vec<_>>();
        let (least, most) = ends(&trips);
        most <= least * STEADY
    }

    /// Whether the two processors were those of one core all the time, or never.
    fn on(&self, cores: Cores) -> bool {
        self.canary.iter().all(|canary| canary.one_core == (cores == Cores::One))
    }
}

/// The least and the most.
fn ends(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, 0.0), |(least, most), value| (value.min(least), value.max(most)))
}

/// The middle.
fn median(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        len if len.is_multiple_of(2) => (sorted[len / 2 - 1] + sorted[len / 2]) / 2.0,
        len => sorted[len / 2],
    }
}

/// `median (least–most)`.
fn spread(values: &[f64], digits: usize) -> String {
    if median(values).is_nan() {
        return "not measured".into();
    }
    let (least, most) = ends(values);
    format!("{:.digits$} ({least:.digits$}–{most:.digits$})", median(values))
}

/// A name, and what measures once.
pub type Contender = (&'static str, Box<dyn Fn() -> f64>);

/// Where the two processors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cores {
    One,
    Two,
}

/// In which order the contenders of a round take turns, each with its place: there and back, so that none always follows the same one,
/// and neighbours stay neighbours.
fn turns<C>(round: usize, contenders: &[C]) -> impl Iterator<Item = (usize, &C)> {
    let back = !round.is_multiple_of(2);
    let last = contenders.len().saturating_sub(1);
    (0..contenders.len()).map(move |turn| if back { last - turn } else { turn }).map(|at| (at, &contenders[at]))
}

/// Measure each contender once, each between two canaries; in which order, see [`turns`].
fn samples(round: usize, contenders: &[Contender]) -> Vec<Sample> {
    let mut before = canary();
    let mut samples: Vec<_> = turns(round, contenders)
        .map(|(at, (_, run))| {
            let value = run();
            let after = canary();
            let canary = [std::mem::replace(&mut before, after), after];
            (at, Sample { value, canary })
        })
        .collect();
    samples.sort_by_key(|(at, _)| *at);
    samples.into_iter().map(|(_, sample)| sample).collect()
}

/// One round, as lines for the [`Table`] that another process makes of several.
#[must_use]
pub fn round(number: usize, contenders: &[Contender]) -> String {
    let names = contenders.iter().map(|(name, _)| *name);
    names.zip(samples(number, contenders)).map(|(name, sample)| sample.line(name)).collect()
}

/// One table: contenders in rows, the first of which is the denominator.
#[derive(Debug)]
pub struct Table {
    title: String,
    unit: &'static str,
    names: Vec<String>,
    /// Whether what is measured needs two cores.
    apart: bool,
    /// By round, by contender.
    rounds: Vec<Vec<Sample>>,
}

impl Table {
    /// What it is about.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Measure so many rounds.
    pub fn measure(title: impl Into<String>, unit: &'static str, rounds: usize, contenders: &[Contender]) -> Self {
        let title = title.into();
        let names = contenders.iter().map(|(name, _)| (*name).into()).collect();
        let measured = (0..rounds).map(|round| {
            eprintln!("{title}: round {} of {rounds}", round + 1);
            samples(round, contenders)
        });
        let rounds = measured.collect();
        Self { title, unit, names, apart: false, rounds }
    }

    /// Of rounds that other processes measured, as [`round`] tells them.
    ///
    /// # Errors
    /// The line that tells of no sample, or of another contender than the first round's.
    pub fn gather(title: impl Into<String>, unit: &'static str, told: &[String]) -> Result<Self, String> {
        let parse = |line: &str| Sample::parse(line).ok_or_else(|| format!("this tells of no sample: {line:?}"));
        let mut table = Self { title: title.into(), unit, names: Vec::new(), apart: false, rounds: Vec::new() };
        for text in told {
            let (names, samples): (Vec<_>, _) = text.lines().map(parse).collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
            if table.rounds.is_empty() {
                table.names.clone_from(&names);
            }
            if names != table.names {
                return Err(format!(
                    "{}: the rounds have different contenders: {:?}, then {names:?}",
                    table.title, table.names
                ));
            }
            table.rounds.push(samples);
        }
        Ok(table)
    }

    /// What was measured needs two cores: rounds in which the processors were two threads of one are told apart.
    #[must_use]
    pub fn on_two_cores(self) -> Self {
        Self { apart: true, ..self }
    }

    /// The ratios of one contender to others, in each round to the one that has the least, from the rounds in which the machine stood
    /// still; none where nothing was measured.
    fn ratios(&self, of: usize, to: &[usize], cores: Cores) -> Vec<f64> {
        let ratio = |round: &Vec<Sample>| {
            let others = to.iter().map(|at| &round[*at]).filter(|other| other.value.is_finite());
            let (of, least) = (&round[of], others.min_by(|one, other| one.value.total_cmp(&other.value))?);
            let counts = if self.apart { of.on(cores) && least.on(cores) } else { cores == Cores::Two };
            (of.value.is_finite() && of.steady_with(least) && counts).then_some(of.value / least.value)
        };
        self.rounds.iter().filter_map(ratio).filter(|ratio| ratio.is_finite()).collect()
    }

    /// The ratio with its spread, and how many rounds it is from; beside them what it was in rounds in which one core did all.
    fn ratio(&self, of: usize, to: &[usize]) -> [String; 2] {
        let [two, one] = [Cores::Two, Cores::One].map(|cores| self.ratios(of, to, cores));
        let mut rounds = format!("{} of {}", two.len(), self.rounds.len());
        if !one.is_empty() {
            let _ = write!(rounds, "; on one core {:.2} in {}", median(&one), one.len());
        }
        [spread(&two, 2), rounds]
    }

    /// Whether a contender of this name took part.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.row(name).is_some()
    }

    fn row(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| *other == name)
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n", self.title);
        let _ = writeln!(text, "| | {} | ratio to the first | steady rounds | canary, ns |", self.unit);
        let _ = writeln!(text, "| --- | --- | --- | --- | --- |");
        for (at, name) in self.names.iter().enumerate() {
            let samples: Vec<&Sample> = self.rounds.iter().map(|round| &round[at]).collect();
            let values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
            let canaries: Vec<f64> = samples.iter().flat_map(|sample| sample.canary).map(|canary| canary.trip).collect();
            let [ratio, rounds] = self.ratio(at, &[0]);
            let value = spread(&values, if median(&values) < 100.0 { 2 } else { 0 });
            let _ = writeln!(text, "| {name} | {value} | {ratio} | {rounds} | {} |", spread(&canaries, 0));
        }
        text
    }
}

/// What a ratio is to be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// So much or more.
    AtLeast(f64),
    /// So much or less.
    AtMost(f64),
}

/// A figure that is aimed at.
#[derive(Debug)]
pub struct Target<'t> {
    /// In words.
    pub what: Cow<'t, str>,
    /// Where it is measured.
    pub table: &'t Table,
    /// The row.
    pub of: &'static str,
    /// The row that it is divided by; of several, in each round by the one that has the least.
    pub to: Vec<&'static str>,
    /// What the ratio is to be.
    pub goal: Goal,
    /// What bounds it, where it is not met.
    pub bound: &'static str,
}

impl Target<'_> {
    fn line(&self) -> String {
        let Self { what, table, of, to, goal, bound } = self;
        let (sign, aim) = match goal {
            Goal::AtLeast(aim) => ('≥', aim),
            Goal::AtMost(aim) => ('≤', aim),
        };
        let others: Vec<usize> = to.iter().filter_map(|to| table.row(to)).collect();
        let of = table.row(of);
        let found = of.map_or(f64::NAN, |of| median(&table.ratios(of, &others, Cores::Two)));
        let to = if to.len() > 1 { format!("the least of: {}", to.join("; ")) } else { to.concat() };
        let [ratio, rounds] = match of {
            Some(of) => table.ratio(of, &others),
            None => [spread(&[], 2), format!("0 of {}", table.rounds.len())],
        };
        let met = match goal {
            _ if found.is_nan() => "not measured",
            Goal::AtLeast(aim) if found >= *aim => "met",
            Goal::AtMost(aim) if found <= *aim => "met",
            _ => "**not met**",
        };
        let why = if met == "**not met**" { bound } else { "" };
        format!("| {what} | {sign} {aim} × {to} | {ratio} | {rounds} | {met} | {why} |\n")
    }
}

/// All targets as Markdown.
#[must_use]
pub fn targets(all: &[Target<'_>]) -> String {
    let head = "### Targets\n\n| | aim | ratio | steady rounds | | what bounds it |\n| --- | --- | --- | --- | --- | --- |\n";
    all.iter().fold(head.to_owned(), |text, target| text + &target.line())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(value: f64, before: f64, after: f64) -> Sample {
        Sample { value, canary: [before, after].map(|trip| Canary { trip, one_core: false }) }
    }

    /// A round of two contenders, the second of which has this value.
    fn round(second: f64, one_core: bool) -> Vec<Sample> {
        let sample = |value| Sample { value, canary: [Canary { trip: 100.0, one_core }; 2] };
        vec![sample(10.0), sample(second)]
    }

    #[test]
    fn a_round_of_another_process_is_gathered() {
        let line = |name| sample(f64::NAN, 100.5, 500.0).line(name) + &sample(2.0, 100.0, 101.0).line("b, 1 at a time");
        let table = Table::gather("t", "u", &[line("a"), line("a")]).expect("two rounds");
        assert_eq!(table.names, ["a", "b, 1 at a time"]);
        assert_eq!(table.rounds.len(), 2);
        let [first, second] = &table.rounds[1][..] else { panic!("{:?}", table.rounds) };
        assert!(first.value.is_nan() && first.canary[0].trip == 100.5 && first.canary[1].trip == 500.0);
        assert!(second.value == 2.0 && !second.canary[0].one_core);
        let refused = |told: &[String]| Table::gather("t", "u", told).expect_err("no table");
        assert!(refused(&[line("a"), line("c")]).contains("different contenders"));
        for broken in ["", "1.0", "1.0\t2.0\ttrue\t3.0\tfalse", "1.0\t2.0\tyes\t3.0\tno\ta"] {
            assert!(refused(&[format!("{broken}\n")]).contains("no sample"), "{broken}");
        }
    }

    #[test]
    fn one_core_is_told_to_the_other_process() {
        let told = Sample { value: 1.0, canary: [true, false].map(|one_core| Canary { trip: 50.0, one_core }) };
        let (_, read) = Sample::parse(&told.line("a")).expect("a sample");
        assert_eq!(read.canary.map(|canary| canary.one_core), [true, false]);
    }

    #[test]
    fn every_second_round_goes_back() {
        let places = |round| turns(round, &["a", "b", "c"]).collect::<Vec<_>>();
        assert_eq!(places(0), [(0, &"a"), (1, &"b"), (2, &"c")]);
        assert_eq!(places(1), [(2, &"c"), (1, &"b"), (0, &"a")]);
        assert_eq!(places(2), places(0));
    }

    #[test]
    fn a_round_in_which_the_machine_was_moved_has_no_ratio() {
        let rounds = vec![
            vec![sample(10.0, 100.0, 101.0), sample(20.0, 101.0, 99.0)],
            vec![sample(10.0, 100.0, 101.0), sample(90.0, 101.0, 500.0)],
        ];
        let table = Table { title: "t".into(), unit: "u", names: vec!["a".into(), "b".into()], apart: false, rounds };
        assert!(table.markdown().contains("| b | 55.00 (20.00–90.00) | 2.00 (2.00–2.00) | 1 of 2 |"), "{}", table.markdown());
    }

    #[test]
    fn a_target_is_met_missed_or_not_measured() {
        let rounds = vec![vec![sample(10.0, 100.0, 101.0), sample(19.0, 101.0, 99.0)]];
        let table = Table { title: "t".into(), unit: "u", names: vec!["a".into(), "b".into()], apart: false, rounds };
        let line = |of, goal| Target { what: "w".into(), table: &table, of, to: vec!["a"], goal, bound: "why" }.line();
        assert_eq!(line("b", Goal::AtLeast(1.8)), "| w | ≥ 1.8 × a | 1.90 (1.90–1.90) | 1 of 1 | met |  |\n");
        assert_eq!(line("b", Goal::AtMost(1.8)), "| w | ≤ 1.8 × a | 1.90 (1.90–1.90) | 1 of 1 | **not met** | why |\n");
        assert_eq!(line("c", Goal::AtMost(1.8)), "| w | ≤ 1.8 × a | not measured | 0 of 1 | not measured |  |\n");
    }

    #[test]
    fn what_needs_two_cores_is_told_apart_where_it_had_one() {
        let mut moved = round(70.0, false);
        moved[1].canary[1].one_core = true;
        let rounds = vec![round(20.0, false), round(11.0, true), moved, round(30.0, false), round(13.0, true)];
        let table = |rounds| Table { title: "t".into(), unit: "u", names: vec!["a".into(), "b".into()], apart: false, rounds };
        let line = |table: &Table| {
            Target { what: "w".into(), table, of: "b", to: vec!["a"], goal: Goal::AtLeast(2.0), bound: "why" }.line()
        };
        let apart = table(rounds.clone()).on_two_cores();
        assert!(apart.markdown().contains("| 2.50 (2.00–3.00) | 2 of 5; on one core 1.20 in 2 |"), "{}", apart.markdown());
        assert_eq!(line(&apart), "| w | ≥ 2 × a | 2.50 (2.00–3.00) | 2 of 5; on one core 1.20 in 2 | met |  |\n");
        assert_eq!(line(&table(rounds)), "| w | ≥ 2 × a | 2.00 (1.10–7.00) | 5 of 5 | met |  |\n");
        let one = table(vec![round(30.0, true)]).on_two_cores();
        assert_eq!(line(&one), "| w | ≥ 2 × a | not measured | 0 of 1; on one core 3.00 in 1 | not measured |  |\n");
    }

    #[test]
    fn of_several_the_least_of_each_round_is_the_denominator() {
        let steady = |value| sample(value, 100.0, 101.0);
        let rounds = vec![
            vec![steady(10.0), steady(1000.0), steady(30.0)],
            vec![steady(f64::NAN), steady(5.0), steady(20.0)],
            // Whether the other one was steady does not matter.
            vec![steady(10.0), sample(1000.0, 101.0, 500.0), steady(50.0)],
        ];
        let table =
            Table { title: "t".into(), unit: "u", names: vec!["a".into(), "b".into(), "c".into()], apart: false, rounds };
        let target =
            Target { what: "w".into(), table: &table, of: "c", to: vec!["a", "b"], goal: Goal::AtMost(4.0), bound: "" };
        assert_eq!(target.line(), "| w | ≤ 4 × the least of: a; b | 4.00 (3.00–5.00) | 3 of 3 | met |  |\n");
    }

    #[test]
    fn the_middle_of_even_and_odd() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    }
}
