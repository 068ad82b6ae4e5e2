# Reaches large and seldom needed parts of the kernel.
# outside: yes
from attack import *

ways = {
    "userfaultfd": (323, 1), "io_uring_setup": (425, 1, bytes(120)), "io_uring_register": (427, 0, 0, 0, 0),
    "perf_event_open": (298, bytes(128), 0, -1, -1, 0), "bpf": (321, 0, bytes(128), 128),
    "add_key": (248, b"user", b"x", b"y", 1, -3), "keyctl": (250, 0, -3, 1), "request_key": (249, b"user", b"x", 0, -3),
    "modify_ldt": (154, 0, bytes(64), 64), "fanotify": (300, 0x200, 0), "name_to_handle_at": (303, -100, b".", bytes(200), bytes(8), 0),
    "kcmp": (312, os.getpid(), os.getpid(), 0, 0, 0), "lsm_set_self_attr": (460, 100, bytes(64), 64, 0),
    "ioperm": (173, 0x80, 1, 1), "iopl": (172, 3), "adjtimex": (159, bytes(208)), "syslog": (103, 10, 0, 0),
    "swapon": (167, b"/tmp/x", 0), "acct": (163, 0), "quotactl": (179, 0x80000100, 0, 0, 0), "setns": (308, 0, 0),
    # Outside, these two must change nothing: the name is the one it has, and a size of 8 is an error after the filter.
    "sethostname": (170, os.uname().nodename.encode(), len(os.uname().nodename)), "clone3": (435, bytes(88), 8),
    "memfd_secret": (447, 0),
}
for name, arguments in ways.items():
    attempt(name, lambda: (lambda result: result >= 0 or result not in (-errno.EPERM, -errno.ENOSYS))(call(*arguments)))
verdict()
