//! The rows of a comparison: its systems, and hand-designed networks at the size of a found architecture.

use anyhow::{Result, bail, ensure};
use smash::baselines::Baseline;
use smash::equal_size::SizeCount;

use crate::settings::studies::{ComparisonStudy, EqualSize, FoundSystem, System, TrainedSearch};

/// How a system is run.
#[derive(Clone, Copy, Debug)]
pub enum SystemKind<'a> {
    /// A hand-designed network.
    Baseline(&'a Baseline),
    /// The best architecture of a search by SMASH score.
    Smash(&'a FoundSystem),
    /// The best architecture of a search that trains every architecture it looks at.
    TrainedSearch(&'a TrainedSearch),
}

/// A row of the table that is run.
#[derive(Clone, Copy, Debug)]
pub struct TableRow<'a> {
    /// Its index, which is part of its file names and random streams. It is the index of the system, if that is not scaled.
    pub number: usize,
    /// The system.
    pub system: &'a System,
    /// How the system is run.
    pub kind: SystemKind<'a>,
    /// The count by which a hand-designed network is scaled, and the system whose count it gets. `None` if it has its own size.
    pub equal: Option<(SizeCount, &'a str)>,
}

impl TableRow<'_> {
    /// Its name in tables.
    pub fn name(&self) -> String {
        match self.equal {
            None => self.system.name.clone(),
            Some((count, _)) => format!("{}, equal {}", self.system.name, count.name()),
        }
    }
}

impl System {
    /// How the system is run; `None` if only quoted numbers are shown for it.
    pub fn kind(&self) -> Option<SystemKind<'_>> {
        let baseline = self.baseline.as_ref().map(SystemKind::Baseline);
        let smash = self.smash.as_ref().map(SystemKind::Smash);
        baseline.or(smash).or(self.trained_search.as_ref().map(SystemKind::TrainedSearch))
    }
}

impl ComparisonStudy {
    /// The rows of the table: all systems that are run, then the scaled ones by parameters, then those by multiply-adds.
    pub fn rows(&self) -> Vec<TableRow<'_>> {
        let own = self.systems.iter().enumerate();
        let own =
            own.filter_map(|(number, system)| Some(TableRow { number, system, kind: system.kind()?, equal: None }));
        let mut rows: Vec<TableRow<'_>> = own.collect();
        let scaled = self.equal_size.iter().flat_map(|EqualSize { to, systems }| {
            SizeCount::ALL
                .into_iter()
                .flat_map(move |count| systems.iter().map(move |name| (name, (count, to.as_str()))))
        });
        for (index, (name, equal)) in scaled.enumerate() {
            if let Some(row) = rows.iter().find(|row| row.equal.is_none() && row.system.name == *name) {
                rows.push(TableRow { number: self.systems.len() + index, equal: Some(equal), ..*row });
            }
        }
        rows
    }

    /// Number of SMASH networks of each search.
    pub fn searches_of_each(&self) -> usize {
        if self.own_searches { self.training_seeds } else { 1 }
    }

    /// Checks the systems that are scaled, and searches of one's own.
    ///
    /// # Errors
    /// A name that is no system of the expected kind, or a row without a name of its own. Also a search that trains its candidates
    /// beside repeated searches.
    pub fn check_rows(&self) -> Result<()> {
        let is_kind = |name: &str, is_kind: fn(&SystemKind) -> bool| {
            let system = self.systems.iter().find(|system| system.name == name);
            system.and_then(System::kind).is_some_and(|kind| is_kind(&kind))
        };
        if let Some(EqualSize { to, systems }) = &self.equal_size {
            ensure!(
                is_kind(to, |kind| matches!(kind, SystemKind::Smash(_))),
                "`study.equal-size.to`: expected a system with `smash`, got `{to}`"
            );
            ensure!(!systems.is_empty(), "`study.equal-size.systems`: expected at least one system");
            for name in systems {
                ensure!(
                    is_kind(name, |kind| matches!(kind, SystemKind::Baseline(_))),
                    "`study.equal-size.systems`: expected systems with `baseline`, got `{name}`"
                );
            }
        }
        let mut names: Vec<String> = self.rows().iter().map(TableRow::name).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("`study.equal-size.systems`: two rows have the name `{}`", pair[0]);
        }
        let trains = |system: &&System| system.trained_search.is_some();
        if let Some(system) = self.systems.iter().filter(|_| self.own_searches).find(trains) {
            bail!("`study.own-searches`: expected no system with `trained-search`, got `{}`", system.name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::definition::{Scale, load};
    use crate::settings::studies::{ComparisonStudy, Study};

    const COMPARISONS: [&str; 5] = ["table1", "table2", "table3", "transfer-stl10", "transfer-modelnet10"];

    fn comparison(name: &str, scale: Scale) -> ComparisonStudy {
        match load(name, scale, &[]).unwrap().study {
            Study::Comparison(study) => *study,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn every_comparison_has_rows_at_equal_parameters_and_multiply_adds() {
        for (name, scale) in COMPARISONS.iter().flat_map(|name| Scale::ALL.map(|scale| (name, scale))) {
            let study = comparison(name, scale);
            let names: Vec<String> = study.rows().iter().map(|row| row.name()).collect();
            let equal = study.equal_size.as_ref().unwrap();
            for count in ["parameters", "multiply-adds"] {
                let expected = equal.systems.iter().map(|system| format!("{system}, equal {count}"));
                assert!(expected.clone().all(|row| names.contains(&row)), "{name}: {names:?}");
            }
            // Numbers are part of file names.
            let mut numbers: Vec<usize> = study.rows().iter().map(|row| row.number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), names.len(), "{name}");
        }
    }

    /// The paper states the transfers about searches, so their intervals at scale laptop are over at least five.
    #[test]
    fn transfers_repeat_their_searches() {
        for name in ["transfer-stl10", "transfer-modelnet10"] {
            assert!(comparison(name, Scale::Laptop).searches_of_each() >= 5, "{name}");
        }
        assert_eq!(comparison("table3", Scale::Laptop).searches_of_each(), 1);
    }

    #[test]
    fn rows_that_make_no_sense_are_refused_by_name() {
        for (name, setting, expected) in [
            (
                "table3",
                "equal-size.to='WRN-28-10'",
                "`study.equal-size.to`: expected a system with `smash`, got `WRN-28-10`",
            ),
            ("table3", "equal-size.systems=[]", "`study.equal-size.systems`: expected at least one system"),
            ("table3", "equal-size.systems=['SMASHv2']", "expected systems with `baseline`, got `SMASHv2`"),
            ("table3", "equal-size.systems=['WRN']", "expected systems with `baseline`, got `WRN`"),
            (
                "table3",
                "equal-size.systems=['WRN-28-2','WRN-28-2']",
                "two rows have the name `WRN-28-2, equal multiply-adds`",
            ),
            ("table1", "own-searches=true", "`study.own-searches`: expected no system with `trained-search`"),
        ] {
            let error = format!("{:#}", load(name, Scale::Smoke, &[format!("study.{setting}")]).unwrap_err());
            assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
        }
    }
}
