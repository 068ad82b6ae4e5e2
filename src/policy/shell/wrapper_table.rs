//! Programs that run another: their options, and what they do besides. Data only; sources are their manual pages.

use super::EffectKind;
use super::options::Spec;

/// What follows a wrapper's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// The command's words.
    Words,
    /// Assignments, then the command's words: `env`, `sudo`.
    Assigned,
    /// The command's words, and more of them from input: `xargs`.
    Fed,
    /// Words that, joined by blanks, are shell text.
    Text,
}

/// One wrapper.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrapper {
    /// Names it goes by, separated by blanks.
    pub(super) names: &'static str,
    pub(super) spec: Spec,
    /// Operands of its own before the command.
    pub(super) operands: usize,
    pub(super) tail: Tail,
    /// What it does besides running the command.
    pub(super) effect: Option<EffectKind>,
    /// Options, separated by blanks, that do something besides; each makes an effect.
    pub(super) risky: &'static str,
}

const fn wrapper(names: &'static str, short: &'static str, long: &'static str) -> Wrapper {
    let spec = Spec { short, long };
    Wrapper { names, spec, operands: 0, tail: Tail::Words, effect: None, risky: "" }
}

impl Wrapper {
    const fn operands(mut self, operands: usize) -> Self {
        self.operands = operands;
        self
    }

    const fn tail(mut self, tail: Tail) -> Self {
        self.tail = tail;
        self
    }

    const fn does(mut self, effect: EffectKind) -> Self {
        self.effect = Some(effect);
        self
    }

    const fn risky(mut self, risky: &'static str) -> Self {
        self.risky = risky;
        self
    }
}

use EffectKind::{ChangesPowers, ChangesShell, Network, RunsProgram, Unknown, WritesFile};

const ENV: &str = "ignore-environment null unset= chdir= split-string= block-signal=? default-signal=? \
                   ignore-signal=? list-signal-handling debug argv0= help version";
const SUDO: &str = "askpass background bell close-from= chdir= preserve-env=? group= set-home help host= login \
                    remove-timestamp reset-timestamp non-interactive preserve-groups prompt= chroot= role= stdin \
                    shell type= command-timeout= other-user= user= version validate";
const XARGS: &str = "null arg-file= delimiter= eof=? replace=? max-lines=? max-args= max-procs= interactive \
                     process-slot-var= no-run-if-empty max-chars= show-limits verbose exit open-tty help version";
const PARALLEL: &str = "jobs= keep-order null arg-file= colsep= delimiter= dry-run halt= line-buffer max-args= \
                        max-procs= no-run-if-empty verbose tag ungroup will-cite bar eta progress";
const UNSHARE: &str = "mount=? uts=? ipc=? net=? pid=? user=? cgroup=? time=? fork map-user= map-group= map-root-user \
                       map-current-user mount-proc=? propagation= setgroups= kill-child=? root= wd= setuid= setgid= \
                       keep-caps";
const NSENTER: &str = "all target= mount=? uts=? ipc=? net=? pid=? cgroup=? user=? time=? setuid=? setgid=? \
                       preserve-credentials root=? wd=? no-fork follow-context";
const PERF: &str = "event= all-cpus pid= output= append repeat= detailed null quiet verbose call-graph= freq= big-num";

const SETPRIV: &str = "dump clear-groups groups= init-groups inh-caps= keep-groups list-caps no-new-privs ambient-caps= \
                       rgid= ruid= egid= euid= regid= reuid= reset-env securebits= selinux-label= apparmor-profile= \
                       bounding-set= pdeathsig= landlock-access= landlock-rule= seccomp-filter= ptracer= help version";
const SYSTEMD_RUN: &str = "user system scope quiet wait pty pipe collect no-block unit= property= description= slice= \
                           slice-inherit remain-after-exit send-sighup service-type= uid= gid= nice= working-directory= \
                           chdir= same-dir shell setenv= expand-environment= on-active= on-boot= on-startup= \
                           on-unit-active= on-unit-inactive= on-calendar= on-clock-change on-timezone-change \
                           timer-property= path-property= socket-property= host= machine= background= no-ask-password \
                           ignore-failure user= group= shell-prompt-prefix= job-mode= no-pager help version";
const PRLIMIT: &str = "core=? data=? nice=? fsize=? sigpending=? memlock=? rss=? nofile=? msgqueue=? rtprio=? stack=? cpu=? \
                       nproc=? as=? locks=? rttime=? pid= output= noheadings raw verbose help version";
const SETARCH: &str = "32bit 3gb 4gb addr-compat-layout addr-no-randomize fdpic-funcptrs mmap-page-zero \
                       read-implies-exec short-inode sticky-timeouts uname-2.6 verbose whole-seconds list help version";
const NUMACTL: &str = "all interleave= weighted-interleave= preferred= preferred-many= cpunodebind= physcpubind= membind= \
                       localalloc balancing hardware show touch shm= shmid= shmmode= offset= length= file= huge strict";

/// Every wrapper but shells, `find`, `env -S`, `busybox` and those that read text from an option.
pub(super) const WRAPPERS: &[Wrapper] = &[
    wrapper("env", "i0u:C:S:va:", ENV).tail(Tail::Assigned).risky("-C --chdir --argv0 -a"),
    wrapper("timeout", "k:s:vfp", "foreground kill-after= signal= preserve-status verbose help version").operands(1),
    wrapper("nice", "n:0123456789", "adjustment= help version"),
    wrapper("ionice", "c:n:tp:P:u:h", "class= classdata= ignore pid= pgid= uid= help version")
        .risky("-p -P -u --pid --pgid --uid"),
    wrapper("nohup", "", "help version").does(WritesFile),
    wrapper("setsid", "cfwhV", "ctty fork wait help version"),
    wrapper("stdbuf", "i:o:e:", "input= output= error= help version"),
    wrapper("time", "apvqo:f:hV", "append portability verbose quiet output= format= help version")
        .risky("-o --output -a --append"),
    wrapper("command", "pvV", ""),
    wrapper("builtin", "", ""),
    wrapper("exec", "cla:", "").does(ChangesShell),
    wrapper("eval", "", "").tail(Tail::Text).does(ChangesShell),
    wrapper("xargs", "0a:d:E:e::I:i::L:l::n:P:pros:tx", XARGS).tail(Tail::Fed),
    wrapper("parallel", "0a:C:d:j:kn:P:N:rtuv", PARALLEL).tail(Tail::Fed).does(RunsProgram),
    wrapper(
        "watch",
        "bcCdefgn:pq:rtwx",
        "beep color no-color differences=? errexit exec chgexit interval= precise equexit= no-rerun no-title no-wrap",
    )
    .tail(Tail::Text),
    wrapper("sudo doas", "ABbC:D:Eeg:Hh:iKklnPp:R:r:Sst:T:U:u:Vv", SUDO).tail(Tail::Assigned).does(ChangesPowers),
    wrapper("pkexec", "u:", "user= disable-internal-agent keep-cwd").does(ChangesPowers),
    wrapper("chroot", "", "groups= userspec= skip-chdir help version").operands(1).does(ChangesPowers),
    wrapper("unshare", "muinpUCTfrcR:w:S:G:", UNSHARE).does(ChangesPowers),
    wrapper("nsenter", "at:m::u::i::n::p::C::U::T::S:G:r::w::FZe", NSENTER).does(ChangesPowers),
    wrapper("setpriv", "dhV", SETPRIV).does(ChangesPowers),
    wrapper("runcon", "ct:u:r:l:", "compute type= user= role= range= help version").operands(1).does(ChangesPowers),
    wrapper("firejail", "", "quiet noprofile private net=? profile= seccomp=? caps.drop= noroot").does(ChangesPowers),
    wrapper(
        "fakeroot fakechroot",
        "l:s:i:b:f:c:e:d:uvh",
        "lib= faked= unknown-is-real fd-base= use-system-libs help version",
    )
    .does(ChangesPowers),
    wrapper(
        "proot",
        "r:b:m:q:w:k:0i:R:S:v:Vh",
        "rootfs= bind= mount= qemu= pwd= cwd= kernel-release= root-id change-id= netcoop",
    )
    .does(ChangesPowers),
    wrapper("systemd-run run0 uid0", "tPGqdSu:p:E:H:M:rg:D:", SYSTEMD_RUN).does(ChangesPowers),
    wrapper(
        "flock",
        "sxeunw:E:oFv",
        "shared exclusive unlock nonblock nb timeout= wait= conflict-exit-code= close no-fork verbose",
    )
    .operands(1)
    .does(WritesFile),
    wrapper("ssh", "46AaCfGgKkMNnqsTtVvXxYyb:c:D:E:e:F:I:i:J:L:l:m:O:o:p:Q:R:S:W:w:B:P:", "")
        .operands(1)
        .tail(Tail::Text)
        .does(Network),
    wrapper(
        "strace",
        "cfkqrtTvxyzCdDFinZ0a:b:e:E:I:o:O:p:P:s:S:u:U:X:A",
        "trace= follow-forks output= string-limit= summary-only",
    )
    .does(RunsProgram)
    .risky("-o --output"),
    wrapper("ltrace", "bcCfhiLnrStTVa:A:D:e:F:l:n:o:p:s:u:w:x:X:", "").does(RunsProgram).risky("-o"),
    wrapper("gdb lldb cgdb", "q", "args batch quiet nx nh").does(RunsProgram),
    wrapper("valgrind", "qv", "tool= leak-check= quiet error-exitcode= log-file=").does(RunsProgram),
    wrapper("perf", "e:ap:o:r:dgqvF:B", PERF).does(WritesFile),
    wrapper("hyperfine", "w:m:M:r:s:p:c:n:Nu:i", "warmup= runs= min-runs= max-runs= ignore-failure").does(RunsProgram),
    wrapper("chrt", "abdfiorRT:P:D:pmvhV", "all-tasks batch deadline fifo idle other rr pid max")
        .operands(1)
        .does(Unknown),
    wrapper("taskset", "apchV", "all-tasks pid cpu-list").operands(1).risky("-p --pid"),
    wrapper("prlimit", "c::d::e::f::i::l::m::n::q::r::s::t::u::v::x::y::p:o:hV", PRLIMIT).does(Unknown),
    wrapper("setarch linux32 linux64 i386 i486 i586 i686 athlon x86_64 uname26", "vR3BFILSTXZhV", SETARCH)
        .does(Unknown),
    wrapper("numactl", "ai:p:w:P:N:C:m:lbHst", NUMACTL).does(Unknown),
    wrapper(
        "dbus-run-session dbus-launch catchsegv unbuffer with-contenv",
        "p",
        "config-file= exit-with-session help version",
    )
    .does(RunsProgram),
    wrapper(
        "xvfb-run",
        "ae:f:hn:lp:s:w:",
        "auto-servernum error-file= auth-file= server-num= listen-tcp server-args= wait=",
    )
    .does(RunsProgram),
    wrapper("torsocks torify proxychains proxychains4 tsocks mosh", "q", "").does(Network),
];
