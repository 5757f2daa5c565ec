"""Calls through C functions, so that the interpreter's own stack is deep.

Arguments: how often, and a file for the CPU time that it took, in seconds.
"""

import sys
import time


def work(n):
    total = 0
    for i in range(n):
        total += i * i % 7
    return total


def through_map(n):
    return sum(map(work, (n,)))


def through_sort(n):
    return sorted((n,), key=through_map)[0]


for _ in range(int(sys.argv[1])):
    through_sort(1000)
with open(sys.argv[2], "w", encoding="ascii") as file:
    file.write(str(time.process_time()))
