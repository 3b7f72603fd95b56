//! Threads that a program may use: `RAYON_NUM_THREADS` of them, up to a bound, or one for each core.

use std::io::{self, ErrorKind};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::errln;

/// Largest number of threads for each core. More only take memory and wait for each other, and thousands stop a machine.
const MOST_PER_CORE: usize = 4;

/// The variable by which rayon's users set the number of threads.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Number of cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The variable by which polars' users set the number of its threads.
const OF_POLARS: &str = "POLARS_MAX_THREADS";

/// The number of threads that a variable asks for; `None` if it is unset or empty.
///
/// # Errors
/// Any other text than a number from 1.
fn asked(variable: &str) -> io::Result<Option<usize>> {
    let value = std::env::var_os(variable).filter(|value| !value.is_empty());
    value.map(|value| number(variable, &value.to_string_lossy())).transpose()
}

fn number(variable: &str, text: &str) -> io::Result<usize> {
    let number = text.parse().ok().filter(|&threads| threads > 0);
    number.ok_or_else(|| invalid(format!("{variable}={text}: expected a number of threads from 1")))
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, problem)
}

fn bounded(asked: Option<usize>, cores: usize) -> usize {
    asked.unwrap_or(cores).min(MOST_PER_CORE * cores)
}

/// A pool for one unit of work.
///
/// # Errors
/// A number of threads that cannot be read, or threads that the system refuses.
pub fn pool() -> io::Result<ThreadPool> {
    ThreadPoolBuilder::new().num_threads(bounded(asked(VARIABLE)?, cores())).build().map_err(io::Error::other)
}

/// Checks both variables, and keeps rayon's own pool within the bound. Each program calls this before any other work. A process
/// that another one of the same program started `warns` nobody again.
///
/// # Errors
/// A number of threads that cannot be read, more threads of polars than the bound, or threads that the system refuses.
pub fn bound(warns: bool) -> io::Result<()> {
    // polars reads its variable itself, when it first needs its threads.
    if let Some(of_polars) = asked(OF_POLARS)? {
        let most = MOST_PER_CORE * cores();
        if of_polars > most {
            let problem = format!("{OF_POLARS}={of_polars}: expected at most {most} for {} cores", cores());
            return Err(invalid(problem));
        }
    }
    let asked = asked(VARIABLE)?;
    let bounded = bounded(asked, cores());
    let Some(asked) = asked.filter(|&asked| asked > bounded) else {
        return Ok(());
    };
    if warns {
        errln!("warning: {VARIABLE}={asked} is too much for {} cores; {bounded} threads are used", cores());
    }
    ThreadPoolBuilder::new().num_threads(bounded).build_global().map_err(io::Error::other)
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

    #[test]
    fn a_number_of_threads_is_a_number_from_1() {
        assert_eq!(number(VARIABLE, "2").unwrap(), 2);
        for wrong in ["0", "x", "-1", "1.5", "2 "] {
            let error = number(VARIABLE, wrong).unwrap_err().to_string();
            assert_eq!(error, format!("RAYON_NUM_THREADS={wrong}: expected a number of threads from 1"));
        }
    }
}
