# Reads, writes, traces and robs process 1 and whatever else of the sandbox's own runs beside the command.
# outside: no
from attack import *
import signal

PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206
for pid in others():
    for part in ("mem", "maps", "environ", "exe", "auxv", "stack", "syscall", "fd/0", "fd/3"):
        attempt(f"read {part} of {pid}", lambda: os.read(os.open(f"/proc/{pid}/{part}", os.O_RDONLY), 1))
    for part in ("mem", "exe", "oom_score_adj", "timerslack_ns", "comm", "autogroup", "uid_map", "attr/current"):
        attempt(f"write {part} of {pid}", lambda: os.open(f"/proc/{pid}/{part}", os.O_WRONLY))
    for part in ("root", "cwd", "fd", "map_files", "task", "ns"):
        attempt(f"list {part} of {pid}", lambda: part != "task" and os.listdir(f"/proc/{pid}/{part}"))
    attempt(f"trace {pid}", lambda: call(101, PTRACE_ATTACH, pid, 0, 0) == 0)
    attempt(f"seize {pid}", lambda: call(101, PTRACE_SEIZE, pid, 0, 0) == 0)
    buffer = ctypes.create_string_buffer(16)
    vector = (ctypes.c_ulong * 2)(ctypes.addressof(buffer), 16)
    remote = (ctypes.c_ulong * 2)(0x400000, 16)
    attempt(f"vm_readv {pid}", lambda: call(310, pid, vector, 1, remote, 1, 0) > 0)
    attempt(f"vm_writev {pid}", lambda: call(311, pid, vector, 1, remote, 1, 0) > 0)
    for number in range(8):
        attempt(f"take descriptor {number} of {pid}", lambda: call(438, call(434, pid, 0), number, 0) >= 0)
    attempt(f"join its namespaces {pid}", lambda: call(308, call(434, pid, 0), 0x20000) == 0)
    attempt(f"its robust list {pid}", lambda: call(274, pid, buffer, vector) == 0)

for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGXCPU, signal.SIGSEGV, signal.SIGCHLD, 40):
    try:
        os.kill(1, number)
    except OSError:
        pass
beside = [pid for pid in others() if pid != 1]
for pid in beside:
    attempt(f"stop {pid}", lambda: os.kill(pid, signal.SIGSTOP) is None)
    attempt(f"end {pid}", lambda: os.kill(pid, signal.SIGKILL) is None)
attempt("end process 1", lambda: not os.path.exists("/proc/1"))
attempt("stop process 1", lambda: "State:\tT" in open("/proc/1/status").read())
verdict()
