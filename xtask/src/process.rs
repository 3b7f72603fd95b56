//! Starts other programs: cargo and the two binaries of the workspace.
//!
//! They have the standard streams and the working folder of the caller, so progress bars and relative paths work.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf, absolute};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::{env, fmt, io};

use anyhow::{Context, Result, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::driver;
use crate::terminal;
use crate::{errln, outln};

/// The binaries of the workspace, built and up to date.
#[derive(Clone)]
pub struct Binaries {
    folder: PathBuf,
}

/// The backend of GPUs to build, which takes minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpu {
    /// None.
    Without,
    /// CUDA, for GPUs of NVIDIA.
    Cuda,
    /// wgpu, for GPUs with Vulkan, Metal or DirectX 12.
    Wgpu,
}

impl Gpu {
    /// The backend for a device.
    pub fn of(device: &str) -> Self {
        match device {
            "cpu" => Self::Without,
            "wgpu" => Self::Wgpu,
            _ => Self::Cuda,
        }
    }

    /// The backend for a device of this machine.
    ///
    /// # Errors
    /// A device that needs a driver, where there is none. Its build would take many minutes first.
    pub fn needed_for(device: &str) -> Result<Self> {
        let gpu = Self::of(device);
        if gpu == Self::Cuda {
            driver::check(device)?;
        }
        Ok(gpu)
    }

    /// Arguments of cargo that switch it on.
    pub fn features(self) -> &'static [&'static str] {
        match self {
            Self::Without => &[],
            Self::Cuda => &["--features", "experiments/cuda"],
            Self::Wgpu => &["--features", "experiments/wgpu"],
        }
    }
}

impl Binaries {
    /// Builds the binaries. `smash` switches on the features that criterion's dependencies switch on. The build thus shares all
    /// of burn and polars with `cargo test --workspace`.
    ///
    /// With a backend of GPUs, the experiments can compute on them too.
    pub fn build(gpu: Gpu) -> Result<Self> {
        run(cargo()?.args(build_arguments(gpu)))?;
        Self::prebuilt()
    }

    /// Builds `reports` alone, for commands that only read results. `experiments` stays as it is, which a run may be using. The
    /// build has the features of the whole workspace, so nothing is compiled twice.
    pub fn build_reports() -> Result<Self> {
        run(cargo()?.args(["build", "--release", "--workspace", "--bin", "reports"]))?;
        Self::prebuilt()
    }

    /// Builds as [`Self::build`], with this commit as the label of the programs.
    pub fn build_named(gpu: Gpu, commit: &str) -> Result<Self> {
        run(cargo()?.args(build_arguments(gpu)).env("SMASH_COMMIT", commit))?;
        Self::prebuilt()
    }

    /// Builds the binaries of another checkout of this repository, with the toolchain that it names, into a target folder.
    pub fn build_of(checkout: &Path, target: &Path, gpu: Gpu) -> Result<Self> {
        let mut build = Command::new("cargo");
        // A cargo that was started through rustup sets this variable. It would override the checkout's `rust-toolchain.toml`.
        build.env_remove("RUSTUP_TOOLCHAIN");
        // This would give the programs the label of another commit.
        build.env_remove("SMASH_COMMIT");
        build.current_dir(checkout).env("CARGO_TARGET_DIR", target);
        run(build.args(build_arguments(gpu)))?;
        Ok(Self { folder: target.join("release") })
    }

    /// The binaries beside this program, without building them.
    pub fn prebuilt() -> Result<Self> {
        Ok(Self { folder: built()? })
    }

    /// A call of `experiments`, without arguments yet.
    pub fn experiments(&self) -> Command {
        self.command("experiments")
    }

    /// The label of the programs, as `experiments --version` prints it.
    pub fn label(&self) -> Result<String> {
        let mut version = self.experiments();
        let output = version.arg("--version").output();
        let output = output.with_context(|| format!("{}: cannot be started", name(&version)))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let label = text.split_once("(commit ").and_then(|(_, rest)| rest.split_once(','));
        let (label, _) = label.with_context(|| format!("{}: expected a commit in `{text}`", name(&version)))?;
        Ok(label.to_owned())
    }

    /// A call of `reports`, without arguments yet.
    pub fn reports(&self) -> Command {
        self.command("reports")
    }

    fn command(&self, name: &str) -> Command {
        Command::new(self.folder.join(name).with_extension(env::consts::EXE_EXTENSION))
    }
}

fn build_arguments(gpu: Gpu) -> Vec<&'static str> {
    [&["build", "--release", "--workspace", "--bins"], gpu.features()].concat()
}

/// A call of a nightly tool, without arguments yet: a stable compiler has neither sanitizers nor the features that fuzzing needs.
pub fn nightly(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("RUSTUP_TOOLCHAIN", "nightly");
    command
}

/// The platform that a nightly compiler builds for.
///
/// # Errors
/// There is no nightly compiler; the error says how to install one.
pub fn nightly_host() -> Result<String> {
    let version = nightly("rustc").arg("-vV").output();
    let version = version.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
    let value = |key: &str| version.lines().find_map(|line| line.strip_prefix(key));
    let is_nightly = value("release: ").is_some_and(|release| release.contains("nightly"));
    let host = value("host: ")
        .filter(|_| is_nightly)
        .context("this needs a nightly toolchain: `rustup toolchain install nightly --profile minimal` installs it")?;
    Ok(host.to_owned())
}

/// The folder that cargo builds into: the folder of this very program, wherever the target folder is.
pub fn built() -> Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(""))
}

/// A call of the cargo that runs this tool, without arguments yet. It works on this repository, with the repository's settings,
/// wherever this tool was started.
///
/// # Errors
/// The repository is gone.
pub fn cargo() -> Result<Command> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Cargo describes this tool's own package in these variables, and ring's build script looks at them. The script would run
    // again whenever a call by this tool follows a call by hand. Everything that needs ring would then be built again.
    let is_of_package = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.starts_with(start));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_package) {
            command.env_remove(name);
        }
    }
    if let Some(target) = env::var_os("CARGO_TARGET_DIR") {
        // A relative path starts at the folder of the caller.
        command.env("CARGO_TARGET_DIR", absolute(target).context("CARGO_TARGET_DIR")?);
    }
    command.current_dir(repository()?);
    Ok(command)
}

/// Starts a command.
///
/// # Errors
/// A program that cannot be started; the error names it.
pub fn spawn(command: &mut Command) -> Result<Child> {
    let child = command.spawn();
    child.with_context(|| format!("{}: cannot be started", name(command)))
}

fn name(command: &Command) -> String {
    Path::new(command.get_program()).display().to_string()
}

/// Runs a command to its end. Anything but success is an error, a [`Failed`] if it started at all.
pub fn run(command: &mut Command) -> Result<()> {
    let status = spawn(command)?.wait();
    outcome(command, status)
}

/// Runs a command that can be asked to stop, otherwise as [`run`]. It passes SIGTERM and SIGHUP on and waits for the command to
/// end. It also waits after SIGINT, which a terminal sends to all processes.
pub fn run_to_be_stopped(command: &mut Command) -> Result<()> {
    let status = to_be_stopped(command, Child::wait)?;
    outcome(command, status)
}

/// As [`run_to_be_stopped`]. It shows the lines of the command's standard output, and returns them.
pub fn lines_to_be_stopped(command: &mut Command) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let status = to_be_stopped(command.stdout(Stdio::piped()), |child| {
        for line in BufReader::new(child.stdout.take().expect("standard output is piped")).lines() {
            let line = line?;
            outln!("{line}");
            lines.push(line);
        }
        child.wait()
    })?;
    outcome(command, status)?;
    Ok(lines)
}

/// Starts a command, and passes SIGTERM and SIGHUP on to it until `wait` returns.
fn to_be_stopped(
    command: &mut Command,
    wait: impl FnOnce(&mut Child) -> io::Result<ExitStatus>,
) -> Result<io::Result<ExitStatus>> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    if terminal::ends_with_terminal() {
        signals.add_signal(SIGHUP)?;
    }
    let handle = signals.handle();
    let mut child = spawn(command)?;
    let id = child.id().to_string();
    let status = std::thread::scope(|scope| {
        scope.spawn(|| {
            for signal in signals.forever().filter(|&signal| signal != SIGINT) {
                // If it cannot be passed on, the command has ended.
                let _ = Command::new("kill").args([&format!("-{signal}"), &id]).status();
            }
        });
        let status = wait(&mut child);
        handle.close();
        status
    });
    Ok(status)
}

/// Runs a command to its end and returns the lines of its standard output, which it shows on standard error meanwhile. Anything
/// but success is an error, as for [`run`].
pub fn lines(command: &mut Command) -> Result<Vec<String>> {
    let mut child = spawn(command.stdout(Stdio::piped()))?;
    let mut lines = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("standard output is piped")).lines() {
        let line = line.with_context(|| format!("{}: output cannot be read", name(command)))?;
        errln!("{line}");
        lines.push(line);
    }
    outcome(command, child.wait())?;
    Ok(lines)
}

/// Runs a command to its end and returns its exit code, whatever it is.
pub fn code(command: &mut Command) -> Result<u8> {
    match run(command) {
        Ok(()) => Ok(0),
        Err(error) => {
            let failed = error.downcast_ref::<Failed>();
            let code = failed.and_then(|failed| failed.status.code()).map(u8::try_from);
            code.and_then(Result::ok).ok_or(error)
        }
    }
}

/// The result of a command for its exit status: anything but success is an error.
pub fn outcome(command: &Command, status: io::Result<ExitStatus>) -> Result<()> {
    let program = name(command);
    let status = status.with_context(|| format!("{program}: cannot be waited for"))?;
    if status.success() {
        return Ok(());
    }
    Err(Failed { program, status }.into())
}

/// A program ran and did not succeed.
#[derive(Debug)]
pub struct Failed {
    program: String,
    status: ExitStatus,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended with {}", self.program, self.status)
    }
}

impl std::error::Error for Failed {}

/// Prints an error, unless its cause is a program that printed its own. Returns the exit code of that program, or 1.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    let code = error.downcast_ref::<Failed>().and_then(|failed| failed.status.code());
    match code.and_then(|code| u8::try_from(code).ok()) {
        Some(code) => ExitCode::from(code),
        None => {
            errln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of this repository: the folder that this program was built in, or on another machine the working folder.
pub fn root() -> &'static Path {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR"));
    match built_in.parent() {
        Some(folder) if built_in.exists() => folder,
        _ => Path::new("."),
    }
}

/// The folder of the repository that this program was built from.
///
/// # Errors
/// It is gone.
pub fn repository() -> Result<&'static Path> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    checked(package.parent().expect("a package lies in a repository"))
}

fn checked(repository: &Path) -> Result<&Path> {
    ensure!(
        repository.join("Cargo.toml").is_file() && repository.join("xtask").is_dir(),
        "{}: the repository that this program was built from is gone; run `cargo xtask` in the repository's new place",
        repository.display()
    );
    Ok(repository)
}

/// Checks the name of a device.
///
/// # Errors
/// Any other text; the error says what was expected.
pub fn parse_device(text: &str) -> Result<String, String> {
    let index = text.strip_prefix("cuda:");
    let is_known = matches!(text, "cpu" | "cuda" | "wgpu") || index.is_some_and(|index| index.parse::<u32>().is_ok());
    is_known.then(|| text.into()).ok_or("expected cpu, cuda, cuda:INDEX or wgpu".into())
}

/// Whether a path names an object of a store, which the programs can read and write.
pub fn is_object(path: &str) -> bool {
    path.starts_with("s3://")
}

/// Folder for drawings of results: the folder of the results, or this repository's if they are in an object store.
pub fn beside(results: &Path) -> PathBuf {
    match results.to_str() {
        Some(text) if is_object(text) => default_results(),
        _ => results.to_path_buf(),
    }
}

/// The folder of the results unless `--results` names another.
pub fn default_results() -> PathBuf {
    root().join("results/runs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_needs_its_backend_and_its_driver() {
        assert_eq!(Gpu::needed_for("cpu").unwrap(), Gpu::Without);
        assert_eq!(Gpu::needed_for("wgpu").unwrap(), Gpu::Wgpu);
        match driver::check("cuda:1") {
            Ok(()) => assert_eq!(Gpu::needed_for("cuda:1").unwrap(), Gpu::Cuda),
            Err(_) => assert!(Gpu::needed_for("cuda:1").unwrap_err().to_string().starts_with("--device cuda:1: ")),
        }
    }

    #[test]
    fn success_is_success_and_a_missing_program_is_named() {
        run(cargo().unwrap().args(["--version", "--quiet"])).unwrap();
        let error = run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }

    #[test]
    fn the_lines_of_a_program_are_its_output() {
        let printed = lines(cargo().unwrap().arg("--version")).unwrap();
        assert!(printed.len() == 1 && printed[0].starts_with("cargo "), "{printed:?}");
        assert!(lines(cargo().unwrap().arg("--no-such-flag")).unwrap_err().is::<Failed>());
        assert_eq!(code(cargo().unwrap().args(["--version", "--quiet"])).unwrap(), 0);
        assert_ne!(code(cargo().unwrap().arg("--no-such-flag")).unwrap(), 0);
        assert!(code(&mut Command::new("no-such-program")).is_err());
    }

    #[test]
    fn cargo_works_on_the_repository_of_this_tool() {
        // Tests run in the folder of their package.
        let manifest = lines(cargo().unwrap().args(["locate-project", "--message-format", "plain"])).unwrap();
        assert_eq!(manifest, [root().join("Cargo.toml").display().to_string()]);
        assert_eq!(repository().unwrap(), root());
        let folder = tempfile::tempdir().unwrap();
        let error = checked(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with(&folder.path().display().to_string()) && error.contains("is gone"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_request_to_stop_is_passed_on() {
        for signal in ["TERM", "HUP"] {
            if signal == "HUP" && !terminal::ends_with_terminal() {
                continue;
            }
            // The child signals this process, then waits for the signal to be passed on to it.
            let script = format!("trap 'exit 7' {signal}; kill -{signal} $PPID; while :; do sleep 0.05; done");
            let shell = || {
                let mut shell = Command::new("sh");
                shell.args(["-c", &script]);
                shell
            };
            let errors = [run_to_be_stopped(&mut shell()).err(), lines_to_be_stopped(&mut shell()).err()];
            for error in errors {
                assert_eq!(error.unwrap().downcast_ref::<Failed>().unwrap().status.code(), Some(7));
            }
        }
        run_to_be_stopped(&mut Command::new("true")).unwrap();
        assert_eq!(lines_to_be_stopped(Command::new("printf").arg("a b\\nc")).unwrap(), ["a b", "c"]);
    }

    #[test]
    fn the_exit_code_of_a_failed_program_is_passed_on() {
        let error = run(cargo().unwrap().arg("--no-such-flag")).unwrap_err().context("a step failed");
        let failed = error.downcast_ref::<Failed>().unwrap();
        let code = u8::try_from(failed.status.code().unwrap()).unwrap();
        assert_ne!(code, 0);
        // `ExitCode` has no equality; its debug form shows the code.
        assert_eq!(format!("{:?}", exit_code(&error)), format!("{:?}", ExitCode::from(code)));
    }
}
