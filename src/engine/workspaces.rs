//! Workspaces that are open: how each stands, and what is looked at again when files change.

use super::order::{JobId, Level, Notice, Order, Target, Task};
use super::recipes::{IndexSummary, Opened, Stance};
use super::state::{Job, Refreshing, State, Workspace};
use crate::config::{ConfigProblem, ConfigSource, WORKSPACE_SETTINGS};
use crate::policy::Trust;
use crate::ports::Failure;
use crate::text::{Position, Range};
use crate::workspace::{RelativePath, Root};

impl State {
    /// Takes up a folder that the job `id` opened.
    pub(super) fn opened(&mut self, id: JobId, opened: Opened) -> Vec<Order> {
        if !self.opening.contains_key(&id) {
            // It was closed meanwhile.
            return self.forget(opened.stance.root);
        }
        let Opened { given, stance, commands, notice, unknown, waiting } = opened;
        let root = stance.root.clone();
        let told = notice.into_iter().chain(unknown);
        let mut orders: Vec<Order> = told.map(|told| Order::Tell(Level::Warning, format!("tagout: {told}"))).collect();
        orders.extend(tell_problems(&stance, &[]));
        if self.workspace(&root).is_some() {
            return orders;
        }
        let job = self.begin(Some(format!("tagout: index {}", root.name())), Some(&root));
        let refreshing = Refreshing { job: Some(job), next: None };
        let (looking, seeing, sharing) = (Refreshing::default(), Refreshing::default(), Refreshing::default());
        if stance.trust != Trust::Trusted {
            let what = format!("tagout: {} is not trusted: nothing in it is run until you trust it", root.name());
            orders.push(Order::Tell(Level::Info, what));
        }
        let (own, notice) = (root.clone(), None);
        self.workspaces.push(Workspace {
            given,
            root: own,
            stance,
            commands,
            refreshing,
            looking,
            seeing,
            sharing,
            notice,
            indexed: None,
        });
        for changeset in waiting.changesets {
            self.take_up(root.clone(), changeset);
        }
        self.relocate();
        orders.extend(self.seen(&root, &waiting.files));
        orders.extend(self.started(job, Task::Index(root)));
        orders
    }

    /// The roots of the workspaces that are open.
    pub(super) fn roots(&self) -> Vec<Root> {
        self.workspaces.iter().map(|workspace| workspace.root.clone()).collect()
    }

    /// Looks at how every workspace stands.
    pub(super) fn look_at_all(&mut self) -> Vec<Order> {
        self.roots().iter().flat_map(|root| self.look(root)).collect()
    }

    /// Looks at how a workspace stands: at once, or after the look that is under way, which may have come too early.
    pub(super) fn look(&mut self, root: &Root) -> Vec<Order> {
        if self.workspace_mut(root).is_none_or(|workspace| workspace.looking.waits(&[])) {
            return Vec::new();
        }
        let job = self.begin(None, Some(root));
        if let Some(workspace) = self.workspace_mut(root) {
            workspace.looking.job = Some(job);
        }
        vec![Order::Start(job, Task::Look(root.clone()))]
    }

    /// Starts what had to wait for a job of this workspace.
    pub(super) fn next_of(&mut self, ended: JobId, root: Option<&Root>) -> Vec<Order> {
        let Some(workspace) = root.and_then(|root| self.workspace_mut(root)) else { return Vec::new() };
        let root = workspace.root.clone();
        let (looks, sees) = (workspace.looking.ended(ended), workspace.seeing.ended(ended));
        let shares = workspace.sharing.ended(ended);
        let mut orders = self.next_refresh(ended, &root);
        orders.extend(looks.map_or_else(Vec::new, |_| self.look(&root)));
        orders.extend(shares.map_or_else(Vec::new, |_| self.share(&root)));
        orders.extend(sees.map_or_else(Vec::new, |paths| self.see_files(&root, &paths)));
        orders
    }

    /// Takes over how a workspace stands now, and says what is new about it.
    pub(super) fn looked(&mut self, stance: Stance) -> Vec<Order> {
        let Some(workspace) = self.workspace_mut(&stance.root) else { return Vec::new() };
        let before = std::mem::replace(&mut workspace.stance, stance.clone());
        let mut orders = tell_problems(&stance, &before.problems);
        if before.trust == Trust::Trusted && stance.trust != Trust::Trusted {
            let what = format!(
                "tagout: settings in {} that run or steer something have changed: nothing in it is run until you have \
                 looked at them and trust it again",
                stance.root.name()
            );
            orders.push(Order::Tell(Level::Warning, what));
        }
        if let Ok(path) = RelativePath::new(WORKSPACE_SETTINGS) {
            self.touch(&stance.root, &path);
        }
        orders
    }

    pub(super) fn trusted(&mut self, stance: Stance) -> Vec<Order> {
        let what = format!("tagout: {} is trusted; its mode is {}", stance.root.name(), stance.mode);
        let mut orders = vec![Order::Tell(Level::Info, what)];
        orders.extend(self.looked(stance));
        orders
    }

    /// What is wrong with the settings in a workspace, at their lines.
    pub(super) fn setting_notices(&self, workspace: &Workspace) -> Option<(Target, Vec<Notice>)> {
        let own = workspace.stance.problems.iter().filter(|problem| problem.source == ConfigSource::Workspace);
        let notice = |problem: &ConfigProblem| {
            let line = problem.line.and_then(|line| u32::try_from(line).ok()).unwrap_or(1).saturating_sub(1);
            let (start, end) = (Position { line, character: 0 }, Position { line: line + 1, character: 0 });
            Notice { range: Range { start, end }, message: format!("tagout: {}", problem.text) }
        };
        let notices: Vec<Notice> = own.map(notice).collect();
        let path = RelativePath::new(WORKSPACE_SETTINGS).ok()?;
        (!notices.is_empty()).then(|| (self.target(&workspace.root, &path), notices))
    }

    /// Says what an index run did; what the store had to say, once.
    pub(super) fn indexed(&mut self, summary: IndexSummary) -> Vec<Order> {
        let told = Order::Tell(Level::Log, format!("tagout: {summary}"));
        let workspace = summary.root.as_ref().and_then(|root| self.workspace_mut(root));
        let notice = workspace.and_then(|workspace| {
            let fresh = summary.notice.as_ref().filter(|notice| workspace.notice.as_ref() != Some(notice)).cloned();
            workspace.notice = summary.notice;
            workspace.indexed = Some(Ok(summary.files));
            fresh
        });
        notice
            .map(|notice| Order::Tell(Level::Warning, format!("tagout: {notice}")))
            .into_iter()
            .chain([told])
            .collect()
    }

    /// Keeps why the job `id` could not bring the index up to date, if that is what it is for.
    pub(super) fn note_index_failure(&mut self, id: JobId, job: &Job, why: &Failure) {
        let workspace = job.root.as_ref().and_then(|root| self.workspace_mut(root));
        if let Some(workspace) = workspace.filter(|workspace| workspace.refreshing.job == Some(id)) {
            workspace.indexed = Some(Err(why.to_string()));
        }
    }

    /// Looks at what changed at `paths` (none: anything).
    pub(super) fn refresh(&mut self, root: &Root, paths: Vec<RelativePath>) -> Vec<Order> {
        let steers = |path: &RelativePath| path.as_str().starts_with('.') || !path.as_str().contains('/');
        let mut orders = if paths.is_empty() || paths.iter().any(steers) { self.look(root) } else { Vec::new() };
        orders.extend(self.see_files(root, &paths));
        orders.extend(self.reindex(root, paths));
        orders
    }

    /// Brings the index up to date for `paths` (none: all), after the job that is at work on it, if any.
    fn reindex(&mut self, root: &Root, paths: Vec<RelativePath>) -> Vec<Order> {
        let Some(workspace) = self.workspace_mut(root) else { return Vec::new() };
        if workspace.refreshing.waits(&paths) {
            return Vec::new();
        }
        let job = self.begin(None, Some(root));
        if let Some(workspace) = self.workspace_mut(root) {
            workspace.refreshing.job = Some(job);
        }
        vec![Order::Start(job, Task::Refresh(root.clone(), paths))]
    }

    /// Starts what had to wait for an index job.
    fn next_refresh(&mut self, ended: JobId, root: &Root) -> Vec<Order> {
        let Some(workspace) = self.workspace_mut(root) else { return Vec::new() };
        if workspace.refreshing.job != Some(ended) {
            return Vec::new();
        }
        let next = workspace.refreshing.ended(ended);
        // The first run begins to watch: what changed before it did was told by nobody.
        let mut orders = self.look(root);
        orders.extend(next.map_or_else(Vec::new, |paths| self.reindex(root, paths)));
        orders
    }
}

/// Those of its problems that were not told before.
fn tell_problems(stance: &Stance, before: &[ConfigProblem]) -> Vec<Order> {
    let fresh = stance.problems.iter().filter(|problem| !before.contains(problem));
    fresh.map(|problem| Order::Tell(Level::Warning, format!("tagout: {problem}"))).collect()
}
