//! Rounds, ratios, and the tables made of them.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::machine::canary;

/// What one contender did in one round.
#[derive(Clone, Copy, Debug)]
struct Sample {
    value: f64,
    /// The canary before and after.
    canary: [f64; 2],
}

/// A canary that changes by more than this factor while something is measured tells that the machine was moved.
const STEADY: f64 = 1.25;

impl Sample {
    fn steady_with(&self, other: &Self) -> bool {
        let all = [self.canary, other.canary].concat();
        let (least, most) = ends(&all);
        most <= least * STEADY
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

/// One table: contenders in rows, the first of which is the denominator.
#[derive(Debug)]
pub struct Table {
    title: String,
    unit: &'static str,
    names: Vec<&'static str>,
    /// By round, by contender.
    rounds: Vec<Vec<Sample>>,
}

impl Table {
    /// What it is about.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Measure: in each round each contender once, in turn, each between two canaries.
    pub fn measure(title: impl Into<String>, unit: &'static str, rounds: usize, contenders: &[Contender]) -> Self {
        let title = title.into();
        let names = contenders.iter().map(|(name, _)| *name).collect();
        let mut all = Vec::new();
        for round in 0..rounds {
            eprintln!("{title}: round {} of {rounds}", round + 1);
            let mut before = canary();
            let samples = contenders.iter().map(|(_, run)| {
                let value = run();
                let after = canary();
                let canary = [std::mem::replace(&mut before, after), after];
                Sample { value, canary }
            });
            all.push(samples.collect());
        }
        Self { title, unit, names, rounds: all }
    }

    /// The ratios of one contender to others, in each round to the one that has the least, from the rounds in which the machine stood
    /// still; none where nothing was measured.
    fn ratios(&self, of: usize, to: &[usize]) -> Vec<f64> {
        let ratio = |round: &Vec<Sample>| {
            let others = to.iter().map(|at| &round[*at]).filter(|other| other.value.is_finite());
            let (of, least) = (&round[of], others.min_by(|one, other| one.value.total_cmp(&other.value))?);
            (of.value.is_finite() && of.steady_with(least)).then_some(of.value / least.value)
        };
        self.rounds.iter().filter_map(ratio).filter(|ratio| ratio.is_finite()).collect()
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
            let canaries: Vec<f64> = samples.iter().flat_map(|sample| sample.canary).collect();
            let ratios = self.ratios(at, &[0]);
            let _ = writeln!(
                text,
                "| {name} | {} | {} | {} of {} | {} |",
                spread(&values, if median(&values) < 100.0 { 2 } else { 0 }),
                spread(&ratios, 2),
                ratios.len(),
                self.rounds.len(),
                spread(&canaries, 0)
            );
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
        let ratios = table.row(of).map_or(Vec::new(), |of| table.ratios(of, &others));
        let to = if to.len() > 1 { format!("the least of: {}", to.join("; ")) } else { to.concat() };
        let found = median(&ratios);
        let met = match goal {
            _ if found.is_nan() => "not measured",
            Goal::AtLeast(aim) if found >= *aim => "met",
            Goal::AtMost(aim) if found <= *aim => "met",
            _ => "**not met**",
        };
        let why = if met == "**not met**" { bound } else { "" };
        format!(
            "| {what} | {sign} {aim} × {to} | {} | {} of {} | {met} | {why} |\n",
            spread(&ratios, 2),
            ratios.len(),
            table.rounds.len()
        )
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
        Sample { value, canary: [before, after] }
    }

    #[test]
    fn a_round_in_which_the_machine_was_moved_has_no_ratio() {
        let rounds = vec![
            vec![sample(10.0, 100.0, 101.0), sample(20.0, 101.0, 99.0)],
            vec![sample(10.0, 100.0, 101.0), sample(90.0, 101.0, 500.0)],
        ];
        let table = Table { title: "t".into(), unit: "u", names: vec!["a", "b"], rounds };
        assert!(table.markdown().contains("| b | 55.00 (20.00–90.00) | 2.00 (2.00–2.00) | 1 of 2 |"), "{}", table.markdown());
    }

    #[test]
    fn a_target_is_met_missed_or_not_measured() {
        let rounds = vec![vec![sample(10.0, 100.0, 101.0), sample(19.0, 101.0, 99.0)]];
        let table = Table { title: "t".into(), unit: "u", names: vec!["a", "b"], rounds };
        let line = |of, goal| Target { what: "w".into(), table: &table, of, to: vec!["a"], goal, bound: "why" }.line();
        assert_eq!(line("b", Goal::AtLeast(1.8)), "| w | ≥ 1.8 × a | 1.90 (1.90–1.90) | 1 of 1 | met |  |\n");
        assert_eq!(line("b", Goal::AtMost(1.8)), "| w | ≤ 1.8 × a | 1.90 (1.90–1.90) | 1 of 1 | **not met** | why |\n");
        assert_eq!(line("c", Goal::AtMost(1.8)), "| w | ≤ 1.8 × a | not measured | 0 of 1 | not measured |  |\n");
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
        let table = Table { title: "t".into(), unit: "u", names: vec!["a", "b", "c"], rounds };
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
