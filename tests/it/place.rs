//! A place for a test: a workspace, and a home for the program.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::client::{Client, uri_of};

/// A folder to work in, with a home of its own; both go with it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// An empty workspace, trusted as it is, and an empty home.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        ["work", "home"].iter().for_each(|name| std::fs::create_dir(folder.path().join(name)).expect("a folder"));
        let place = Self { folder };
        place.trust();
        place
    }

    /// Trusts the workspace as its settings are now.
    pub(crate) fn trust(&self) {
        assert!(self.program().arg("trust").output().is_ok_and(|output| output.status.success()), "it is not trusted");
    }

    /// The workspace folder.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The home folder, with the settings, the state and the keys of the program.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Writes a file of the workspace.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// The URI of a file of the workspace.
    pub(crate) fn uri(&self, path: &str) -> String {
        uri_of(&self.work().join(path))
    }

    /// The server's command line, at home here.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.program();
        command.arg("lsp");
        command
    }

    /// The program without arguments, at home here.
    pub(crate) fn program(&self) -> Command {
        let home = self.home();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tagout"));
        command.current_dir(self.work()).env("HOME", &home);
        for name in ["CACHE_DIR", "STATE_DIR", "CONFIG_DIR", "DATA_DIR", "LOG"] {
            command.env_remove(format!("TAGOUT_{name}"));
        }
        for (name, folder) in [("CACHE", ".cache"), ("STATE", ".state"), ("CONFIG", ".config"), ("DATA", ".data")] {
            command.env(format!("XDG_{name}_HOME"), home.join(folder));
        }
        command
    }

    /// Starts the server.
    pub(crate) fn start(&self) -> Client {
        Client::start(self.command())
    }

    /// What `initialize` says about this workspace.
    pub(crate) fn params(&self) -> Value {
        json!({
            "processId": std::process::id(),
            "rootUri": uri_of(&self.work()),
            "workspaceFolders": [{"uri": uri_of(&self.work()), "name": "work"}],
            "capabilities": {
                "general": {"positionEncodings": ["utf-16"]},
                "window": {"workDoneProgress": true, "showDocument": {"support": true}},
                "workspace": {
                    "configuration": true,
                    "applyEdit": true,
                    "workspaceEdit": {"documentChanges": true},
                    "workspaceFolders": true,
                    "didChangeWatchedFiles": {"dynamicRegistration": true},
                },
                "textDocument": {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}},
            },
        })
    }

    /// Starts the server and initializes it on this workspace.
    pub(crate) fn open(&self) -> Client {
        let mut client = self.start();
        client.initialize(self.params());
        client
    }
}

/// What comes of the program with these arguments.
pub(crate) fn tagout(place: &Place, arguments: &[&str]) -> Output {
    place.program().args(arguments).output().expect("the program starts")
}

/// Standard output of a call that must succeed.
pub(crate) fn says(place: &Place, arguments: &[&str]) -> String {
    let output = tagout(place, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", notes(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// The exit code.
pub(crate) fn code(place: &Place, arguments: &[&str]) -> Option<i32> {
    tagout(place, arguments).status.code()
}

/// What was said beside the answer.
pub(crate) fn notes(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The name of the question that was asked.
pub(crate) fn question(output: &Output) -> String {
    let notes = notes(output);
    assert_eq!(output.status.code(), Some(3), "{notes}");
    let (_, name) = notes.rsplit_once("--approve ").unwrap_or_else(|| panic!("no question in {notes}"));
    name.trim().to_owned()
}

/// Makes `text` the user's settings.
pub(crate) fn configure(place: &Place, text: &str) {
    let folder = place.home().join(".config/tagout");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("config.toml"), text).expect("a file");
}

/// Puts the user's settings in force; the review that they are accepted by.
pub(crate) fn accept(place: &Place) -> String {
    let review = says(place, &["policy", "review"]);
    let (_, hash) = review.rsplit_once("tagout policy accept ").unwrap_or_else(|| panic!("nothing waits: {review}"));
    says(place, &["policy", "accept", hash.trim()]);
    review
}
