//! Tests of labels, in repositories that the tests make.

use std::time::SystemTime;

use tempfile::TempDir;

use super::*;

const ONE: &str = "experiments/src/lib.rs";

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Commits everything and returns the commit's first twelve digits.
fn commit(root: &Path) -> String {
    git(root, &["add", "--all"]).unwrap();
    let user = ["-c", "user.name=n", "-c", "user.email=e"];
    git(root, &[&user[..], &["commit", "--quiet", "--allow-empty", "--message=m"]].concat()).unwrap();
    git(root, &["rev-parse", "HEAD"]).unwrap()[..12].to_owned()
}

/// A folder with some sources, and other files.
fn checkout() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files =
        ["Cargo.lock", "Cargo.toml", "experiments/definitions/fig4.toml", ONE, "smash/src/deep/er.rs", "README.md"];
    files.into_iter().for_each(|file| write(folder.path(), file, file));
    folder
}

/// Such a folder as a repository, and its commit.
fn repository() -> (TempDir, String) {
    let folder = checkout();
    git(folder.path(), &["init", "--quiet"]).unwrap();
    let commit = commit(folder.path());
    (folder, commit)
}

fn name(root: &Path) -> String {
    of(root).unwrap().name
}

/// Panics unless the label is the commit with a digest; returns the digest.
fn digest_after(label: &str, commit: &str) -> String {
    let digest = label.strip_prefix(commit).and_then(|rest| rest.strip_prefix('-'));
    let digest = digest.filter(|digest| digest.len() == 8 && digest.chars().all(|c| c.is_ascii_hexdigit()));
    digest.unwrap_or_else(|| panic!("`{label}` is not {commit} with a digest")).to_owned()
}

#[test]
fn unchanged_sources_have_the_label_of_their_commit() {
    let (folder, first) = repository();
    let root = folder.path();
    assert_eq!(name(root), first);
    for other in ["README.md", "results/baselines/fig4/manifest.toml", "experiments/program/tests/a.rs", "src/main.rs"]
    {
        write(root, other, "changed");
        assert_eq!(name(root), first, "{other}");
    }
    for of_an_editor in ["experiments/src/.lib.rs", "experiments/src/lib.rs~", "experiments/src/#lib.rs#"] {
        write(root, of_an_editor, "changed");
        assert_eq!(name(root), first, "{of_an_editor}");
    }
    let second = commit(root);
    assert_ne!(second, first);
    assert_eq!(name(root), second);
}

#[test]
fn changed_sources_have_a_digest_after_the_commit() {
    let (folder, first) = repository();
    let root = folder.path();
    let text = fs::read_to_string(root.join(ONE)).unwrap();
    write(root, ONE, "changed");
    let changed = digest_after(&name(root), &first);
    // The index makes no difference.
    git(root, &["add", "--all"]).unwrap();
    assert_eq!(digest_after(&name(root), &first), changed);
    write(root, ONE, "changed again");
    let again = digest_after(&name(root), &first);
    assert_ne!(again, changed);
    write(root, ONE, &text);
    assert_eq!(name(root), first);
    // A source that git does not know, or was asked to ignore, counts as well.
    write(root, ".git/info/exclude", "new.rs");
    write(root, "datasets/src/new.rs", "");
    digest_after(&name(root), &first);
    fs::remove_file(root.join("datasets/src/new.rs")).unwrap();
    assert_eq!(name(root), first);
    fs::remove_file(root.join(ONE)).unwrap();
    digest_after(&name(root), &first);
    fs::rename(root.join("smash/src/deep/er.rs"), root.join("smash/src/deep/other.rs")).unwrap();
    let second = commit(root);
    assert_eq!(name(root), second);
}

#[test]
fn settings_of_git_change_no_label() {
    let (folder, first) = repository();
    let root = folder.path();
    write(root, ONE, "changed");
    let before = digest_after(&name(root), &first);
    git(root, &["update-index", "--assume-unchanged", ONE]).unwrap();
    assert_eq!(digest_after(&name(root), &first), before);
    write(root, ".git/info/attributes", "*.rs filter=any");
    let ran = root.join("ran");
    let program = format!("touch {}; true", ran.display());
    for (key, value) in [
        ("diff.external", program.as_str()),
        ("core.fsmonitor", &program),
        ("filter.any.clean", &program),
        ("color.ui", "always"),
        ("core.abbrev", "4"),
        ("core.autocrlf", "true"),
        ("core.quotePath", "true"),
        ("diff.context", "9"),
        ("diff.noprefix", "true"),
    ] {
        git(root, &["config", key, value]).unwrap();
        assert_eq!(digest_after(&name(root), &first), before, "{key}");
    }
    assert!(!ran.exists(), "a label executed a program of the settings");
}

#[test]
fn the_environment_names_no_other_repository() {
    const NAME: &str = "tests::the_environment_names_no_other_repository";
    let (folder, first) = repository();
    if env::var_os("GIT_DIR").is_some() {
        assert_eq!(name(folder.path()), first);
        return;
    }
    // Variables are set for a process of its own, which runs this test alone.
    let (other, second) = repository();
    fs::write(other.path().join("README.md"), "other").unwrap();
    assert_ne!(commit(other.path()), second);
    let mut test = Command::new(env::current_exe().unwrap());
    test.args(["--exact", NAME]).env("GIT_DIR", other.path().join(".git")).env("GIT_WORK_TREE", other.path());
    let output = test.env("GIT_INDEX_FILE", "none").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_worktree_has_the_commit_that_is_checked_out_there() {
    let (folder, first) = repository();
    let place = tempfile::tempdir().unwrap();
    let worktree = place.path().join("worktree");
    git(folder.path(), &["worktree", "add", "--quiet", "--detach", worktree.to_str().unwrap(), "HEAD"]).unwrap();
    assert!(worktree.join(".git").is_file());
    let second = commit(folder.path());
    assert_eq!([name(folder.path()), name(&worktree)], [second, first]);
}

#[test]
fn without_a_repository_the_digest_is_the_label_and_git_says_why() {
    let folder = checkout();
    let root = folder.path();
    let label = of(root).unwrap();
    let digest = digest_after(&label.name, "unknown");
    let problem = label.problem.unwrap();
    assert!(problem.contains("not a git repository") && problem.lines().count() == 1, "{problem}");
    write(root, ONE, "changed");
    assert_ne!(digest_after(&name(root), "unknown"), digest);
    write(root, ONE, ONE);

    // The repository of a folder further up is another one.
    let outer = tempfile::tempdir().unwrap();
    git(outer.path(), &["init", "--quiet"]).unwrap();
    commit(outer.path());
    let inner = outer.path().join("inner");
    fs::rename(root, &inner).unwrap();
    assert_eq!(digest_after(&name(&inner), "unknown"), digest);

    // Neither an empty repository nor one that git cannot read names a commit, and cargo asks again at each build.
    for unreadable in [false, true] {
        if unreadable {
            fs::write(inner.join(".git/HEAD"), "damaged").unwrap();
        } else {
            git(&inner, &["init", "--quiet"]).unwrap();
        }
        let label = of(&inner).unwrap();
        assert_eq!(digest_after(&label.name, "unknown"), digest);
        assert!(label.problem.is_some() && label.watched.iter().any(|path| !path.exists()), "{label:?}");
    }
}

#[test]
fn a_given_label_is_a_name_without_marks() {
    assert_eq!(given("0123456789ab").unwrap().name, "0123456789ab");
    for wrong in ["", "0123456789ab-12345678", "a/b", "a,b", "a b", "a\n"] {
        assert!(given(wrong).unwrap_err().to_string().contains("SMASH_COMMIT"), "{wrong:?}");
    }
}

/// The newest change of anything watched, as cargo sees it.
fn newest(label: &Label) -> SystemTime {
    let mut open = label.watched.clone();
    let mut newest = SystemTime::UNIX_EPOCH;
    while let Some(path) = open.pop() {
        newest = newest.max(fs::metadata(&path).unwrap().modified().unwrap());
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    newest
}

#[test]
fn a_commit_changes_a_watched_file() {
    let (folder, _) = repository();
    let place = tempfile::tempdir().unwrap();
    let worktree = place.path().join("worktree");
    git(folder.path(), &["worktree", "add", "--quiet", "-b", "feature/one", worktree.to_str().unwrap()]).unwrap();
    for root in [folder.path(), &worktree] {
        for before in [&["status"][..], &["pack-refs", "--all"], &["checkout", "--quiet", "--detach"]] {
            git(root, before).unwrap();
            let label = of(root).unwrap();
            let old = newest(&label);
            // File systems may count time in steps.
            std::thread::sleep(std::time::Duration::from_millis(20));
            let commit = commit(root);
            assert!(newest(&label) > old, "after git {before:?}: {:?}", label.watched);
            assert_eq!(name(root), commit);
        }
    }
}

/// The list of sources is complete: it has each crate that the program links, and each file that those crates include.
#[test]
fn the_sources_are_all_of_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let manifest = |path: &str| -> toml::Table { read(path).parse().unwrap() };
    let workspace = manifest("Cargo.toml");
    let members = &workspace["workspace"]["dependencies"];
    let mut open = vec!["experiments/program".to_owned()];
    let mut seen: Vec<String> = Vec::new();
    while let Some(member) = open.pop() {
        let file = format!("{member}/Cargo.toml");
        assert!(SOURCES.contains(&file.as_str()), "{file}");
        assert!(SOURCES.contains(&format!("{member}/src").as_str()), "{member}/src");
        let script = format!("{member}/build.rs");
        assert_eq!(root.join(&script).exists(), SOURCES.contains(&script.as_str()), "{script}");
        let names: Vec<String> = manifest(&file)["dependencies"].as_table().unwrap().keys().cloned().collect();
        let paths = names.iter().filter_map(|name| members.get(name)?.get("path")?.as_str());
        open.extend(paths.map(str::to_owned).filter(|path| !seen.contains(path)));
        seen.push(member);
    }
    assert!(seen.len() >= 7, "{seen:?}");
    let all = sources(&root).unwrap();
    assert!(SOURCES.iter().all(|source| all.iter().any(|file| file.starts_with(source))), "{all:?}");
    for file in all.iter().filter(|file| file.ends_with(".rs")) {
        for line in
            read(file).lines().filter(|line| line.contains("include_str!(\"") || line.contains("include_bytes!(\""))
        {
            let included = line.split("!(\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            let path = root.join(file).with_file_name(included).canonicalize().unwrap();
            let path = path.strip_prefix(root.canonicalize().unwrap()).unwrap().to_str().unwrap().to_owned();
            assert!(all.contains(&path), "{file} includes {path}");
        }
    }
}
