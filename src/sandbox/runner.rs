//! The runner: from a grant to an outcome.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};

use super::channel::Go;
use super::disk::Folder;
use super::ending::{ended_early, exit_of, filled, lost, not_started, reached, usable};
use super::environment;
use super::fallback::Ran;
use super::host_command::on_host;
use super::identity::{Identity, SHIFT};
use super::keeping::{Keeping, Shown};
use super::landlock;
use super::levels::Levels;
use super::machine::{Machine, home};
use super::output::Output;
use super::plan::{Network, PlanError, RootUser, Wanted, check_root, plan};
use super::pool::{Key, NotBuilt, Planned, Pool, Sandbox};
use super::preparation::Preparation;
use super::probe::{Settings, explain};
use super::proxy::{Dialer, Proxy, Reach, SystemDialer, offline};
use super::secrets::Secrets;
use super::spawn::{Ended, Terms, contained};
use super::writes::DiskWrites;
use crate::policy::{Action, Containment, Grant, HostRule, Mode, Place, SandboxLevel};
use crate::ports::{Cancel, Connection, Failure, FailureKind, Limits, RunOutcome, RunRequest, Runner, Wall};
use crate::workspace::Root;

/// Whether sandboxes are made ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserve {
    /// After a command another sandbox is made for the next one.
    Kept,
    /// A sandbox is made when a command needs it.
    None,
}

/// Runs commands in Linux namespaces, or on the host where the grant says so.
#[derive(Debug)]
pub struct SandboxRunner {
    workshop: Arc<Workshop>,
    reserve: Reserve,
    dialer: Arc<dyn Dialer>,
    levels: Levels,
    secrets: Secrets,
    /// What sandboxes are to be made for, once any is.
    refills: OnceLock<mpsc::Sender<(Key, Sandbox)>>,
}

impl SandboxRunner {
    /// A runner whose helper is `executable`: a program that calls
    /// [`run_helper_if_asked`](super::run_helper_if_asked) first; `/proc/self/exe` is this one. `environment` is the
    /// user's.
    #[must_use]
    pub fn new(executable: PathBuf, environment: Vec<(OsString, OsString)>, reserve: Reserve) -> Self {
        let (pool, levels) = (Pool::new(executable.clone()), Levels::new(executable));
        let (root_stays, keeping) = (Mutex::default(), Keeping::default());
        let workshop = Arc::new(Workshop { environment, pool, root_stays, keeping });
        let (dialer, secrets, refills) = (Arc::new(SystemDialer), Secrets::default(), OnceLock::new());
        Self { workshop, reserve, dialer, levels, secrets, refills }
    }

    /// The same, keeping what speeds commands up below `folder`, which is safe to delete.
    #[must_use]
    pub fn with_cache(mut self, folder: PathBuf) -> Self {
        if let Some(workshop) = Arc::get_mut(&mut self.workshop) {
            workshop.keeping = Keeping::at(folder);
        }
        self
    }

    /// The same, with the world reached through `dialer`. What may be reached is judged as ever.
    #[must_use]
    pub fn with_dialer(self, dialer: Arc<dyn Dialer>) -> Self {
        Self { dialer, ..self }
    }

    /// The same, with copies of workspaces kept below `place`, a folder of the user's own on disk.
    #[must_use]
    pub fn with_copies_in(mut self, place: PathBuf) -> Self {
        self.levels.place = Some(place);
        self
    }

    /// The same, building nothing stronger than `strongest`: for trying the weaker levels.
    #[must_use]
    pub fn at_most(mut self, strongest: SandboxLevel) -> Self {
        self.levels.strongest = strongest;
        self
    }

    /// Starts the helper ahead of the first command, while the program is small and nobody waits. When it cannot be
    /// started, the first command will try again and say why.
    pub fn start(&self) {
        let workshop = self.workshop.clone();
        let start = move || drop(workshop.pool.start());
        drop(std::thread::Builder::new().name("sandbox-start".into()).spawn(start));
    }

    /// Takes down the sandbox of the last command and makes one for the next, while nobody waits for either.
    fn refill(&self, key: Key, last: Sandbox) {
        if self.reserve == Reserve::None {
            return;
        }
        let refills = self.refills.get_or_init(|| {
            let (workshop, (refills, keys)) = (Arc::clone(&self.workshop), mpsc::channel::<(Key, Sandbox)>());
            let work = move || {
                for (key, last) in keys {
                    drop(last);
                    // The next command that has to make its own will say why it cannot.
                    drop(workshop.pool.reserve(&key, || workshop.build(&key)));
                }
            };
            drop(std::thread::Builder::new().name("sandbox-refill".into()).spawn(work));
            refills
        });
        // Without its thread there are no sandboxes ahead, and nothing else is missing.
        drop(refills.send((key, last)));
    }

    fn in_sandbox(
        &self,
        (argv, network): (&[String], &[HostRule]),
        mode: Mode,
        request: &RunRequest,
        terms: &Terms<'_>,
    ) -> Result<RunOutcome, Failure> {
        let root = request.root.as_path();
        let prepared = self.prepared(request, mode, &self.workshop.keeping)?;
        let reach = Reach { hosts: network.to_vec(), private: request.private_hosts.clone() };
        let online = if network.is_empty() { Network::None } else { Network::Proxy };
        let key = Key::of(root, mode, online, &request.limits).map_err(|error| Failure::io(root.display(), &error))?;
        let mut key = prepared.key(key, &self.workshop.keeping);
        let mut go = Go {
            argv: argv.to_vec(),
            environment: Vec::new(),
            folder: root.to_path_buf(),
            hidden: prepared.hidden(),
            over: prepared.over(),
            terminal: request.terminal.as_ref().map(|terminal| terminal.size),
        };
        let (mut sandbox, mut ended, mut connections) = self.attempt(&key, &mut go, &reach, terms)?;
        if !ended.begun && ended.stopped.is_none() {
            // It had waited too long, or was ended from outside: nothing was run yet.
            (sandbox, ended, connections) = self.attempt(&key, &mut go, &reach, terms)?;
        }
        ended.reached.extend(sandbox.reached(terms.limits));
        let exit = exit_of(&ended, terms.limits)?;
        let captured = prepared.captured(&mut sandbox, root)?;
        let reached = reached(&ended, &exit, terms.limits);
        if filled(&exit, &reached, terms.limits) {
            self.workshop.keeping.filled(root);
        }
        if key.kept.is_none() && mode != Mode::ReadOnly {
            // It may be the first that left outputs, which the next one is shown.
            key.kept = self.workshop.keeping.layer(&request.root);
        }
        self.refill(key, sandbox);
        Ok(RunOutcome {
            reached,
            exit,
            changes: captured.changes,
            refused: captured.refused,
            dropped_output: ended.dropped,
            level: Some(SandboxLevel::Full),
            connections,
        })
    }

    /// Looks at the workspace before a command begins.
    fn prepared(&self, request: &RunRequest, mode: Mode, keeping: &Keeping) -> Result<Preparation, Failure> {
        // Before anything is searched: a folder that is refused may be the whole disk.
        check_root(request.root.as_path(), &self.workshop.home()).map_err(too_wide)?;
        Preparation::of(request, mode, &self.secrets, keeping)
    }

    /// Runs a command at a level below full.
    fn below_full(
        &self,
        level: SandboxLevel,
        (argv, network): (&[String], &[HostRule]),
        mode: Mode,
        request: &RunRequest,
        terms: &Terms<'_>,
    ) -> Result<RunOutcome, Failure> {
        if !network.is_empty() {
            let what = format!("a sandbox of level {level} reaches no host, whatever is allowed");
            return Err(
                Failure::new(FailureKind::Unavailable, what).hint("`tagout doctor` says what adds the full one")
            );
        }
        let machine = Machine::survey(&self.workshop.environment);
        let prepared = self.prepared(request, mode, &Keeping::default())?;
        let fallback = self.levels.fallback(&machine);
        let Ran { ended, captured } = fallback.run(level, mode, argv, request, terms, prepared)?;
        let exit = exit_of(&ended, terms.limits)?;
        Ok(RunOutcome {
            reached: reached(&ended, &exit, terms.limits),
            exit,
            changes: captured.changes,
            refused: captured.refused,
            dropped_output: ended.dropped,
            level: Some(level),
            connections: Vec::new(),
        })
    }

    /// Runs the command once, with a proxy of its own where it has one.
    fn attempt(
        &self,
        key: &Key,
        go: &mut Go,
        reach: &Reach,
        terms: &Terms<'_>,
    ) -> Result<(Sandbox, Ended, Vec<Connection>), Failure> {
        let mut sandbox = self.workshop.sandbox(key)?;
        let proxy = match key.network {
            Network::None => None,
            Network::Proxy => {
                let listener = sandbox.listener.take().ok_or_else(ended_early)?;
                let proxy = Proxy::start(listener, reach.clone(), Arc::clone(&self.dialer));
                Some(proxy.map_err(|error| not_started(&error))?)
            }
        };
        go.environment.clone_from(&sandbox.environment);
        if go.terminal.is_some() {
            // What would move its cursor is shown instead: it is a terminal that obeys nothing.
            go.environment.retain(|(name, _)| name != "TERM");
            go.environment.push(("TERM".into(), "dumb".into()));
        }
        go.environment.extend(proxy.as_ref().map_or_else(offline, Proxy::variables));
        let ended = contained(&mut sandbox, go, terms).map_err(|error| match sandbox.has_begun() {
            Ok(false) => not_started(&error),
            Ok(true) | Err(_) => lost(&error.to_string()),
        })?;
        Ok((sandbox, ended, proxy.map(Proxy::finish).unwrap_or_default()))
    }
}

impl Runner for SandboxRunner {
    fn prepare(&self, root: &Root, mode: Mode, limits: &Limits) -> Result<Containment, Failure> {
        let path = root.as_path();
        let io = |error: io::Error| Failure::io(path.display(), &error);
        let mut key = Key::of(path, mode, Network::None, limits).map_err(io)?;
        let fall_back = |failure| self.levels.fall_back(&Machine::survey(&self.workshop.environment), limits, failure);
        if self.levels.strongest < SandboxLevel::Full {
            let what = format!("no more than level {} is wanted", self.levels.strongest);
            return fall_back(Failure::new(FailureKind::Unavailable, what));
        }
        if mode != Mode::ReadOnly {
            let keeping = &self.workshop.keeping;
            let shown = Folder::open(path).ok().and_then(|disk| keeping.begin(root, &disk));
            key.kept = shown.as_ref().and_then(Shown::layer).map(Path::to_path_buf);
            key.room = keeping.known_room(path);
        }
        if !self.workshop.pool.is_parked(&key) {
            match self.workshop.pool.reserve(&key, || self.workshop.build(&key)) {
                Ok(()) => {}
                Err(error) if error.is_lasting() => return fall_back(not_built(&error)),
                Err(error) => return Err(not_built(&error)),
            }
        }
        let missing = landlock::missing().or_else(|| self.workshop.root_stays(path).then(|| ROOT_STAYS.to_owned()));
        Ok(Containment { missing, ..Containment::full() })
    }

    fn walls(&self) -> Vec<Wall> {
        self.levels.walls(&Machine::survey(&self.workshop.environment))
    }

    fn run(
        &self,
        grant: Grant,
        request: &RunRequest,
        output: Output<'_>,
        cancel: &Cancel,
    ) -> Result<RunOutcome, Failure> {
        cancel.check()?;
        let keyboard = request.terminal.as_ref().map(|terminal| terminal.keyboard.clone()).unwrap_or_default();
        let terms = Terms { limits: &request.limits, output, cancel, keyboard };
        let Action::Run { argv, place, network } = grant.action() else {
            return Err(Failure::new(FailureKind::Denied, "the grant is for something else than running a command"));
        };
        usable(argv)?;
        match (place, grant.level()) {
            (Place::Host, _) if !request.over.is_empty() => {
                let what = "a command on the host sees the workspace as it is, not with changes that nobody accepted";
                Err(Failure::new(FailureKind::InvalidInput, what).hint("run it in the sandbox"))
            }
            (Place::Host, _) => on_host((argv, grant.by()), &self.workshop.environment, request, &terms),
            (Place::Sandbox, Some(SandboxLevel::Full)) => {
                self.in_sandbox((argv, network), grant.mode(), request, &terms)
            }
            (Place::Sandbox, Some(level)) => self.below_full(level, (argv, network), grant.mode(), request, &terms),
            (Place::Sandbox, None) => Err(Failure::new(FailureKind::Denied, "the grant names no level of the sandbox")),
        }
    }
}

/// What a run is told whose root stays root.
const ROOT_STAYS: &str = "root could not become another user, as on a file system that cannot show other owners";

/// Makes sandboxes: what threads share.
#[derive(Debug)]
struct Workshop {
    /// The user's.
    environment: Vec<(OsString, OsString)>,
    pool: Pool,
    keeping: Keeping,
    /// Workspaces in which root cannot become another user.
    root_stays: Mutex<BTreeSet<PathBuf>>,
}

impl Workshop {
    /// A sandbox for `key`: one that waits, or a new one.
    fn sandbox(&self, key: &Key) -> Result<Sandbox, Failure> {
        self.pool.take(key).map_or_else(|| self.build(key).map_err(|error| not_built(&error)), Ok)
    }

    fn root_stays(&self, root: &Path) -> bool {
        self.root_stays.lock().unwrap_or_else(PoisonError::into_inner).contains(root)
    }

    /// A new sandbox for `key`.
    fn build(&self, key: &Key) -> Result<Sandbox, NotBuilt> {
        let build = || self.pool.build(self.planned(key).map_err(NotBuilt::Refused)?);
        match build() {
            Err(NotBuilt::Step(failed)) if failed.step == SHIFT && !self.root_stays(&key.root) => {
                self.root_stays.lock().unwrap_or_else(PoisonError::into_inner).insert(key.root.clone());
                build()
            }
            // It, or the helper, was ended from outside, which says nothing of the next one.
            Err(NotBuilt::Silent) => build(),
            built => built,
        }
    }

    fn home(&self) -> PathBuf {
        home(self.environment.iter().find(|(name, _)| name == "HOME").and_then(|(_, home)| home.to_str()))
    }

    fn planned(&self, key: &Key) -> Result<Planned, Failure> {
        // What a command wrote is told in paths that are text, and so are the plan's.
        if key.root.to_str().is_none() {
            let what = format!("the path of the workspace is not UTF-8: rename {}", key.root.display());
            return Err(Failure::new(FailureKind::InvalidInput, what));
        }
        let machine = Machine::survey(&self.environment);
        let root_user = if self.root_stays(&key.root) { RootUser::Kept } else { RootUser::Shifted };
        let (mode, root, network, limits) = (key.mode, key.root.as_path(), key.network, &key.limits);
        let disk = self.keeping.writes(key.room).map_err(|error| not_started(&error))?;
        let writes = disk.as_ref().map(DiskWrites::path);
        let wanted = Wanted { mode, root, root_user, kept: key.kept.as_deref(), writes, network, limits };
        let plan = plan(&wanted, &machine).map_err(too_wide)?;
        if let (Identity::Subordinate { outside, .. }, Some(disk)) = (&plan.identity, &disk) {
            disk.give_to(*outside).map_err(|error| not_started(&error))?;
        }
        Ok(Planned { plan, environment: environment::inside(&machine), disk })
    }
}

fn too_wide(error: PlanError) -> Failure {
    let PlanError::TooWide(..) = error;
    Failure::new(FailureKind::InvalidInput, error.to_string())
}

pub(super) fn not_built(error: &NotBuilt) -> Failure {
    match error {
        NotBuilt::Refused(failure) => failure.clone(),
        NotBuilt::Step(failed) => explain(failed, Settings::read()),
        NotBuilt::System(error) => not_started(error),
        NotBuilt::Silent => ended_early(),
    }
}
