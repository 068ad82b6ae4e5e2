# Makes sockets of seldom used families and protocols, each a part of the kernel with faults of its own.
# outside: yes
from attack import *

INET, INET6, NETLINK = 2, 10, 16
STREAM, DATAGRAM, RAW, SEQUENCED = 1, 2, 3, 5
for family in (3, 4, 5, 9, 17, 21, 23, 26, 29, 30, 31, 33, 36, 37, 38, 39, 40, 41, 43, 44, 45):
    for kind in (STREAM, DATAGRAM, RAW, SEQUENCED):
        attempt(f"family {family} type {kind}", lambda: call(41, family, kind, 0) >= 0)
        attempt(f"pair of family {family} type {kind}", lambda: call(53, family, kind, 0, bytes(8)) >= 0)
for protocol in (2, 4, 6, 7, 9, 10, 11, 12, 14, 15, 16, 18, 19, 20, 21):
    attempt(f"netlink {protocol}", lambda: call(41, NETLINK, RAW, protocol) >= 0)
for family in (INET, INET6):
    for kind, protocol in ((STREAM, 132), (SEQUENCED, 132), (SEQUENCED, 0), (6, 0), (6, 33), (STREAM, 262),
                           (DATAGRAM, 136), (DATAGRAM, 1), (RAW, 1), (RAW, 255), (10, 3), (DATAGRAM, 115), (STREAM, 256)):
        attempt(f"family {family} type {kind} protocol {protocol}", lambda: call(41, family, kind, protocol) >= 0)
verdict()
