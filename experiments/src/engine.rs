//! The engine: units of work, run side by side, stopped and resumed. It knows no study.

pub mod checkpoints;
pub(crate) mod damage;
pub mod program;
pub(crate) mod schedule;
pub mod stop;
pub(crate) mod study;
pub(crate) mod unit;
pub(crate) mod workers;
