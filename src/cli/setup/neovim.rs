//! Neovim: the plugin that comes with the program, as a package of Neovim's own (`:help packages`), so that no plugin
//! manager is needed and its version is the server's.

use std::collections::{BTreeMap, BTreeSet};

use super::{Files, Plan};
use crate::ports::{Failure, FailureKind, UserFolder};
use crate::workspace::{ContentHash, RelativePath};

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

/// Names what was written, with the hash of each file: what was changed since is the user's.
const LIST: &str = ".tagout-setup";
/// Neovim's own index of the help page.
const TAGS: &str = "doc/tags";

/// Writes the plugin in the place of an earlier one, or takes it away. What the user changed is left alone.
pub(super) fn plan(files: &Files<'_>, undo: bool) -> Result<Plan, Failure> {
    let folder = folder(files)?;
    let package = format!("{folder}/start/tagout");
    let place = files.0.folder(UserFolder::Data)?;
    if !files.0.is_plain(&place.join(&folder))? {
        let what = format!("{} is a link or a repository, or holds one", place.join(&package).display());
        return Err(
            Failure::new(FailureKind::InvalidInput, what).hint("it is not for setup to write there: move it away")
        );
    }
    let written = written(files.0.read(&place.join(format!("{package}/{LIST}")))?.as_deref());
    let names: BTreeSet<&str> = FILES.iter().map(|(path, _)| *path).chain(written.keys().map(String::as_str)).collect();
    let (mut planned, mut changed) = (Vec::new(), Vec::new());
    for path in names {
        let ours = FILES.iter().find(|(own, _)| *own == path).map(|(_, text)| *text);
        let mut file = files.planned(UserFolder::Data, &format!("{package}/{path}"), |_| {
            Ok(ours.filter(|_| !undo).map(str::to_owned))
        })?;
        let as_written =
            |text: &str| Some(text) == ours || written.get(path).is_some_and(|hash| *hash == hash_of(text));
        if file.before.as_deref().is_some_and(|text| !as_written(text)) {
            changed.push(path.to_owned());
            file.after.clone_from(&file.before);
        }
        planned.push(file);
    }
    if !changed.is_empty() && !undo {
        let what =
            format!("changed since they were written below {}: {}", place.join(&package).display(), changed.join(", "));
        return Err(Failure::new(FailureKind::Stale, what).hint("move them away, then run this again"));
    }
    let list: String = FILES.iter().map(|(path, text)| format!("{} {path}\n", hash_of(text))).collect();
    planned.push(files.planned(UserFolder::Data, &format!("{package}/{LIST}"), |_| Ok((!undo).then_some(list)))?);
    if undo {
        planned.push(files.planned(UserFolder::Data, &format!("{package}/{TAGS}"), |_| Ok(None))?);
    }
    let notes = changed.iter().map(|path| format!("{path} stays: it was changed since")).collect();
    let next = "tagout: start Neovim 0.11 or later: `:helptags ALL`, `:help tagout`, `:checkhealth tagout`";
    Ok(Plan { files: planned, notes, next, folder: Some(place.join(folder)) })
}

/// The folder of the package below the user's data, by the name that Neovim goes by (`:help $NVIM_APPNAME`).
fn folder(files: &Files<'_>) -> Result<String, Failure> {
    let name = files.0.variable("NVIM_APPNAME").filter(|name| !name.is_empty()).unwrap_or_else(|| "nvim".to_owned());
    RelativePath::new(&name).map_err(|error| {
        Failure::new(FailureKind::InvalidInput, format!("NVIM_APPNAME: {error}"))
            .hint("unset it, or set it as Neovim takes it")
    })?;
    Ok(format!("{name}/site/pack/tagout"))
}

fn hash_of(text: &str) -> String {
    ContentHash::of(text.as_bytes()).to_string()
}

/// The files of an earlier setup, each with its hash. A path that leads elsewhere is none.
fn written(list: Option<&str>) -> BTreeMap<String, String> {
    let lines = list.unwrap_or_default().lines().filter_map(|line| line.split_once(' '));
    let inside = lines.filter(|(_, path)| RelativePath::new(*path).is_ok());
    inside.map(|(hash, path)| (path.to_owned(), hash.to_owned())).collect()
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
