//! Git's commands that only read, and the options with which they still do. Data only; the sources are the manual pages
//! of git 2.47. Whatever is not here is an effect.

/// Which operands a command may have and still only read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operands {
    /// Any: revisions, paths, names to look up.
    Any,
    /// None.
    None,
    /// Any, after one of these options, separated by blanks; else none.
    After(&'static str),
    /// One, that is a name to look up.
    One,
    /// The first is one of these, separated by blanks; more may follow.
    First(&'static str),
    /// None, or as [`Operands::First`].
    NoneOrFirst(&'static str),
}

/// One command of git.
#[derive(Debug, Clone, Copy)]
pub(super) struct Command {
    pub(super) names: &'static str,
    /// Letters that may be bundled.
    pub(super) short: &'static str,
    /// Letters whose value is attached or the next word.
    pub(super) valued: &'static str,
    /// Long options, separated by blanks; each with or without a value.
    pub(super) long: &'static [&'static str],
    pub(super) operands: Operands,
}

const DIFF: &str = "--patch --no-patch --unified --raw --patch-with-raw --indent-heuristic --no-indent-heuristic --minimal \
    --patience --histogram --anchored --diff-algorithm --stat --compact-summary --numstat --shortstat --dirstat \
    --cumulative --summary --patch-with-stat --name-only --name-status --submodule=short --submodule=log --color --no-color \
    --color-moved --no-color-moved --color-moved-ws --word-diff --word-diff-regex --color-words --no-renames --rename-empty \
    --no-rename-empty --check --ws-error-highlight --full-index --binary --abbrev --no-abbrev --break-rewrites --find-renames \
    --find-copies --find-copies-harder --irreversible-delete --diff-filter --pickaxe-all --pickaxe-regex --find-object \
    --relative --no-relative --text --ignore-cr-at-eol --ignore-space-at-eol --ignore-space-change --ignore-all-space \
    --ignore-blank-lines --ignore-matching-lines --inter-hunk-context --function-context --exit-code --quiet --no-ext-diff \
    --no-textconv --ignore-submodules --src-prefix --dst-prefix --no-prefix --default-prefix --line-prefix --ita-invisible-in-index \
    --cached --staged --merge-base --no-index --end-of-options --";
const LOG: &str = "--follow --no-follow --no-decorate --decorate --decorate-refs --decorate-refs-exclude --clear-decorations \
    --source --mailmap --no-mailmap --use-mailmap --no-use-mailmap --full-diff --log-size --max-count --skip --since --after \
    --since-as-filter --until --before --author --committer --grep-reflog --grep --all-match --invert-grep \
    --regexp-ignore-case --basic-regexp --extended-regexp --fixed-strings --perl-regexp --remove-empty --merges --no-merges \
    --min-parents --max-parents --no-min-parents --no-max-parents --first-parent --exclude-first-parent-only --not --all \
    --branches --tags --remotes --glob --exclude --exclude-hidden --reflog --single-worktree --ignore-missing --stdin \
    --cherry-mark --cherry-pick --left-only --right-only --cherry --walk-reflogs --merge --boundary --simplify-by-decoration \
    --show-pulls --full-history --dense --sparse --simplify-merges --ancestry-path --date-order --author-date-order \
    --topo-order --reverse --no-walk --do-walk --pretty --format --abbrev-commit --no-abbrev-commit --oneline --encoding \
    --expand-tabs --no-expand-tabs --notes --no-notes --show-notes-by-default --no-standard-notes --relative-date --date \
    --parents --children --left-right --graph --show-linear-break --no-graph --count --timestamp --header --objects \
    --no-object-names --disk-usage --quiet --cc --combined-all-paths --no-diff-merges --diff-merges --remerge-diff --dd \
    --raw --root";
const LIST: &str = "--list --contains --no-contains --merged --no-merged --points-at --format --sort --color --no-color \
    --column --no-column --ignore-case --omit-empty --all --remotes --verbose --show-current --abbrev --no-abbrev";
const LISTING: &str = "--list --contains --no-contains --merged --no-merged --points-at";

const fn command(
    names: &'static str,
    short: &'static str,
    valued: &'static str,
    long: &'static [&'static str],
    operands: Operands,
) -> Command {
    Command { names, short, valued, long, operands }
}

/// The commands.
pub(super) const COMMANDS: &[Command] = &[
    command(
        "status",
        "sbvuz0123456789",
        "u",
        &[
            "--short --branch --show-stash --porcelain --long --verbose --untracked-files --ignore-submodules --ignored \
           --column --no-column --ahead-behind --no-ahead-behind --renames --no-renames --find-renames --null --",
        ],
        Operands::Any,
    ),
    command(
        "log show whatchanged reflog-show",
        "pusqgcmirtzREPFW0123456789aLbw",
        "nSGLUMCBDl",
        &[DIFF, LOG],
        Operands::Any,
    ),
    command("diff", "puszaRbwW0123456789q", "USGMCBDlI", &[DIFF, "--base --ours --theirs"], Operands::Any),
    command("diff-tree diff-index diff-files", "puszarRtmcbwWv0123456789q", "USGMCBDlI", &[DIFF, LOG], Operands::Any),
    command("rev-list", "pusqgcmiREPF0123456789", "n", &[LOG], Operands::Any),
    command(
        "blame annotate",
        "bltswfnepckh0123456789",
        "LMCS",
        &["--root --show-stats --reverse --first-parent --porcelain --line-porcelain --incremental --encoding --date \
           --progress --no-progress --ignore-rev --color-lines --color-by-age --abbrev --show-email --show-name \
           --show-number --score-debug --minimal --no-textconv --since --"],
        Operands::Any,
    ),
    command(
        "grep",
        "iIwvhHEGFPnlLzocpWqare0123456789",
        "ABCme",
        &["--cached --untracked --no-index --no-exclude-standard --exclude-standard --text --ignore-case --max-depth \
           --recursive --no-recursive --word-regexp --invert-match --full-name --extended-regexp --basic-regexp \
           --perl-regexp --fixed-strings --line-number --column --files-with-matches --name-only --files-without-match \
           --null --only-matching --count --color --no-color --break --heading --show-function --context --after-context \
           --before-context --function-context --max-count --threads --and --or --not --all-match --quiet --no-textconv --"],
        Operands::Any,
    ),
    command(
        "rev-parse",
        "q",
        "",
        &[
            "--keep-dashdash --revs-only --no-revs --flags --no-flags --default --prefix --verify --quiet --sq --short --not \
           --abbrev-ref --symbolic --symbolic-full-name --all --branches --tags --remotes --glob --exclude --disambiguate \
           --absolute-git-dir --git-common-dir --git-dir --is-inside-git-dir --is-inside-work-tree --is-bare-repository \
           --is-shallow-repository --show-cdup --show-prefix --show-toplevel --show-superproject-working-tree \
           --show-object-format --shared-index-path --since --after --until --before --path-format --git-path \
           --end-of-options --local-env-vars --",
        ],
        Operands::Any,
    ),
    command(
        "ls-files",
        "zcdmosiutvfrk",
        "xX",
        &[
            "--cached --deleted --modified --others --ignored --stage --directory --no-empty-directory --unmerged --killed \
           --resolve-undo --deduplicate --exclude --exclude-per-directory --exclude-standard --error-unmatch --full-name \
           --abbrev --debug --eol --sparse --format --",
        ],
        Operands::Any,
    ),
    command(
        "ls-tree",
        "drtlz",
        "",
        &["--long --name-only --name-status --object-only --abbrev --full-name --full-tree --format --"],
        Operands::Any,
    ),
    command(
        "cat-file",
        "etsp",
        "",
        &["--batch-check --batch --batch-all-objects --unordered --buffer --allow-unknown-type --mailmap --no-mailmap"],
        Operands::Any,
    ),
    command(
        "describe name-rev",
        "",
        "",
        &[
            "--dirty --broken --all --tags --contains --abbrev --candidates --exact-match --debug --long --match --exclude \
           --always --first-parent --name-only --refs --undefined --no-undefined --annotate-stdin",
        ],
        Operands::Any,
    ),
    command("shortlog", "nsec", "w", &[LOG, "--numbered --summary --email --group --"], Operands::Any),
    command("merge-base", "a", "", &["--all --octopus --independent --is-ancestor --fork-point"], Operands::Any),
    command(
        "for-each-ref",
        "spq",
        "",
        &[LIST, "--count --shell --perl --python --tcl --exclude --include-root-refs --stdin"],
        Operands::Any,
    ),
    command(
        "show-ref",
        "dqs",
        "",
        &["--head --tags --heads --branches --dereference --hash --verify --exists --abbrev --quiet --"],
        Operands::Any,
    ),
    command("symbolic-ref", "q", "", &["--short --quiet --recurse --no-recurse"], Operands::One),
    command("branch", "arvi", "", &[LIST], Operands::After(LISTING)),
    command("branch", "arvil", "", &[LIST], Operands::None),
    command(
        "tag",
        "li",
        "n",
        &[LIST],
        Operands::After("-l --list --contains --no-contains --merged --no-merged --points-at -n"),
    ),
    command("tag", "in", "", &[LIST], Operands::None),
    command("remote", "v", "", &["--verbose"], Operands::NoneOrFirst("get-url")),
    command(
        "config",
        "lz",
        "",
        &[
            "--list --null --name-only --show-origin --show-scope --global --local --system --worktree --includes --no-includes",
        ],
        Operands::None,
    ),
    command(
        "config",
        "lz",
        "",
        &[
            "--get --get-all --get-regexp --get-urlmatch --null --name-only --show-origin --show-scope --global --local \
           --system --worktree --type --bool --int --bool-or-int --path --default --all",
        ],
        Operands::After("--get --get-all --get-regexp --get-urlmatch"),
    ),
    command(
        "config",
        "z",
        "",
        &["--show-origin --show-scope --global --local --system --worktree --all --regexp --value --type --default"],
        Operands::First("get list"),
    ),
    command("stash", "", "", &["--oneline --stat"], Operands::First("list")),
    command("worktree", "vz", "", &["--verbose --porcelain --expire"], Operands::First("list")),
    command("reflog", "", "n", &["--oneline --date --all --max-count"], Operands::NoneOrFirst("show list exists")),
    command("notes", "", "", &["--ref"], Operands::NoneOrFirst("list show")),
    command("count-objects", "vH", "", &["--verbose --human-readable"], Operands::None),
    command("version", "", "", &["--build-options"], Operands::None),
    command(
        "check-ignore check-attr check-mailmap",
        "qvnza",
        "",
        &["--quiet --verbose --stdin --non-matching --no-index --all --cached --"],
        Operands::Any,
    ),
    command("check-ref-format", "", "", &["--normalize --branch --allow-onelevel --refspec-pattern"], Operands::Any),
    command("cherry", "v", "", &["--verbose --abbrev"], Operands::Any),
    command("verify-commit verify-tag", "", "", &[], Operands::First("")),
];

/// Commands that reach another machine, or a repository by its address.
pub(super) const NETWORK: &str = "fetch pull push clone ls-remote remote-http remote-https remote-ext remote-fd send-email \
    imap-send svn p4 cvsimport request-pull fetch-pack send-pack upload-pack receive-pack archive daemon http-fetch http-push";

/// Commands that change the repository or its files.
pub(super) const WRITES: &str = "add am apply archive bisect branch bundle checkout checkout-index cherry-pick clean commit \
    commit-graph commit-tree config fast-export fast-import format-patch gc hash-object init maintenance merge mv notes pack-objects \
    pack-refs prune range-diff read-tree rebase reflog remote repack replace reset restore revert rm sparse-checkout stash \
    submodule switch symbolic-ref tag unpack-objects update-index update-ref update-server-info worktree write-tree";

/// Commands that are neither reading, nor writing, nor of the network alone.
const OTHERS: &str = "help difftool mergetool mergetool--lib filter-branch gui gui--askpass citool gitk instaweb rerere show-branch \
    show-ref var verify-pack fsck fsck-objects interpret-trailers mailinfo mailsplit column credential credential-cache \
    credential-store diagnose bugreport get-tar-commit-id stripspace patch-id sh-i18n sh-setup merge-base merge-file merge-index \
    merge-one-file merge-tree merge-octopus merge-ours merge-recursive merge-resolve merge-subtree quiltimport replay refs backfill \
    for-each-repo hook shell lfs web--browse cvsexportcommit cvsserver gitweb index-pack show-index mktag mktree multi-pack-index \
    pack-redundant prune-packed repo-config stage unpack-file upload-archive cat-file whatchanged fsmonitor--daemon \
    checkout--worker submodule--helper remote-ftp remote-ftps scalar archimport citool subtree rev-parse";

/// Whether `name` is a command of git itself, which no alias can be.
pub(super) fn is_command(name: &str) -> bool {
    let in_list = |list: &str| list.split_ascii_whitespace().any(|known| known == name);
    [NETWORK, WRITES, OTHERS].into_iter().any(in_list) || COMMANDS.iter().any(|command| in_list(command.names))
}
