// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * All of it once more, to read tasks from outside (outside.h): a kernel refuses a function
 * that could sleep to programs that may not, even where a constant says that it does not.
 * The same source has the same maps and variables, which the two objects share.
 */
#define SOMNO_OUTSIDE
#include "somno.bpf.c"
