/*
 * somno's demo workload: a few seconds of four threads that do recognisably
 * different things: recursion, sorting, arithmetic, and reading in the kernel.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 3
#define NOINLINE __attribute__((noinline))

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

NOINLINE static uint64_t fibonacci(unsigned n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

NOINLINE static void quicksort(uint32_t *a, long n)
{
	uint32_t pivot = a[n / 2];
	long i = 0, j = n - 1;

	while (i <= j) {
		while (a[i] < pivot)
			i++;
		while (a[j] > pivot)
			j--;
		if (i <= j) {
			uint32_t swap = a[i];
			a[i++] = a[j];
			a[j--] = swap;
		}
	}
	if (j > 0)
		quicksort(a, j + 1);
	if (i < n - 1)
		quicksort(a + i, n - i);
}

NOINLINE static uint64_t checksum(const uint8_t *bytes, size_t n)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * 1099511628211u;
	return hash;
}

static uint8_t block[1 << 20];

NOINLINE static uint64_t recurse(void)
{
	return fibonacci(27);
}

NOINLINE static uint64_t sort(void)
{
	static uint32_t numbers[1 << 16];
	uint32_t seed = 1;

	for (size_t i = 0; i < 1 << 16; i++)
		numbers[i] = seed = seed * 1664525 + 1013904223;
	quicksort(numbers, 1 << 16);
	return numbers[0];
}

NOINLINE static uint64_t hash(void)
{
	return checksum(block, sizeof(block));
}

NOINLINE static uint64_t read_random(void)
{
	static uint8_t buffer[1 << 16];
	int fd = open("/dev/urandom", O_RDONLY);

	for (int i = 0; fd >= 0 && i < 16; i++)
		if (read(fd, buffer, sizeof(buffer)) < 0)
			break;
	close(fd);
	return buffer[0];
}

struct job {
	const char *name;
	uint64_t (*work)(void);
};

static const struct job jobs[] = {
	{ "recursion", recurse },
	{ "sorting", sort },
	{ "hashing", hash },
	{ "reading", read_random },
};

#define JOBS (sizeof(jobs) / sizeof(jobs[0]))

NOINLINE static void *run_job(void *arg)
{
	const struct job *job = arg;
	double end = now() + SECONDS;
	uint64_t result = 0;

	prctl(PR_SET_NAME, job->name);
	while (now() < end)
		result += job->work();
	return (void *)(uintptr_t)result;
}

int main(void)
{
	pthread_t threads[JOBS];

	for (size_t i = 0; i < JOBS; i++)
		if (pthread_create(&threads[i], NULL, run_job, (void *)&jobs[i]))
			return 1;
	for (size_t i = 0; i < JOBS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
