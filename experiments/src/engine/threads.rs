//! Threads that a unit may use: `RAYON_NUM_THREADS` of them, up to a bound, or one for each core.

use anyhow::Result;
use rayon::{ThreadPool, ThreadPoolBuilder};
use results::errln;

/// Largest number of threads for each core. More only take memory and wait for each other, and thousands stop a machine.
const MOST_PER_CORE: usize = 4;

/// The variable by which rayon's users set the number of threads.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Number of cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The number of threads that the environment asks for, if it asks for a number.
fn asked() -> Option<usize> {
    std::env::var(VARIABLE).ok()?.parse().ok().filter(|&threads| threads > 0)
}

fn bounded(asked: Option<usize>, cores: usize) -> usize {
    asked.unwrap_or(cores).min(MOST_PER_CORE * cores)
}

/// A pool for one unit.
///
/// # Errors
/// Threads that the system refuses.
pub fn pool() -> Result<ThreadPool> {
    Ok(ThreadPoolBuilder::new().num_threads(bounded(asked(), cores())).build()?)
}

/// Keeps rayon's own pool within the bound, which code outside units uses. It must be called before any such code. A process that
/// another one of this program started `warns` nobody again.
///
/// # Errors
/// Threads that the system refuses.
pub fn bound_others(warns: bool) -> Result<()> {
    let (asked, bounded) = (asked(), bounded(asked(), cores()));
    let Some(asked) = asked.filter(|&asked| asked > bounded) else {
        return Ok(());
    };
    if warns {
        errln!("warning: {VARIABLE}={asked} is too much for {} cores; {bounded} threads are used", cores());
    }
    Ok(ThreadPoolBuilder::new().num_threads(bounded).build_global()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_as_many_as_asked_for_up_to_a_bound() {
        assert_eq!(bounded(None, 2), 2);
        assert_eq!(bounded(Some(1), 2), 1);
        assert_eq!(bounded(Some(7), 2), 7);
        assert_eq!(bounded(Some(100_000), 2), 8);
    }
}
