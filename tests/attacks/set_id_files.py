# Makes set-id programs without changing the mode of a file afterwards.
# outside: yes
from attack import *
import stat

AT = -100
MADE, UNNAMED = os.O_CREAT | os.O_WRONLY, os.O_TMPFILE | os.O_WRONLY


def set_id(result, path):
    if result < 0:
        raise OSError(-result, path)
    mode = (os.fstat(result) if path is None else os.stat(path)).st_mode
    if path is not None:
        os.unlink(path)
    return mode & (stat.S_ISUID | stat.S_ISGID)


os.umask(0)
attempt("open", lambda: set_id(call(2, b"so", MADE, 0o4755), "so"))
attempt("creat", lambda: set_id(call(85, b"sc", 0o2755), "sc"))
attempt("openat", lambda: set_id(call(257, AT, b"sa", MADE, 0o6755), "sa"))
attempt("unnamed", lambda: set_id(call(257, AT, b".", UNNAMED, 0o4755), None))
attempt("mknod", lambda: set_id(call(133, b"sn", stat.S_IFREG | 0o4755, 0), "sn"))
attempt("mknodat", lambda: set_id(call(259, AT, b"sm", stat.S_IFREG | 0o4755, 0), "sm"))
open("sf", "w").close()
attempt("chmod", lambda: call(90, b"sf", 0o4755) == 0)
attempt("fchmod", lambda: call(91, os.open("sf", os.O_RDWR), 0o4755) == 0)
attempt("fchmodat", lambda: call(268, AT, b"sf", 0o4755) == 0)
attempt("fchmodat2", lambda: call(452, AT, b"sf", 0o4755, 0) == 0)
os.unlink("sf")
verdict()
