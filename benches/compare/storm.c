/*
 * storm ROUNDS FILE: two processes on one CPU pass a byte to and fro; each time is two
 * switches. Writes into FILE how many seconds that took.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int pass(int from, int to, int rounds)
{
	char byte = 0;

	for (int i = 0; i < rounds; i++)
		if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
			return 1;
	return 0;
}

static int answer(int from, int to, int rounds)
{
	char byte;

	for (int i = 0; i < rounds; i++)
		if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
			return 1;
	return 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	int rounds = argc == 3 ? atoi(argv[1]) : 0, there[2], back[2], status;
	cpu_set_t last;
	double began;
	FILE *result;

	CPU_ZERO(&last);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &last);
	sched_setaffinity(0, sizeof(last), &last);
	if (!rounds || pipe(there) || pipe(back))
		return 2;
	if (!fork())
		return answer(there[0], back[1], rounds);
	began = now();
	if (pass(back[0], there[1], rounds))
		return 1;
	result = fopen(argv[2], "w");
	if (!result || fprintf(result, "%.6f\n", now() - began) < 0 || fclose(result))
		return 1;
	return wait(&status) < 0 || status;
}
