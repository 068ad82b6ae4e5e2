//! Tests of commands inside others: seen through whatever starts them.

use proptest::prelude::*;

use super::super::*;

/// Lines that run `rm x`, each in another way.
const WRAPPED: [&str; 159] = [
    "env A=1 rm x",
    "timeout -k 1 5 rm x",
    "nice -n 3 rm x",
    "nohup rm x",
    "setsid rm x",
    "stdbuf -oL rm x",
    "time rm x",
    "command rm x",
    "builtin rm x",
    "exec -a ls rm x",
    "eval 'rm x'",
    "echo x | xargs rm",
    "find . -exec rm x \\;",
    "watch -n 1 rm x",
    "sudo -u bob rm x",
    "doas rm x",
    "su -c 'rm x'",
    "sh -c 'rm x'",
    "bash -ec 'ls; rm x'",
    "dash -c 'rm x'",
    "zsh -c 'rm x'",
    "busybox rm x",
    "chroot / rm x",
    "unshare -r rm x",
    "nsenter -t 1 rm x",
    "flock l rm x",
    "script -c 'rm x'",
    "ssh host rm x",
    "strace -f rm x",
    "gdb --args rm x",
    "perf stat -e a rm x",
    "env -S 'rm x'",
    "ionice -c3 rm x",
    "timeout 5 env nice sh -c \"nohup sh -c 'rm x'\"",
    "if true; then rm x; fi",
    "for a in b; do rm x; done",
    "case a in b) rm x;; esac",
    "f() { rm x; }",
    "echo $(rm x)",
    "echo `rm x`",
    "cat <(rm x)",
    "echo \"${a:-$(rm x)}\"",
    "! rm x",
    "(rm x)",
    "{ rm x; }",
    "while rm x; do ls; done",
    "ls | rm x",
    "parallel rm x",
    "cat <<E\n$(rm x)\nE",
    "function f { rm x; }",
    "coproc rm x",
    "bash -c 'env rm x' name",
    "bash <<E\nls\nrm x\nE",
    "bash -s a <<-'E'\n\tls && rm x\nE",
    "env sh <<A; cat <<B\nrm x\nA\nb\nB",
    "cat <<B; timeout 5 sh - <<A\nb\nB\nrm x\nA",
    "sh <<< 'rm x'",
    "ssh host <<E\nrm x\nE",
    "sudo -s <<E\nrm x\nE",
    "source /dev/stdin <<E\nrm x\nE",
    "at now <<E\nrm x\nE",
    "trap 'ls; rm x' EXIT INT",
    "trap -- 'rm x' 0",
    "alias p='rm x'; p",
    "mapfile -C 'rm x' -c 1 a",
    "PAGER='rm x' git log",
    "env GIT_EDITOR='rm x' git commit",
    "export GIT_SEQUENCE_EDITOR='rm x'",
    "git -c alias.p='!rm x' p",
    "git -c core.pager='rm x' log",
    "git -C d -c core.sshCommand='rm x' fetch",
    "git submodule foreach 'rm x'",
    "git submodule --quiet foreach --recursive rm x",
    "git rebase --exec 'rm x' main",
    "git rebase -ix 'rm x' main",
    "git rebase --exec='rm x'",
    "git bisect run rm x",
    "git filter-branch --tree-filter 'rm x' HEAD",
    "git difftool -x 'rm x'",
    "git grep -O'rm x' a",
    "git fetch --upload-pack='rm x'",
    "git config alias.p '!rm x'",
    "git config --global core.editor 'rm x'",
    "git clone -c core.sshCommand='rm x' u",
    "/usr/lib/git-core/git-rebase --exec 'rm x'",
    "toybox rm x",
    "fish -c 'rm x'",
    "csh -c 'rm x'",
    "tmux new 'rm x'",
    "tmux -L s new-session -d -s n rm x",
    "screen -dmS n rm x",
    "npx rm x",
    "npx -y -p a rm x",
    "npx -c 'rm x'",
    "npm exec -- rm x",
    "npm --prefix d x rm x",
    "pnpm -C d exec rm x",
    "pnpm dlx rm x",
    "yarn exec 'rm x'",
    "bunx rm x",
    "bun x rm x",
    "poetry run rm x",
    "poetry -C d run rm x",
    "pipenv run rm x",
    "uv run --with a rm x",
    "uv tool run --from a rm x",
    "uvx rm x",
    "hatch -e test run rm x",
    "conda run -n e --no-capture-output rm x",
    "bundle exec rm x",
    "asdf exec rm x",
    "direnv exec . rm x",
    "mise exec node@20 -- rm x",
    "mise x -c 'rm x'",
    "dotenv -f .env run rm x",
    "dotenv -e .env -- rm x",
    "envdir d rm x",
    "nix shell nixpkgs#a -c rm x",
    "nix develop --command rm x",
    "nix-shell -p a --run 'rm x'",
    "docker run --rm -it -v a:b img rm x",
    "docker run --entrypoint rm img x",
    "docker --context c exec -u 0 box rm x",
    "docker exec box sh -c 'rm x'",
    "docker exec -i box sh <<E\nrm x\nE",
    "podman container exec box rm x",
    "docker compose -f f run --rm svc rm x",
    "docker-compose exec -T svc rm x",
    "kubectl -n a exec pod -c b -- rm x",
    "gnome-terminal -- rm x",
    "xterm -e 'rm x'",
    "ls | entr -s 'rm x'",
    "ls | entr -r rm x",
    "concurrently 'ls' 'rm x'",
    "nodemon --exec 'rm x'",
    "sg group 'rm x'",
    "parallel rm ::: x",
    "parallel 'rm x' ::: a",
    "parallel ::: 'rm x' ls",
    "capsh --drop=all -- -c 'rm x'",
    "bwrap --ro-bind / / --dev /dev --unshare-net rm x",
    "setpriv --reuid=1 --no-new-privs rm x",
    "proot -r d -b a:b rm x",
    "fakeroot -- rm x",
    "systemd-run --user -p A=b --wait rm x",
    "setarch x86_64 -R rm x",
    "linux64 -R rm x",
    "prlimit --nofile=10 rm x",
    "numactl -N 0 -m 0 rm x",
    "su bob -- -c 'rm x'",
    "runuser -u bob -- rm x",
    "xvfb-run -a rm x",
    "chrt -f 1 rm x",
    "taskset -c 0 rm x",
    "unbuffer rm x",
    "rlwrap -a rm x",
    "sshpass -p a ssh host rm x",
    "cross-env A=1 rm x",
    "env 'rm x'",
];

#[test]
fn a_denied_command_is_seen_through_every_wrapper() {
    let unseen = WRAPPED.iter().map(|text| (text, understand_text(text))).filter(|(_, understood)| {
        !understood.all().any(|command| command.argv.first().is_some_and(|head| head == "rm"))
    });
    let unseen: Vec<String> = unseen.map(|(text, understood)| format!("{text}: {understood:?}")).collect();
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
}

#[test]
fn what_is_only_shown_to_a_program_is_no_command() {
    let harmless = [
        "docker ps -a",
        "docker compose up -d",
        "npm run build",
        "npm install rm",
        "poetry install",
        "tmux ls",
        "tmux new -s rm",
        "kubectl get pods",
        "git config user.name rm",
        "git -c color.ui=rm log",
        "git log --grep rm",
        "git grep -n rm",
        "cat <<E\nrm x\nE",
        "sh script.sh <<E\nrm x\nE",
        "trap - EXIT",
        "trap rm",
        "export A=rm",
        "bash --version",
        "cargo watch",
        "dotenv",
        "nix build",
        "conda list",
    ];
    for text in harmless {
        let understood = understand_text(text);
        let seen = understood.all().any(|command| command.argv.first().is_some_and(|head| head == "rm"));
        assert!(!seen && understood.inside.is_empty() && understood.doubts.is_empty(), "{text}: {understood:?}");
    }
}

#[test]
fn what_may_start_something_that_is_not_seen_is_in_doubt() {
    let doubtful = [
        "docker --newfangled a run b rm x",
        "docker run --newfangled b rm x",
        "tmux send-keys 'rm x' Enter",
        "tmux new -d \\; send-keys rm",
        "screen -S a -X stuff rm",
        "hatch run test:rm x",
        "echo rm | sh",
        "bash",
        "ls | parallel",
        "at now",
        "fish -c 'rm x'",
        "expect -c 'spawn rm x'",
        "alias a=b",
        "hash -p /bin/rm ls",
        "git unheard-of",
        "git --config-env=alias.a=B a",
        "env 'rm x'",
    ];
    for text in doubtful {
        assert!(!understand_text(text).doubts.is_empty(), "{text}");
    }
}

/// Words before a command that start it.
const STARTS: [&str; 14] = [
    "env A=1",
    "timeout -k 1 5",
    "nice -n 3",
    "npx -y",
    "uv run --with a",
    "docker run --rm -e A=b image",
    "docker compose -f a exec -T service",
    "kubectl exec pod --",
    "git bisect run",
    "git submodule foreach",
    "bwrap --ro-bind / / --",
    "systemd-run --user -p A=b",
    "setarch x86_64 -R",
    "find . -exec",
];

proptest! {
    #[test]
    fn what_starts_a_command_may_be_started_itself(
        starts in prop::collection::vec(0..STARTS.len(), 0..6),
        words in prop::collection::vec("[a-z]{1,6}", 1..4),
    ) {
        let command: Vec<&str> = std::iter::once("rm").chain(words.iter().map(String::as_str)).collect();
        let line = starts.iter().map(|at| STARTS[*at]).chain(command.iter().copied()).collect::<Vec<_>>().join(" ");
        for text in [line.clone(), format!("sh <<E\n{line}\nE"), format!("trap '{line}' EXIT"), format!("tmux new '{line}'")] {
            let understood = understand_text(&text);
            prop_assert!(understood.all().any(|one| one.argv == command), "{}: {:?}", text, understood);
        }
    }

    #[test]
    fn a_command_of_git_is_the_same_as_a_program(
        name in "(status|diff|log|push|commit|branch|stash|p)",
        words in prop::collection::vec("(-a|-d|--stat|--output=x|-O|x|list|HEAD)", 0..4),
        folder in "(/usr/lib/git-core/|/usr/bin/|)",
    ) {
        let line = |start: String| start + &words.iter().map(|word| format!(" {word}")).collect::<String>();
        let one = understand_text(&line(format!("{folder}git-{name}")));
        let two = understand_text(&line(format!("git {name}")));
        prop_assert_eq!(&one.commands[0].effects, &two.commands[0].effects);
        prop_assert_eq!(one.doubts, two.doubts);
        prop_assert_eq!(one.commands[0].undashed().map(|one| one.argv), Some(two.commands[0].argv.clone()));
    }
}
