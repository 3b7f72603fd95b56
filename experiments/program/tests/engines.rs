//! Runs whose units another program schedules give the same tables.

mod binary;
mod planned;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use binary::{error_of, experiments, succeeded, tables};
use planned::Planned;

/// A planned run of two root seeds.
fn planned(results: &Path, workflow: &Path) -> Planned {
    Planned::of(&mut experiments(results, &["fig4", "--seeds", "2"]), workflow)
}

#[test]
fn units_that_run_one_by_one_give_the_same_tables() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("whole"), &["fig4", "--seeds", "2"]).output().unwrap());
    let planned = planned(&at("parts"), &at("workflow"));
    let part = |arguments: &[&str]| {
        let mut command = planned.part(arguments);
        // The part runs outside a repository, and with one thread.
        command.current_dir("/").env("RAYON_NUM_THREADS", "1");
        command
    };
    let error = error_of(&mut part(&["--tables"]));
    assert!(error.contains("SMASH network") && error.contains("is missing"), "{error}");
    assert!(error_of(&mut part(&["--unit", "9:0"])).contains("no such unit"));
    // The units of a stage run in reverse order, because none of them needs another one.
    for stage in planned.units().chunk_by(|(place, _), (next, _)| place.split(':').next() == next.split(':').next()) {
        for (place, output) in stage.iter().rev() {
            succeeded(&part(&["--unit", place]).output().unwrap());
            assert!(Path::new(output).exists());
        }
    }
    succeeded(&part(&["--tables"]).output().unwrap());
    let expected = tables(&at("whole"));
    assert_eq!(tables(&at("parts")), expected);
    let manifest = |results: &str| {
        let seed = expected.keys().next().unwrap();
        let text = std::fs::read_to_string(at(results).join(seed).with_file_name("manifest.toml")).unwrap();
        text.parse::<toml::Table>().unwrap()
    };
    let kinds = |manifest: &toml::Table| manifest["timings"].as_table().unwrap().keys().cloned().collect::<Vec<_>>();
    let (whole, parts) = (manifest("whole"), manifest("parts"));
    assert_eq!(parts["status"].as_str(), Some("complete"));
    assert_eq!(kinds(&parts), kinds(&whole));
    // The peak memory of units that ran elsewhere is not known.
    assert!(whole.contains_key("peak_memory_bytes") || !cfg!(target_os = "linux"));
    assert!(!parts.contains_key("peak_memory_bytes"));
}

#[test]
fn limits_of_jobs_come_from_units_that_a_run_of_the_same_definition_has_measured() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // Whether each stage has a time limit.
    let limited = |workflow: &str, arguments: &[&str]| -> Vec<bool> {
        Planned::of(&mut experiments(&at("results"), &[&["fig4"], arguments].concat()), &at(workflow));
        let plan = std::fs::read(at(workflow).join("plan.json")).unwrap();
        let plan: serde_json::Value = serde_json::from_slice(&plan).unwrap();
        let stages = plan["stages"].as_array().unwrap();
        stages.iter().map(|stage| stage["resources"]["runtime"].as_u64().is_some_and(|minutes| minutes > 0)).collect()
    };
    assert_eq!(limited("before", &[]), [false; 3]);
    // The run ends in its second training, so it is not complete.
    let mut killed = experiments(&at("results"), &["fig4", "--jobs", "1"]);
    assert!(!killed.env("SMASH_FAULT", "kill@truth-00001-0").output().unwrap().status.success());
    assert_eq!(limited("after", &["--seeds", "2"]), [true; 3]);
    assert_eq!(limited("other", &["--set", "study.resulting.learning-rate=0.05"]), [false; 3]);
}

#[test]
fn a_path_that_snakemake_would_misread_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (results, workflow) in [("re{x}sults", "workflow"), ("results", "work{x}flow")] {
        let mut run = experiments(&folder.path().join(results), &["fig4", "--export-workflow"]);
        let error = error_of(run.arg(folder.path().join(workflow)));
        assert!(error.contains("{x}") && error.contains("needs paths without braces"), "{error}");
        assert!(!folder.path().join(workflow).exists());
    }
}

/// Whether all programs are installed; if not, prints that the test is skipped.
fn are_installed(programs: &[&str]) -> bool {
    let is_missing = |program: &&&str| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("command -v {program}")]).stdout(Stdio::null());
        !command.status().unwrap().success()
    };
    match programs.iter().find(is_missing) {
        Some(program) => {
            eprintln!("skipped: `{program}` is not installed");
            false
        }
        None => true,
    }
}

#[test]
fn snakemake_gives_the_same_tables() {
    if !are_installed(&["snakemake"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("whole"), &["fig4", "--seeds", "2"]).output().unwrap());
    planned(&at("parts"), &at("workflow"));
    let snakemake = || {
        let mut command = Command::new("snakemake");
        command.args(["--cores", "2", "--snakefile"]).arg(at("workflow").join("Snakefile"));
        command.arg("--directory").arg(at("workflow")).output().unwrap()
    };
    succeeded(&snakemake());
    assert_eq!(tables(&at("parts")), tables(&at("whole")));
    let again = snakemake();
    succeeded(&again);
    assert!(String::from_utf8_lossy(&again.stderr).contains("Nothing to be done"));
}

/// A controller and two compute daemons of Slurm on this machine, which stop when this value is dropped.
struct Slurm {
    daemons: Vec<Child>,
    configuration: String,
}

impl Slurm {
    fn start(folder: &Path) -> Self {
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let (user, here) = (String::from_utf8(user).unwrap(), folder.to_str().unwrap());
        let mut text = format!(
            "ClusterName=test\nSlurmctldHost=localhost\nSlurmctldPort={}\nSlurmUser={user}SlurmdUser={user}AuthType=auth/none\n\
             CredType=cred/none\nStateSaveLocation={here}/state\nSlurmdSpoolDir={here}/spool-%n\nSlurmctldPidFile={here}/pid\n\
             SlurmdPidFile={here}/pid-%n\nProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nMpiDefault=none\n\
             SelectType=select/cons_tres\nSelectTypeParameters=CR_Core\nSchedulerParameters=sched_interval=1,batch_sched_delay=1\n\
             PartitionName=main Nodes=ALL Default=YES State=UP\n",
            port()
        );
        for node in ["node1", "node2"] {
            let line = format!("NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={} CPUs=1\n", port());
            text.push_str(&line);
        }
        let configuration = folder.join("slurm.conf");
        std::fs::write(&configuration, text).unwrap();
        std::fs::create_dir(folder.join("state")).unwrap();
        let mut slurm = Self { daemons: Vec::new(), configuration: configuration.to_str().unwrap().to_owned() };
        for line in ["slurmctld -D", "slurmd -D -N node1", "slurmd -D -N node2"] {
            let words: Vec<&str> = line.split(' ').collect();
            let mut daemon = slurm.command(words[0]);
            daemon.args(&words[1..]).stdout(Stdio::null()).stderr(Stdio::null());
            slurm.daemons.push(daemon.spawn().unwrap());
        }
        let until = Instant::now() + Duration::from_secs(60);
        while !slurm.has_two_idle_nodes() {
            assert!(Instant::now() < until, "Slurm does not start");
            thread::sleep(Duration::from_millis(200));
        }
        slurm
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SLURM_CONF", &self.configuration);
        command
    }

    fn has_two_idle_nodes(&self) -> bool {
        let output = self.command("sinfo").args(["--noheader", "--format=%T %D"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim() == "idle 2"
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        for daemon in &mut self.daemons {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

#[test]
fn slurm_gives_the_same_tables() {
    if !are_installed(&["slurmctld", "slurmd", "sbatch", "sinfo"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("whole"), &["fig4", "--seeds", "2"]).output().unwrap());
    std::fs::create_dir(at("slurm")).unwrap();
    let slurm = Slurm::start(&at("slurm"));
    planned(&at("parts"), &at("workflow"));
    let submit = || slurm.command("sh").arg(at("workflow").join("submit.sh")).output().unwrap();
    succeeded(&submit());
    assert_eq!(tables(&at("parts")), tables(&at("whole")));

    // A unit that fails ends the run, and the same command resumes it.
    let seed = tables(&at("whole")).into_keys().next().unwrap();
    let seed = at("parts").join(seed.parent().unwrap());
    let output = seed.join("units/scores-0000.parquet");
    std::fs::remove_file(&output).unwrap();
    std::fs::create_dir(&output).unwrap();
    assert!(!submit().status.success());
    std::fs::remove_dir(&output).unwrap();
    succeeded(&submit());
    assert_eq!(tables(&at("parts")), tables(&at("whole")));
}
