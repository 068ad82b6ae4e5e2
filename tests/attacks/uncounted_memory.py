# Keeps bytes where no process is charged for them and no quota bounds them.
# outside: yes
from attack import *

attempt("a secret file in memory", lambda: call(447, 0) >= 0)


def semaphores(count):
    number = call(64, 0, count, 0o1600)
    if number < 0:
        raise OSError(-number, "semget")
    call(66, number, 0, 0, 0)
    return True


attempt("a large set of semaphores", lambda: semaphores(30_000))
verdict()
