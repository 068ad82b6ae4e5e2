# Takes covers off, and puts things over others.
# outside: no
from attack import *

DETACH = 2
for path in (b"/proc/sys", b"/proc", b"/dev", b"/usr", b"/", b".", b"/tmp", b"/dev/null"):
    attempt(f"unmount {path}", lambda: call(166, path, DETACH) == 0)
    attempt(f"open the tree {path}", lambda: call(428, -100, path, 1) >= 0)
    attempt(f"open the tree and set {path}", lambda: call(467, -100, path, 1, 0, 0) >= 0)
    attempt(f"remount {path}", lambda: call(165, b"none", path, b"none", 0x1020, 0) == 0)
    attempt(f"share {path}", lambda: call(165, b"none", path, b"none", 1 << 20, 0) == 0)
    attempt(f"set {path}", lambda: call(442, -100, path, 0, bytes(32), 32) == 0)
for kind in (b"tmpfs", b"proc", b"overlay", b"fuse", b"cgroup2", b"mqueue", b"bpf", b"devpts"):
    attempt(f"mount {kind}", lambda: call(165, b"none", b"/tmp", kind, 0, 0) == 0)
    attempt(f"open {kind}", lambda: call(430, kind, 0) >= 0)
attempt("change the root", lambda: call(161, b"/tmp") == 0)
attempt("pivot", lambda: call(155, b".", b".") == 0)
for flag in (0x10000000, 0x20000, 0x40000000, 0x8000000, 0x4000000, 0x2000000, 0x20000000, 0x80):
    attempt(f"unshare {flag:x}", lambda: call(272, flag) == 0)
for name in ("/proc/self/setgroups", "/proc/self/uid_map", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches",
             "/proc/sys/user/max_user_namespaces", "/proc/sysrq-trigger", "/proc/sys/kernel/ns_last_pid"):
    attempt(f"write {name}", lambda: os.open(name, os.O_WRONLY))
attempt("list mounts", lambda: call(458, bytes(24), ctypes.create_string_buffer(64), 4, 0) > 0)
verdict()
