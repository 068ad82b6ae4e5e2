# Changes what the sandbox decided about the command's own process: who is killed when memory runs out, what may be
# written, where files come from.
# outside: yes
from attack import *
import resource

attempt("be killed last", lambda: os.write(os.open("/proc/self/oom_score_adj", os.O_WRONLY), b"0") > 0)
attempt("another name for another process", lambda: os.write(os.open("/proc/self/comm", os.O_WRONLY), b"init") > 0)
attempt("map memory at zero by personality", lambda: call(135, 0x0100000) >= 0)
attempt("execute all that is read", lambda: call(135, 0x0400000) >= 0)
program = os.open("/bin/true", os.O_RDONLY)
attempt("write what was opened to be read", lambda: os.open(f"/proc/self/fd/{program}", os.O_WRONLY))
attempt("keep a core dump", lambda: resource.setrlimit(resource.RLIMIT_CORE, (4096, 4096)) is None)
attempt("lock memory", lambda: call(149, ctypes.addressof(ctypes.create_string_buffer(1 << 20)), 1 << 20) == 0)
verdict()
