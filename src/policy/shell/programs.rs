//! Programs of a developer's day and which of their options do more than read and print. Data only; the sources are
//! the manual pages of GNU coreutils, findutils, diffutils, grep, ripgrep, tree, file, less and man-db, and bash(1).

use super::EffectKind;
use super::options::Spec;

/// What is known of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// No option and no operand of it does more than read and print.
    Harmless,
    /// What its options and operands do.
    Options(Options),
    /// It needs a look of its own.
    Special(Special),
    /// It always does this.
    Always(EffectKind),
    /// It runs code from its operands or its input; only asking for its version or its help is harmless.
    Interpreter,
}

/// A program's options.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    /// All of them that are known; another makes [`EffectKind::Unknown`].
    pub(super) spec: Spec,
    /// Those that do something, as `-o` or `--output`, each after what it does.
    pub(super) risky: &'static [(EffectKind, &'static str)],
    /// Operands beyond this many do [`Options::beyond`].
    pub(super) operands: usize,
    /// What the operands beyond do.
    pub(super) beyond: EffectKind,
}

impl PartialEq for Options {
    fn eq(&self, other: &Self) -> bool {
        (self.spec.short, self.spec.long, self.operands) == (other.spec.short, other.spec.long, other.operands)
    }
}

impl Eq for Options {}

/// Programs whose words are a language of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    Find,
    Sed,
    Awk,
    Git,
    Tar,
    Date,
    Test,
    Printf,
    Less,
    Man,
    Shell,
}

const fn options(short: &'static str, long: &'static str, risky: &'static [(EffectKind, &'static str)]) -> Program {
    let spec = Spec { short, long };
    Program::Options(Options { spec, risky, operands: usize::MAX, beyond: EffectKind::Unknown })
}

const fn at_most(operands: usize, beyond: EffectKind, short: &'static str, long: &'static str) -> Program {
    Program::Options(Options { spec: Spec { short, long }, risky: &[], operands, beyond })
}

use EffectKind::{ChangesFolder, ChangesPowers, ChangesShell, ReadsConfiguration, RunsProgram, Unknown, WritesFile};

/// No option or operand of these does more than read and print, nor names a program to run.
const HARMLESS: &str = "cat head tail wc cut tr echo pwd stat du basename dirname true false : ls dir vdir grep egrep \
    fgrep comm join paste nl tac rev fold fmt expand unexpand od hexdump strings cksum sum md5sum sha1sum sha224sum \
    sha256sum sha384sum sha512sum b2sum base64 base32 basenc seq sleep id whoami groups logname uname arch nproc uptime \
    free ps pgrep realpath readlink df lsblk lscpu lsmem printenv cmp yes numfmt factor expr tsort column which type \
    whereis pathchk tty users who jq exit locale getconf zcat cal";

const SORT: &str = "ignore-leading-blanks dictionary-order ignore-case general-numeric-sort ignore-nonprinting \
    month-sort human-numeric-sort numeric-sort random-sort random-source= reverse sort= version-sort batch-size= check=? \
    compress-program= debug files0-from= key= merge output= stable buffer-size= field-separator= temporary-directory= \
    parallel= unique zero-terminated help version";
const UNIQ: &str = "count repeated all-repeated=? skip-fields= group=? ignore-case skip-chars= unique zero-terminated \
    check-chars= help version";
const DIFF: &str = "normal brief report-identical-files context=? unified=? ed rcs side-by-side width= left-column \
    suppress-common-lines show-c-function show-function-line= label= expand-tabs initial-tab tabsize= \
    suppress-blank-empty paginate recursive no-dereference new-file unidirectional-new-file ignore-file-name-case \
    no-ignore-file-name-case exclude= exclude-from= starting-file= from-file= to-file= ignore-case ignore-tab-expansion \
    ignore-trailing-space ignore-space-change ignore-all-space ignore-blank-lines ignore-matching-lines= text \
    strip-trailing-cr ifdef= line-format= old-line-format= new-line-format= unchanged-line-format= old-group-format= \
    new-group-format= unchanged-group-format= changed-group-format= minimal horizon-lines= speed-large-files color=? \
    palette= help version";
const FILE: &str = "brief checking-printout compile debug exclude= exclude-quiet= extension separator= files-from= \
    no-dereference dereference keep-going list magic-file= mime mime-type mime-encoding no-buffer no-pad parameter= \
    preserve-date raw special-files no-sandbox uncompress uncompress-noreport print0 version help apple";
const RG: &str = "regexp= file= after-context= before-context= context= auto-hybrid-regex no-auto-hybrid-regex binary \
    no-binary block-buffered no-block-buffered byte-offset no-byte-offset case-sensitive color= colors= column no-column \
    context-separator= no-context-separator count count-matches crlf no-crlf debug dfa-size-limit= encoding= no-encoding \
    engine= field-context-separator= field-match-separator= files files-with-matches files-without-match fixed-strings \
    no-fixed-strings follow no-follow generate= glob= glob-case-insensitive no-glob-case-insensitive heading no-heading \
    help hidden no-hidden hyperlink-format= iglob= ignore-case ignore-file= ignore-file-case-insensitive include-zero \
    invert-match no-invert-match json no-json line-buffered no-line-buffered line-number no-line-number line-regexp \
    max-columns= max-columns-preview no-max-columns-preview max-count= max-depth= max-filesize= mmap no-mmap multiline \
    no-multiline multiline-dotall no-multiline-dotall no-config no-ignore ignore no-ignore-dot ignore-dot \
    no-ignore-exclude ignore-exclude no-ignore-files ignore-files no-ignore-global ignore-global no-ignore-messages \
    ignore-messages no-ignore-parent ignore-parent no-ignore-vcs ignore-vcs no-messages messages no-pcre2-unicode \
    no-require-git require-git no-unicode unicode null null-data one-file-system no-one-file-system only-matching \
    path-separator= passthru pcre2 no-pcre2 pcre2-version pre= no-pre pre-glob= hostname-bin= pretty quiet \
    regex-size-limit= replace= search-zip no-search-zip smart-case sort= sortr= stats no-stats stop-on-nonmatch text \
    no-text threads= trace trim no-trim type= type-add= type-clear= type-list type-not= unrestricted version vimgrep \
    with-filename no-filename word-regexp";

/// Programs with options that do something, and those that always do.
const PROGRAMS: &[(&str, Program)] = &[
    (
        "sort",
        options(
            "bdfgiMhnRrVck:mo:sS:t:T:uzC",
            SORT,
            &[
                (WritesFile, "-o"),
                (WritesFile, "--output"),
                (RunsProgram, "--compress-program"),
                (WritesFile, "-T"),
                (WritesFile, "--temporary-directory"),
            ],
        ),
    ),
    ("uniq", at_most(1, WritesFile, "cdDf:is:uzw:", UNIQ)),
    (
        "shuf",
        options(
            "ei:n:o:rz",
            "echo input-range= head-count= output= random-source= repeat zero-terminated help version",
            &[(WritesFile, "-o"), (WritesFile, "--output")],
        ),
    ),
    (
        "diff",
        options(
            "qsc::C:u::U:enyW:pF:tTlrNPx:X:S:iEZbwBI:aD:dH0123456789",
            DIFF,
            &[(RunsProgram, "-l"), (RunsProgram, "--paginate")],
        ),
    ),
    (
        "file",
        options(
            "bcCde:EF:f:hikLlm:NnP:prsSvzZ0",
            FILE,
            &[
                (WritesFile, "-C"),
                (WritesFile, "--compile"),
                (WritesFile, "-p"),
                (WritesFile, "--preserve-date"),
                (RunsProgram, "-z"),
                (RunsProgram, "-Z"),
                (RunsProgram, "--uncompress"),
                (RunsProgram, "--uncompress-noreport"),
                (Unknown, "-S"),
                (Unknown, "--no-sandbox"),
                (ReadsConfiguration, "-m"),
                (ReadsConfiguration, "--magic-file"),
            ],
        ),
    ),
    (
        "tree",
        options(
            "adflxLPIoRpusDFqNQrtUcvXJhgiACSnHT0123456789",
            "prune noreport version help filelimit= charset= si du timefmt= \
        matchdirs ignore-case dirsfirst filesfirst sort=? inodes device gitignore gitfile= infofile= nolinks hintro= houtro= fromfile \
        fromtabfile fflinks info metafirst hyperlink",
            &[(WritesFile, "-o"), (WritesFile, "-R"), (Unknown, "--hintro"), (Unknown, "--houtro")],
        ),
    ),
    (
        "rg",
        options(
            "e:f:A:B:C:E:M:m:d:j:r:g:t:T:abcFhHiILlnNoPpqsSUuvVwxz0.",
            RG,
            &[
                (RunsProgram, "--pre"),
                (RunsProgram, "--hostname-bin"),
                (RunsProgram, "-z"),
                (RunsProgram, "--search-zip"),
            ],
        ),
    ),
    (
        "hostname",
        at_most(0, ChangesPowers, "aAdfiIsy", "alias all-fqdns all-ip-addresses domain fqdn long ip-address short"),
    ),
    ("xxd", at_most(1, WritesFile, "abc:Cdeg:il:o:ps:uv", "")),
    ("env", at_most(0, RunsProgram, "0", "null help version")),
    ("command", options("vVp", "", &[])),
    ("timeout nice", options("", "help version", &[])),
    ("find", Program::Special(Special::Find)),
    ("sed gsed", Program::Special(Special::Sed)),
    ("awk gawk mawk nawk original-awk", Program::Special(Special::Awk)),
    ("git", Program::Special(Special::Git)),
    ("tar gtar", Program::Special(Special::Tar)),
    ("date", Program::Special(Special::Date)),
    ("test [", Program::Special(Special::Test)),
    ("printf", Program::Special(Special::Printf)),
    ("less more", Program::Special(Special::Less)),
    ("man", Program::Special(Special::Man)),
    ("sh bash dash ash zsh ksh mksh rbash yash fish csh tcsh nu pwsh", Program::Special(Special::Shell)),
    (
        "python pypy perl ruby node nodejs deno bun lua luajit php tclsh wish Rscript R julia guile racket sbcl clisp \
      ghc runghc erl elixir iex java jshell scala kotlin groovy ocaml swift osascript expect ts-node tsx gdb lldb \
      ex ed vi vim nvim view emacs nano pico m4 irb python2 bc dc gnuplot octave sqlite3 psql mysql wasmtime",
        Program::Interpreter,
    ),
    (
        ". source eval exec trap alias unalias export declare typeset local readonly unset set shopt enable hash let read \
      mapfile readarray getopts shift return break continue umask ulimit bind complete compgen compopt history fc \
      caller logout suspend wait dirs",
        Program::Always(ChangesShell),
    ),
    ("cd pushd popd", Program::Always(ChangesFolder)),
    ("at batch crontab", Program::Always(RunsProgram)),
];

/// What is known of `name`; `None` for a program that the table lacks.
pub(super) fn find_program(name: &str) -> Option<Program> {
    if HARMLESS.split_ascii_whitespace().any(|known| known == name) {
        return Some(Program::Harmless);
    }
    let listed = |name: &str| {
        PROGRAMS
            .iter()
            .find(|(names, _)| names.split_ascii_whitespace().any(|known| known == name))
            .map(|(_, program)| *program)
    };
    // `python3.12`, `lua5.4`: a version in the name makes no other program.
    let unversioned = name.trim_end_matches(|sign: char| sign.is_ascii_digit() || matches!(sign, '.' | '-'));
    listed(name).or_else(|| listed(unversioned).filter(|program| *program == Program::Interpreter))
}

/// The name that a head is looked up by: what follows its last slash.
pub(super) fn program_name(head: &str) -> &str {
    head.rsplit('/').next().unwrap_or(head)
}
