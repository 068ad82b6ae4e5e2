//! Neovim: the plugin that comes with the program, as a package of Neovim's own (`:help packages`), so that no plugin
//! manager is needed and its version is the server's.

use super::{Files, Plan, Planned};
use crate::ports::{Failure, UserFolder};

/// The folder of the package, below the user's data.
const PACKAGE: &str = "nvim/site/pack/tagout/start/tagout";

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        /// The plugin's files.
        const FILES: &[(&str, &str)] =
            &[$(($path, include_str!(concat!("../../../editors/nvim/", $path)))),*];
    };
}

files![
    "doc/tagout.txt",
    "lsp/tagout.lua",
    "lua/tagout/actions.lua",
    "lua/tagout/client.lua",
    "lua/tagout/command.lua",
    "lua/tagout/content.lua",
    "lua/tagout/health.lua",
    "lua/tagout/init.lua",
    "lua/tagout/messages.lua",
    "lua/tagout/overview.lua",
    "lua/tagout/questions.lua",
    "lua/tagout/recipes.lua",
    "lua/tagout/render.lua",
    "lua/tagout/review.lua",
    "lua/tagout/server.lua",
    "lua/tagout/settings.lua",
    "plugin/tagout.lua",
];

/// Writes the plugin, or takes it away.
pub(super) fn plan(files: &Files<'_>, undo: bool) -> Result<Plan, Failure> {
    let one = |(path, text): &(&str, &str)| {
        let after = (!undo).then(|| (*text).to_owned());
        files.planned(UserFolder::Data, &format!("{PACKAGE}/{path}"), |_| Ok(after))
    };
    let planned: Vec<Planned> = FILES.iter().map(one).collect::<Result<_, _>>()?;
    let is_other = |file: &&Planned, (_, ours): &(&str, &str)| file.before.as_deref().is_some_and(|text| text != *ours);
    let others = planned.iter().zip(FILES).filter(|(file, ours)| is_other(file, ours)).count();
    let (named, are) = if others == 1 { ("1 file".to_owned(), "is") } else { (format!("{others} files"), "are") };
    let notes = if others > 0 {
        vec![format!("{named} of the plugin {are} another version's, or was changed, and goes all the same")]
    } else {
        Vec::new()
    };
    let next = "tagout: start Neovim 0.11 or later: `:helptags ALL`, `:help tagout`, `:checkhealth tagout`";
    Ok(Plan { files: planned, notes, next })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn found(folder: &Path, below: &str, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = format!("{below}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                found(&entry.path(), &format!("{name}/"), names);
            } else if name != "doc/tags" {
                names.insert(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_plugin_is_written() {
        let mut names = BTreeSet::new();
        found(&Path::new(env!("CARGO_MANIFEST_DIR")).join("editors/nvim"), "", &mut names);
        assert_eq!(FILES.iter().map(|(path, _)| (*path).to_owned()).collect::<BTreeSet<_>>(), names);
    }
}
