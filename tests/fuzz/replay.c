/* Runs the fuzz target once on each file that is named, without a fuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	static uint8_t data[1 << 22];
	FILE *file = fopen(path, "rb");
	size_t size;
	uint8_t *exact;

	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	/* for the sanitizer to know where it ends */
	exact = malloc(size + !size);
	if (!exact)
		return 1;
	for (size_t i = 0; i < size; i++)
		exact[i] = data[i];
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		/* the last one is the one that failed */
		puts(argv[i]);
		fflush(stdout);
		if (replay(argv[i]))
			return 1;
	}
	return 0;
}
