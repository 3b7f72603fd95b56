//! The interface of a study kind: stages of units, and the tables of a run.

use anyhow::Result;

use crate::engine::unit::{Kind, Unit};

/// One seed of a study: its units, their order, and its tables.
pub trait Study: Sync {
    /// The kind of the units of each stage, in order.
    fn stages(&self) -> Vec<Kind>;

    /// The units of a stage. The list is the same before and after the earlier stages are done. The work for another machine is
    /// thus known from the start. The work of a unit may need all units of the earlier stages, and no unit of its own stage.
    fn units(&self, stage: usize) -> Vec<Unit<'_>>;

    /// Gathers the outputs of all units into the tables of the run.
    ///
    /// # Errors
    /// A unit's output that cannot be read, or a table that cannot be written.
    fn write_tables(&self) -> Result<()>;
}

/// The units of one stage for all seeds, in order.
pub fn units_of_stage<'a>(runs: &'a [Box<dyn Study + '_>], stage: usize) -> Vec<Unit<'a>> {
    runs.iter().flat_map(|run| run.units(stage)).collect()
}

/// The units of one stage for the first seed that has any: only one seed verifies a benchmark.
pub fn units_of_first_seed<'a>(runs: &'a [Box<dyn Study + '_>], stage: usize) -> Vec<Unit<'a>> {
    runs.iter().map(|run| run.units(stage)).find(|units| !units.is_empty()).unwrap_or_default()
}

/// The units that are not done, each with its index among all units.
///
/// # Errors
/// As [`Unit::is_done`].
pub fn open_units<'a, 'b>(units: &'a [Unit<'b>]) -> Result<Vec<(usize, &'a Unit<'b>)>> {
    let mut open = Vec::new();
    for (index, unit) in units.iter().enumerate() {
        if !unit.is_done()? {
            open.push((index, unit));
        }
    }
    Ok(open)
}
