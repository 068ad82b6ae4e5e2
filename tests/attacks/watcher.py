# Slows process 1 down or takes its descriptors away, so that it cannot watch the limits any more.
# outside: no
from attack import *
import resource, struct

SCHED_IDLE = 5
zero = struct.pack("QQ", 3, 3)
parameter = struct.pack("i", 0)
attributes = struct.pack("IIQiIQQQ", 48, SCHED_IDLE, 0, 0, 0, 0, 0, 0)
for name, limit in (("files", resource.RLIMIT_NOFILE), ("time", resource.RLIMIT_CPU), ("memory", resource.RLIMIT_AS)):
    attempt(f"limit its {name}", lambda: call(302, 1, limit, zero, 0) == 0)
attempt("make it idle", lambda: call(144, 1, SCHED_IDLE, parameter) == 0)
attempt("make it idle by attributes", lambda: call(314, 1, attributes, 0) == 0)
attempt("set its parameters", lambda: call(142, 1, parameter) == 0)
attempt("bind it to a processor", lambda: call(203, 1, 8, struct.pack("Q", 1)) == 0)
attempt("make it nice", lambda: call(141, 0, 1, 19) == 0)
attempt("make its group nice", lambda: call(141, 1, os.getpgid(1) if os.getpgid(1) > 0 else 0, 19) == 0)
attempt("make its user nice", lambda: call(141, 2, os.getuid(), 19) == 0)
attempt("make its reading idle", lambda: call(251, 1, 1, 3 << 13) == 0)
attempt("make its user's reading idle", lambda: call(251, 3, os.getuid(), 3 << 13) == 0)
attempt("move its memory", lambda: call(279, 1, 0, 0, 0, 0, 0) == 0)
attempt("page its memory out", lambda: call(440, call(434, 1, 0), 0, 0, 21, 0) >= 0)
verdict()
