# Makes by hand the marks by which an overlay says that a file is gone.
# outside: no
from attack import *
import stat

AT, WHITEOUT, EXCHANGE = -100, 4, 2
for place in (".", "/tmp", os.environ.get("HOME", "/tmp")):
    path = os.path.join(place, "mark").encode()
    attempt(f"mknod in {place}", lambda: call(133, path, stat.S_IFCHR | 0o600, 0) == 0)
    attempt(f"mknodat in {place}", lambda: call(259, AT, path, stat.S_IFCHR, 0) == 0)
    open(path, "w").close()
    call(316, AT, path, AT, path + b"2", WHITEOUT)
    attempt(f"rename in {place}", lambda: os.path.exists(path) and stat.S_ISCHR(os.lstat(path).st_mode))
    for left in (path, path + b"2"):
        if os.path.lexists(left):
            os.unlink(left)
verdict()
