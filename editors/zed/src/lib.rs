//! Starts `tagout lsp` in Zed: the binary that the settings name, else the one in the worktree's `PATH`.
//!
//! Everything else is the server's: proposals are its diagnostics, decisions its code actions.

use zed_extension_api::settings::{CommandSettings, LspSettings};
use zed_extension_api::{self as zed, Command, LanguageServerId, Result, Worktree, serde_json::Value};

/// The program's name, and that of its settings: `"lsp": { "tagout": … }`.
const NAME: &str = "tagout";

struct Tagout;

impl zed::Extension for Tagout {
    fn new() -> Self {
        Self
    }

    fn language_server_command(&mut self, _: &LanguageServerId, worktree: &Worktree) -> Result<Command> {
        let binary = LspSettings::for_worktree(NAME, worktree)?.binary;
        command(binary, || worktree.which(NAME), || worktree.shell_env())
    }

    fn language_server_initialization_options(
        &mut self,
        _: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<Option<Value>> {
        Ok(LspSettings::for_worktree(NAME, worktree)?.initialization_options)
    }

    fn language_server_workspace_configuration(
        &mut self,
        _: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<Option<Value>> {
        let settings = LspSettings::for_worktree(NAME, worktree)?.settings;
        // The server asks for its section by name.
        Ok(settings.map(|settings| Value::Object([(NAME.to_owned(), settings)].into_iter().collect())))
    }
}

/// The server's command line: what the user set comes first, and is not guessed at.
fn command(
    binary: Option<CommandSettings>,
    find: impl FnOnce() -> Option<String>,
    environment: impl FnOnce() -> Vec<(String, String)>,
) -> Result<Command> {
    let (path, arguments, own) = match binary {
        Some(binary) => (binary.path, binary.arguments, binary.env.unwrap_or_default()),
        None => (None, None, Default::default()),
    };
    let missing = || {
        "tagout is not in the PATH: install it with `cargo install --path .` in its repository, or name the program as \
         \"lsp\": { \"tagout\": { \"binary\": { \"path\": \"/path/to/tagout\" } } } in Zed's settings"
            .to_owned()
    };
    let command = path.or_else(find).ok_or_else(missing)?;
    let args = arguments.unwrap_or_else(|| vec!["lsp".to_owned()]);
    let mut env = environment();
    env.extend(own);
    Ok(Command { command, args, env })
}

zed::register_extension!(Tagout);

#[cfg(test)]
mod tests {
    use super::*;

    fn set(path: Option<&str>, arguments: Option<&[&str]>) -> Option<CommandSettings> {
        Some(CommandSettings {
            path: path.map(str::to_owned),
            arguments: arguments.map(|all| all.iter().map(ToString::to_string).collect()),
            env: Some([("TAGOUT_CACHE_DIR".to_owned(), "/c".to_owned())].into_iter().collect()),
        })
    }

    fn found() -> Option<String> {
        Some("/usr/bin/tagout".to_owned())
    }

    fn shell() -> Vec<(String, String)> {
        vec![("PATH".to_owned(), "/bin".to_owned())]
    }

    #[test]
    fn the_program_in_the_path_is_started_as_a_server() {
        let command = command(None, found, shell).unwrap();
        assert_eq!((command.command.as_str(), command.args), ("/usr/bin/tagout", vec!["lsp".to_owned()]));
        assert_eq!(command.env, shell());
    }

    #[test]
    fn what_the_user_set_comes_first() {
        let command = command(set(Some("/opt/tagout"), Some(&["lsp", "--quiet"])), || None, shell).unwrap();
        assert_eq!((command.command.as_str(), command.args.len()), ("/opt/tagout", 2));
        assert_eq!(command.env.last().unwrap().0, "TAGOUT_CACHE_DIR");
    }

    #[test]
    fn environment_alone_leaves_the_rest_as_it_is() {
        let command = command(set(None, None), found, shell).unwrap();
        assert_eq!((command.command.as_str(), command.args), ("/usr/bin/tagout", vec!["lsp".to_owned()]));
    }

    #[test]
    fn a_missing_program_is_told_with_the_next_step() {
        let told = command(None, || None, shell).err().unwrap();
        assert!(told.contains("not in the PATH") && told.contains("\"binary\""), "{told}");
    }
}
