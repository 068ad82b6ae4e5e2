//! The only place that names concrete effects and frontends together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use clap::Parser;

use crate::cli::{self, Arguments, Colour, Command, Screen};
use crate::config::{Settings, SharedSettings};
use crate::engine::{Engine, Remote, RulesFile, SettingsFiles, Workbench};
use crate::host::{self, DiskFiles, OwnFolder, SystemClock};
use crate::ledger::SqliteLedger;
use crate::lsp;
use crate::model::{BuiltinEmbedder, EndpointClient};
use crate::objects;
use crate::observe;
use crate::ports::{Clock, EmbedRequest, Embedder, Failure, SharedPlaceOpen};
use crate::sandbox::{self, Reserve, SandboxRunner};
use crate::store::{LanceStore, open_vectors};
use crate::workspace::Root;

/// Files larger than this are neither read nor written.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// tagout's own folders, where they can be had.
struct Folders {
    cache: PathBuf,
    state: PathBuf,
    config: PathBuf,
    data: PathBuf,
}

/// Runs the program: parses the command line, puts the parts together, starts a frontend.
#[must_use]
pub fn run() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let colour = if host::variable("NO_COLOR").is_some() { Colour::Never } else { Colour::Auto };
    let screen = Screen::new(colour, sandbox::terminal_size());
    let outcome = match command {
        Command::Lsp => serve_editor(),
        Command::Tour(_) => tour(command, &screen),
        Command::Setup(arguments) => Ok(cli::set_up(&arguments, &host::DiskEditorFiles, &screen)),
        Command::Index(_)
        | Command::Search(_)
        | Command::Pack(_)
        | Command::Rewrite(_)
        | Command::Recipe(_)
        | Command::Batch(_)
        | Command::Run(_)
        | Command::Check(_)
        | Command::Changes(_)
        | Command::Show(_)
        | Command::Apply(_)
        | Command::Reject(_)
        | Command::Undo(_)
        | Command::Mode(_)
        | Command::Settings(_)
        | Command::Log(_)
        | Command::Trust(_)
        | Command::Grants(_)
        | Command::Policy(_)
        | Command::Audit(_)
        | Command::Doctor(_) => folders().map(|folders| {
            let _log = observe::init(log_filter().as_deref(), None);
            cli::run(command, &workbench(&folders, Reserve::None), &screen, &host::cancel_on_interrupt())
        }),
    };
    outcome.unwrap_or_else(|failure| {
        screen.complain(&failure);
        ExitCode::FAILURE
    })
}

/// Serves an editor over the standard streams until it says exit, hangs up or dies.
fn serve_editor() -> Result<ExitCode, Failure> {
    let folders = folders()?;
    let _log = observe::init(log_filter().as_deref(), Some(&folders.state.join("log")));
    let (outbox, orders) = lsp::orders();
    let engine = Engine::start(Arc::new(workbench(&folders, Reserve::Kept)), outbox)?;
    let inbox = engine.clone();
    let events = Box::new(move |event| inbox.send(event));
    let wiring = lsp::Wiring { events, orders, is_alive: host::is_alive };
    let code = lsp::serve(wiring, std::io::stdin(), std::io::stdout());
    engine.settle();
    Ok(ExitCode::from(code))
}

/// The tour has cache and state of its own, which go when it ends.
fn tour(command: Command, screen: &Screen) -> Result<ExitCode, Failure> {
    let own = tempfile::Builder::new().prefix("tagout-tour-").tempdir();
    let own = own.map_err(|error| Failure::io("making a temporary folder", &error))?;
    let own = |name: &str| own.path().join(name);
    let folders = Folders { cache: own("cache"), state: own("state"), config: own("config"), data: own("data") };
    Ok(cli::run(command, &workbench(&folders, Reserve::None), screen, &host::cancel_on_interrupt()))
}

/// Which messages are logged, in the syntax of `tracing_subscriber::EnvFilter`.
fn log_filter() -> Option<String> {
    host::variable("TAGOUT_LOG").map(|filter| filter.to_string_lossy().into_owned())
}

fn folders() -> Result<Folders, Failure> {
    Ok(Folders {
        cache: host::locate_folder(OwnFolder::Cache)?,
        state: host::locate_folder(OwnFolder::State)?,
        config: host::locate_folder(OwnFolder::Config)?,
        data: host::locate_folder(OwnFolder::Data)?,
    })
}

/// All effects behind their ports. Nothing is opened yet: each opens what it needs on first use.
fn workbench(folders: &Folders, reserve: Reserve) -> Workbench {
    let ledger = Arc::new(SqliteLedger::new(folders.state.join("tagout.sqlite"), folders.data.join("keys")));
    let embedder = BuiltinEmbedder;
    let (indexes, embedder_name) = (folders.cache.join("index"), embedder.name().to_owned());
    let pages = folders.cache.join("pages");
    let (recipes, batches) = (folders.config.clone(), folders.state.join("batches"));
    let config = folders.config.clone();
    let (accepted, rules_state) = (folders.state.clone(), folders.state.clone());
    let runner = SandboxRunner::new(PathBuf::from("/proc/self/exe"), host::variables(), reserve);
    let runner = runner.with_copies_in(folders.cache.join("copies")).with_cache(folders.cache.join("sandbox"));
    if reserve == Reserve::Kept {
        runner.start();
    }
    Workbench {
        files: Box::new(DiskFiles::new(LARGEST_FILE, folders.state.join("journal"))),
        embedder: Box::new(embedder),
        endpoint: Arc::new(endpoint(folders)),
        runner: Box::new(runner),
        ledger: ledger.clone(),
        modes: ledger.clone(),
        trust: ledger.clone(),
        grants: ledger.clone(),
        rotation: ledger.clone(),
        shelf: ledger,
        clock: Box::new(SystemClock),
        open_root: Box::new(|folder: &Path| host::open_root(folder)),
        make_store: Box::new(move |root: &Root| Box::new(LanceStore::new(indexes.join(root.key()), &embedder_name))),
        write_page: Box::new(move |name, text| host::write_page(&pages, name, text)),
        defaults: Settings::of_machine(host::memory()),
        settings_files: Box::new(move || SettingsFiles {
            machine: host::machine_settings(),
            user: host::user_settings(&config),
            approved: host::approved_rules(&accepted),
            accepted: host::accepted_rules(&accepted),
        }),
        read_text: Box::new(host::read_text),
        write_rules: Box::new(move |grant, file, present, text| match file {
            RulesFile::Approved => host::write_approved_rules(grant, &rules_state, present, text),
            RulesFile::Accepted => host::write_accepted_rules(grant, &rules_state, present, text),
        }),
        evidence: Box::new(host::evidence),
        programs: Box::new(|root, names| {
            let path = host::variable("PATH").unwrap_or_default();
            host::programs(root, &path.to_string_lossy(), names)
        }),
        read_bytes: Box::new(host::read_bytes),
        user_recipes: Box::new(move || host::user_recipes(&recipes)),
        write_beside: Box::new(host::write_beside),
        open_batch: Box::new(move |name| host::open_batch(&batches, name)),
        open_shared: Box::new(open_shared),
        remote: Box::new(host::remote_address),
        session: host::session(),
        is_live: Box::new(host::is_live_session),
        counter: AtomicU64::new(0),
        editor_settings: Mutex::new(None),
        give_back_memory: sandbox::give_back_memory,
        indexes: Mutex::new(BTreeMap::new()),
    }
}

/// The place where an index is shared, with what the environment says of it.
fn open_shared(settings: &SharedSettings) -> Result<SharedPlaceOpen, Failure> {
    let variable = |name: &str| host::variable(name).and_then(|value| value.into_string().ok());
    objects::open_shared(settings, objects::Environment::of(variable), || SystemClock.now_ms())
}

/// The endpoint that the user may name in the settings. Nothing is opened before it is.
fn endpoint(folders: &Folders) -> Remote {
    let (client, vectors) = (EndpointClient::new(Box::new(host::variable)), folders.cache.join("vectors"));
    let embed = Box::new(move |request: EmbedRequest<'_>| client.embed(request));
    Remote::new(embed, Box::new(move |name| open_vectors(&vectors, name)), Box::new(|| SystemClock.now_ms()))
}
