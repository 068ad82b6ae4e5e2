//! Programs of which one command runs another program: `docker exec`, `npx`, `uv run`. Data only; sources are their manual
//! pages and help texts. Each stays a command of its own, which a rule can allow by its words.

use super::options::Spec;

/// Where the command begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// After the options and this many operands.
    Operand(usize),
    /// After `--`; without one, nothing is run that can be seen.
    Dashes,
    /// After one of these options, separated by blanks.
    Option(&'static str),
}

/// What the command's words are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The words of a command.
    Words,
    /// One word is shell text; more are the words of a command.
    TextOrWords,
    /// Every word is shell text of its own.
    Texts,
}

/// One such program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Runner {
    /// Names it goes by, separated by blanks.
    pub(super) names: &'static str,
    /// Its options before the command of its own.
    pub(super) before: Spec,
    /// Its commands that run another program, separated by commas; empty when it does without one.
    pub(super) commands: &'static str,
    /// Options after that.
    pub(super) spec: Spec,
    pub(super) start: Start,
    pub(super) form: Form,
    /// Options, separated by blanks, whose value is shell text.
    pub(super) text: &'static str,
}

const NOTHING: Spec = Spec { short: "", long: "" };

const fn runner(names: &'static str, commands: &'static str, short: &'static str, long: &'static str) -> Runner {
    let spec = Spec { short, long };
    Runner { names, before: NOTHING, commands, spec, start: Start::Operand(0), form: Form::Words, text: "" }
}

impl Runner {
    const fn before(mut self, short: &'static str, long: &'static str) -> Self {
        self.before = Spec { short, long };
        self
    }

    const fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    const fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    const fn text(mut self, text: &'static str) -> Self {
        self.text = text;
        self
    }
}

const NPX: &str = "yes no quiet silent verbose package= call= shell= workspace= workspaces include-workspace-root prefix= \
    prefer-offline prefer-online offline loglevel= bun no-install ignore-existing shell-auto-fallback=? version help";
const NPM: &str = "prefix= workspace= workspaces include-workspace-root silent quiet loglevel= global yes";
const PNPM: &str =
    "dir= recursive filter= workspace-root silent reporter= color no-color aggregate-output stream loglevel=";
const PNPM_EXEC: &str = "package= shell-mode recursive parallel silent reporter= filter= resume-from= report-summary bail \
    no-bail workspace-concurrency= allow-build= no-reporter-hide-prefix";
const UV: &str = "quiet verbose offline no-cache native-tls directory= project= config-file= no-config no-progress \
    cache-dir= color= allow-insecure-host= managed-python no-managed-python no-python-downloads python-preference=";
const UV_RUN: &str = "extra= all-extras no-extra= dev no-dev group= no-group= no-default-groups only-group= all-groups module \
    only-dev editable no-editable inexact exact env-file= no-env-file from= with= with-editable= with-requirements= isolated \
    active no-sync locked frozen script gui-script all-packages package= no-project python= index= default-index= \
    index-url= extra-index-url= find-links= no-index index-strategy= keyring-provider= upgrade upgrade-package= reinstall \
    reinstall-package= resolution= prerelease= fork-strategy= exclude-newer= link-mode= compile-bytecode no-sources \
    config-setting= no-build-isolation no-build no-binary no-cache cache-dir= refresh refresh-package= offline quiet \
    verbose color= native-tls directory= project= config-file= no-config no-progress python-platform= constraints= \
    overrides= managed-python no-managed-python";
const DOCKER: &str = "config= context= debug host= log-level= tls tlscacert= tlscert= tlskey= tlsverify namespace= address= \
    connection= identity= log-level= remote root= runroot= storage-driver= storage-opt= url= version";
const DOCKER_RUN: &str = "add-host= annotation= attach= blkio-weight= blkio-weight-device= cap-add= cap-drop= cgroup-parent= \
    cgroupns= cidfile= cpu-count= cpu-percent= cpu-period= cpu-quota= cpu-rt-period= cpu-rt-runtime= cpu-shares= cpus= \
    cpuset-cpus= cpuset-mems= detach detach-keys= device= device-cgroup-rule= device-read-bps= device-read-iops= \
    device-write-bps= device-write-iops= disable-content-trust=? dns= dns-option= dns-search= domainname= entrypoint= env= \
    env-file= expose= gpus= group-add= health-cmd= health-interval= health-retries= health-start-interval= \
    health-start-period= health-timeout= help hostname= init interactive ip= ip6= ipc= isolation= kernel-memory= label= \
    label-file= link= link-local-ip= log-driver= log-opt= mac-address= memory= memory-reservation= memory-swap= \
    memory-swappiness= mount= name= network= network-alias= no-healthcheck oom-kill-disable oom-score-adj= pid= \
    pids-limit= platform= privileged publish= publish-all pull= quiet read-only replace restart= rm runtime= \
    security-opt= shm-size= sig-proxy=? stop-signal= stop-timeout= storage-opt= sysctl= tmpfs= tty ulimit= user= userns= \
    uts= volume= volume-driver= volumes-from= workdir= pod= systemd= tz= umask= authfile=";
const EXEC: &str =
    "detach detach-keys= env= env-file= interactive privileged tty user= workdir= latest index= no-TTY no-tty";
const COMPOSE: &str = "file= project-name= profile= env-file= project-directory= ansi= progress= parallel= compatibility \
    all-resources dry-run verbose";
const COMPOSE_RUN: &str = "build cap-add= cap-drop= detach entrypoint= env= env-from-file= interactive label= name= no-TTY \
    no-deps publish= pull= quiet quiet-build quiet-pull remove-orphans rm service-ports use-aliases user= volume= workdir=";
const KUBECTL: &str = "namespace= context= cluster= kubeconfig= user= server= token= as= as-group= request-timeout= \
    tls-server-name= certificate-authority= client-certificate= client-key= insecure-skip-tls-verify=? v=";
const TMUX: &str = "new-session,new,new-window,neww,split-window,splitw,respawn-pane,respawnp,respawn-window,respawnw,\
    run-shell,run,pipe-pane,pipep";
const CONDA: &str = "name= prefix= verbose dev debug-wrapper-scripts cwd= no-capture-output live-stream root= attach= env= \
    detach clean-env root-prefix= rc-file= no-rc no-env";

/// All of them.
pub(super) const RUNNERS: &[Runner] = &[
    runner("npx pnpx bunx", "", "yqsp:c:w:", NPX).text("-c --call"),
    runner("npm", "exec,x", "yqsp:c:w:", NPX).before("gsdqw:C:y", NPM).text("-c --call"),
    runner("pnpm", "exec,dlx", "crs", PNPM_EXEC).before("C:F:rsw", PNPM).form(Form::TextOrWords),
    runner("yarn", "exec,dlx", "p:q", "package= quiet").before("s", "cwd= silent").form(Form::TextOrWords),
    runner("bun", "x,exec", "p:", "package= bun silent verbose").before("", "cwd= config=?").form(Form::TextOrWords),
    runner("poetry", "run", "", "")
        .before("C:P:qvn", "directory= project= quiet verbose no-interaction no-plugins no-cache ansi no-ansi"),
    runner("pipenv", "run", "", "").before("qv", "verbose quiet python= site-packages clear pypi-mirror="),
    runner("pdm", "run", "sp:v", "site-packages project= env-file= no-site-packages venv= recreate").before("cqv", ""),
    runner("rye pixi", "run", "e:qvx", "env-file= environment= manifest-path= locked frozen clean-env executable"),
    runner("hatch", "run,run-env", "", "").before(
        "e:p:vq",
        "env= project= verbose quiet color no-color interactive no-interactive data-dir= cache-dir= config=",
    ),
    runner("tox", "exec,e", "", "").start(Start::Dashes),
    runner("uv", "run", "mqvp:nUw:Cf:i:sP:", UV_RUN).before("qvn", UV),
    runner("uv", "tool run", "qvp:nUw:Cf:i:P:", UV_RUN).before("qvn", UV),
    runner("uvx", "", "qvp:nUw:Cf:i:P:", UV_RUN),
    runner(
        "pipx",
        "run",
        "qv",
        "spec= python= pip-args= no-cache path pypackages verbose quiet system-site-packages with=",
    ),
    runner("conda mamba micromamba", "run", "n:p:vr:a:e:d", CONDA),
    runner("bundle bundler", "exec", "", "keep-file-descriptors gemfile= verbose")
        .before("", "retry= no-color verbose"),
    runner("rbenv pyenv nodenv goenv jenv plenv asdf", "exec", "", ""),
    runner("direnv", "exec", "", "").start(Start::Operand(1)),
    runner("mise rtx", "exec,x", "", "").start(Start::Dashes).text("-c --command"),
    runner("fnm volta", "exec,run", "", "using= using-file node= npm= pnpm= yarn= bundled-npm without-yarn"),
    runner("dotenv", "run", "", "override no-override").before("f:q:e:p:v:oc", "file= quote= export"),
    runner("dotenv", "", "f:e:p:v:oci", "file= overload"),
    runner("dotenvx", "run", "", "").start(Start::Dashes),
    runner("env-cmd", "", "f:e:rx", "file= environments= fallback no-override use-shell verbose recursive silent"),
    runner("cross-env cross-env-shell", "", "", "").form(Form::TextOrWords),
    runner("envdir", "", "", "").start(Start::Operand(1)),
    runner("chpst", "", "u:U:b:e:/:n:l:L:m:d:o:p:f:c:t:r:vP012", ""),
    runner("setuidgid envuidgid envchain", "", "", "").start(Start::Operand(1)),
    runner("op doppler infisical chamber aws-vault teller", "run,exec", "", "").start(Start::Dashes),
    runner("nix", "shell,develop,run,env shell", "", "").start(Start::Option("-c --command")),
    runner("nix-shell", "", "", "").start(Start::Option("")).text("--run --command"),
    runner("docker podman nerdctl", "run,create", "a:c:de:h:il:m:p:Pqtu:v:w:", DOCKER_RUN)
        .before("c:DH:l:vn:a:r", DOCKER)
        .start(Start::Operand(1)),
    runner("docker podman nerdctl", "exec", "de:itu:w:l", EXEC)
        .before("c:DH:l:vn:a:r", DOCKER)
        .start(Start::Operand(1)),
    runner("docker-compose", "exec", "de:Tu:w:it", EXEC).before("f:p:", COMPOSE).start(Start::Operand(1)),
    runner("docker-compose", "run", "de:iTl:p:Pu:v:w:tqb", COMPOSE_RUN)
        .before("f:p:", COMPOSE)
        .start(Start::Operand(1)),
    runner("kubectl oc k3s microk8s", "exec,run,debug,create,kubectl exec,kubectl run", "", "")
        .before("n:s:v:", KUBECTL)
        .start(Start::Dashes),
    runner("lxc incus distrobox zellij", "exec,enter,run", "", "").start(Start::Dashes),
    runner("toolbox", "run", "c:d:r:", "container= distro= release= preserve-fds="),
    runner(
        "flatpak-spawn",
        "",
        "v",
        "host sandbox verbose clear-env watch-bus env= forward-fd= directory= latest-version no-network",
    ),
    runner("vagrant", "ssh", "", "").start(Start::Option("")).text("-c --command"),
    runner("tmux", TMUX, "AdDEPXabhvIZkBCNc:e:F:f:n:s:t:x:y:l:p:", "")
        .before("2CDhlNuvVc:f:L:S:T:", "")
        .form(Form::TextOrWords),
    runner("screen", "", "46aAc:dDmrRe:fh:ilLOp:qQs:S:t:T:UvxX", ""),
    runner("dtach abduco", "", "acAnNe:r:Ez", "").start(Start::Operand(1)),
    runner("xterm urxvt rxvt st alacritty kitty foot konsole xfce4-terminal terminator", "", "", "")
        .start(Start::Option("-e -x --execute"))
        .form(Form::TextOrWords),
    runner("gnome-terminal wezterm", "", "", "").start(Start::Dashes),
    runner("entr", "", "acdnprsxz", "").form(Form::TextOrWords),
    runner(
        "watchexec",
        "",
        "w:e:f:i:s:d:Nnqrcp",
        "watch= exts= filter= ignore= signal= debounce= restart clear=? postpone",
    )
    .form(Form::TextOrWords),
    runner("nodemon", "", "x:e:w:i:d:qV", "exec= ext= watch= ignore= delay= signal= quiet verbose").text("-x --exec"),
    runner(
        "concurrently npm-run-all run-p run-s",
        "",
        "n:c:ksrgm:p:l:",
        "names= prefix-colors= kill-others success= raw group",
    )
    .form(Form::Texts),
    runner("sg", "", "", "").start(Start::Operand(1)).form(Form::TextOrWords).text("-c"),
    runner("sshpass", "", "p:f:d:eP:vhV", ""),
    runner("rsh rlogin remsh slogin", "", "46dnKxf:l:k:", "").start(Start::Operand(1)).form(Form::TextOrWords),
    runner("cgexec trickle cpulimit", "", "g:u:d:s:w:t:L:l:", "sticky"),
    runner("rlwrap", "", "aAb:B:cC:d:D:e:E:f:F:g:G:hH:iIl:m:M:nNoO:p:P:q:rRs:S:t:T:UvwW:X:z:", ""),
    runner(
        "cargo",
        "watch",
        "cqw:i:B:s:x:C:d:Nn",
        "clear quiet watch= ignore= shell= exec= workdir= delay= notify why",
    )
    .text("-s --shell"),
];

/// Commands of tmux that show, end or set something, and start nothing.
pub(super) const TMUX_HARMLESS: &str = "ls list-sessions a at attach attach-session has has-session kill-session kill-server \
    kill-window killw kill-pane killp lsw list-windows lsp list-panes capture-pane capturep display-message display show \
    show-options info list-commands lscm list-clients lsc detach detach-client rename-session rename-window rename renamew \
    start start-server select-window selectw select-pane selectp switch-client switchc resize-pane resizep";
