/* What the fuzzers assert with. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

/* An assertion that no flag of a build leaves out. */
#define check(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: violated: %s\n", __FILE__, __LINE__, #what);       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
