# Looks for descriptors that were left open, and for ways from the three that are meant to be.
# outside: no
from attack import *

attempt("a descriptor besides the three", lambda: [fd for fd in map(int, os.listdir("/proc/self/fd"))
                                                   if fd > 2 and os.path.exists(f"/proc/self/fd/{fd}")
                                                   and not os.readlink(f"/proc/self/fd/{fd}").endswith("/fd")])
for fd in range(3):
    attempt(f"a folder through {fd}", lambda: os.listdir(fd))
    attempt(f"a parent through {fd}", lambda: os.open("..", os.O_RDONLY, dir_fd=fd))
verdict()
