//! `tagout setup`: what it writes into an editor's settings, and that it takes all of it back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::place::{Place, notes};

/// The user's own folders.
struct Home {
    place: Place,
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { place: Place::new(), folder: tempfile::tempdir().expect("a folder") }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn setup(&self, arguments: &[&str]) -> Output {
        let mut program = self.place.program();
        program.env("XDG_CONFIG_HOME", self.at("config")).env("XDG_DATA_HOME", self.at("data"));
        program.arg("setup").args(arguments).output().expect("the program starts")
    }

    fn done(&self, arguments: &[&str]) -> (String, String) {
        let output = self.setup(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", notes(&output));
        (String::from_utf8_lossy(&output.stdout).into_owned(), notes(&output))
    }
}

fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    entries.iter().map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

#[test]
fn helix_gets_a_server_for_each_language_and_its_file_back() {
    let home = Home::new();
    let (file, own) = (
        home.at("config/helix/languages.toml"),
        "# mine\n[[language]]\nname = \"rust\"\nlanguage-servers = [\"rust-analyzer\"] # one\n",
    );
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, own).unwrap();
    let (shown, _) = home.done(&["helix", "--print"]);
    assert!(shown.contains("+language-servers = [\"rust-analyzer\", \"tagout\"] # one"), "{shown}");
    assert_eq!(fs::read_to_string(&file).unwrap(), own, "--print writes nothing");
    let (shown, told) = home.done(&["helix"]);
    assert!(shown.contains(file.to_str().unwrap()) && told.contains("--undo takes it back"), "{shown}{told}");
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.starts_with("# mine\n") && written.contains("[language-server.tagout]"), "{written}");
    assert!(written.contains("name = \"python\"\nlanguage-servers = [\"ty\", "), "{written}");
    assert!(home.done(&["helix"]).1.contains("everything is as it should be"));
    assert!(home.done(&["helix", "--undo"]).1.contains("this is undone"));
    assert_eq!(fs::read_to_string(&file).unwrap(), own);
    fs::write(&file, "[[language]\n").unwrap();
    let refused = home.setup(&["helix"]);
    assert_eq!(refused.status.code(), Some(2), "{}", notes(&refused));
    assert!(notes(&refused).contains("languages.toml: TOML parse error at line 1"), "{}", notes(&refused));
}

#[test]
fn neovim_gets_the_plugin_and_loses_it_again() {
    let home = Home::new();
    let package = home.at("data/nvim/site/pack/tagout/start/tagout");
    home.done(&["neovim"]);
    for path in ["plugin/tagout.lua", "lsp/tagout.lua", "doc/tagout.txt", "lua/tagout/init.lua"] {
        let own = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("editors/nvim").join(path)).unwrap();
        assert_eq!(fs::read(package.join(path)).unwrap(), own, "{path}");
    }
    assert!(home.done(&["neovim"]).1.contains("everything is as it should be"));
    // An earlier version's files, one of which there is no more: they are known by the list.
    let (list, old) = (package.join(".tagout-setup"), "-- older\n");
    for path in ["plugin/tagout.lua", "lua/tagout/gone.lua"] {
        fs::write(package.join(path), old).unwrap();
        let hash = tagout::workspace::ContentHash::of(old.as_bytes());
        fs::write(&list, format!("{hash} {path}\n{}", fs::read_to_string(&list).unwrap().replace(path, "other")))
            .unwrap();
    }
    home.done(&["neovim"]);
    assert!(!package.join("lua/tagout/gone.lua").exists());
    fs::write(package.join("doc/tags"), "made by Neovim\n").unwrap();
    // What the user changed is neither written over nor removed.
    fs::write(package.join("plugin/tagout.lua"), "-- mine\n").unwrap();
    let refused = home.setup(&["neovim"]);
    assert!(!refused.status.success() && notes(&refused).contains("plugin/tagout.lua"), "{}", notes(&refused));
    let (_, told) = home.done(&["neovim", "--undo"]);
    assert!(told.contains("plugin/tagout.lua stays"), "{told}");
    assert_eq!(
        (files(&home.at("data")), fs::read_to_string(package.join("plugin/tagout.lua")).unwrap()),
        (1, "-- mine\n".to_owned())
    );
    fs::remove_file(package.join("plugin/tagout.lua")).unwrap();
    home.done(&["neovim"]);
    home.done(&["neovim", "--undo"]);
    assert!(!home.at("data/nvim/site/pack/tagout").exists(), "no folder of ours is left");
}

#[test]
fn a_clone_that_is_linked_there_is_left_alone() {
    let home = Home::new();
    let clone = home.at("clone");
    fs::create_dir_all(clone.join("plugin")).unwrap();
    fs::write(clone.join("plugin/tagout.lua"), "-- source\n").unwrap();
    let start = home.at("data/nvim/site/pack/tagout/start");
    fs::create_dir_all(&start).unwrap();
    std::os::unix::fs::symlink(&clone, start.join("tagout")).unwrap();
    for arguments in [&["neovim"][..], &["neovim", "--undo"]] {
        let refused = home.setup(arguments);
        assert!(
            !refused.status.success() && notes(&refused).contains("is a link or a repository"),
            "{}",
            notes(&refused)
        );
    }
    assert_eq!(fs::read_to_string(clone.join("plugin/tagout.lua")).unwrap(), "-- source\n");
}

#[test]
fn the_others_are_told_what_to_do() {
    let home = Home::new();
    for (editor, text) in [
        ("vscode", "vsix"),
        ("zed", "language_servers"),
        ("emacs", "eglot-server-programs"),
        ("kakoune", "lsp_servers"),
        ("sublime", "\"selector\""),
    ] {
        let (shown, told) = home.done(&[editor]);
        assert!(shown.contains(text) && !shown.contains("What was tried"), "{editor}: {shown}");
        assert!(told.contains("nothing was written"), "{told}");
    }
    assert_eq!(files(home.folder.path()), 0);
    assert_eq!(home.setup(&["notepad"]).status.code(), Some(2));
}
