//! The engine: units of work, run side by side, stopped and resumed. It knows no study.

pub mod checkpoints;
pub mod damage;
pub mod program;
pub mod schedule;
pub mod stop;
pub mod study;
pub mod unit;
pub mod workers;
