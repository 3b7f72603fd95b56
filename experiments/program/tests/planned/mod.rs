//! Runs whose units another program schedules.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::binary::succeeded;

/// A run that is planned for another scheduler.
pub struct Planned {
    plan: serde_json::Value,
}

impl Planned {
    /// Exports the workflow of a run command to a folder, and reads the plan.
    pub fn of(run: &mut Command, workflow: &Path) -> Self {
        run.args(["--jobs", "1", "--export-workflow"]).arg(workflow);
        succeeded(&run.output().unwrap());
        let plan = fs::read(workflow.join("plan.json")).unwrap();
        Self { plan: serde_json::from_slice(&plan).unwrap() }
    }

    /// The command of a part: the program, the arguments of any part, then these arguments.
    pub fn part(&self, arguments: &[&str]) -> Command {
        let words = self.plan["command"].as_array().unwrap().iter();
        let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(arguments);
        command
    }

    /// Place and output of each unit, stage by stage.
    pub fn units(&self) -> Vec<(&str, &str)> {
        let stages = self.plan["stages"].as_array().unwrap().iter();
        let units = stages.flat_map(|stage| stage["units"].as_array().unwrap());
        units.map(|unit| (unit["place"].as_str().unwrap(), unit["output"].as_str().unwrap())).collect()
    }
}
