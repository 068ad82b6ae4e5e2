# Types into a terminal, takes one over, or finds one of the host.
# outside: no
from attack import *
import fcntl, struct

leader, follower = os.openpty()
path = os.ttyname(follower)
for number in (0x5412, 0x541C, 0x5423):
    attempt(f"trick {number:x}", lambda: fcntl.ioctl(follower, number, struct.pack("q", 10)) is not None)
    attempt(f"trick {number:x} with high bits", lambda: call(16, follower, number | 1 << 40, b"x") == 0)
attempt("the controlling terminal", lambda: os.open("/dev/tty", os.O_RDWR))
attempt("a terminal of the host", lambda: [name for name in os.listdir("/dev/pts") if name not in (path[9:], "ptmx")])
for device in ("/dev/console", "/dev/tty0", "/dev/tty1", "/dev/vcs", "/dev/input", "/dev/kmsg", "/dev/mem", "/dev/fuse",
               "/dev/userfaultfd", "/dev/kvm", "/dev/loop-control", "/dev/net/tun", "/dev/uinput"):
    attempt(device, lambda: os.open(device, os.O_RDONLY))
for major, minor in ((1, 1), (5, 0), (5, 1), (10, 200), (10, 229), (8, 0)):
    attempt(f"make device {major}:{minor}", lambda: os.mknod("/tmp/device", 0o020600, os.makedev(major, minor)) or True)
verdict()
