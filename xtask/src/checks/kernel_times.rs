//! Time by kind of kernel, from the launches that CubeCL logs.

use std::collections::BTreeMap;
use std::fmt::Write;

/// CubeCL's settings that keep compiled kernels in the working directory.
pub const KEPT_KERNELS: &str = "[compilation]\ncache = \"local\"\n";

/// CubeCL's settings that write the time of each launch to `launches.log` in the working directory.
pub const LOGGED_LAUNCHES: &str = "[profiling.logger]\nlevel = \"basic\"\nfile = \"launches.log\"\n";

/// A table of kinds of kernels, the one with the longest total time first. Its lines are for people.
pub fn by_kind(launches: &str) -> String {
    let mut kinds: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for (seconds, kind) in launches.lines().filter_map(launch) {
        let (total, count) = kinds.entry(kind).or_default();
        *total += seconds;
        *count += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by(|(_, a), (_, b)| b.0.total_cmp(&a.0));
    let whole: f64 = kinds.iter().map(|(_, (seconds, _))| seconds).sum();
    let mut table = String::from("  share     seconds  launches  kernel\n");
    for (kind, (seconds, count)) in kinds {
        writeln!(table, "{:6.1} %  {seconds:10.4}  {count:8}  {kind}", 100.0 * seconds / whole).expect("memory");
    }
    table
}

/// Seconds and kernel of a launch: a line such as `| 12.3µs   | conv`. None for any other line.
fn launch(line: &str) -> Option<(f64, &str)> {
    let (time, kind) = line.strip_prefix("| ")?.split_once(" | ")?;
    let time = time.trim();
    // `ms` before `s`, which ends every unit.
    let units = [("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (number, unit) = units.into_iter().find_map(|(name, unit)| Some((time.strip_suffix(name)?, unit)))?;
    Some((number.parse::<f64>().ok()? * unit, kind.trim()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn launches_of_a_kind_are_summed_and_the_slowest_kind_is_first() {
        // The form in which CubeCL writes a launch.
        let line = |nanoseconds, name: &str| format!("| {:<10?} | {name}\n", Duration::from_nanos(nanoseconds));
        let log = [line(950, "add"), line(2_500_000, "conv"), line(1_050, "add"), line(1_500_000_000, "compile")];
        let table = by_kind(&format!("something else\n| Name | Duration | Ratio |\n{}", log.concat()));
        let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["99.8", "%", "1.5000", "1", "compile"]);
        assert_eq!(rows[1], ["0.2", "%", "0.0025", "1", "conv"]);
        assert_eq!(rows[2], ["0.0", "%", "0.0000", "2", "add"]);
        assert_eq!(rows.len(), 3);
    }
}
