/*
 * Runs a fuzz target over every file of the directories and files named on the command line, and
 * over the empty input. Keeps the targets compiling and their corpus passing in every build,
 * without libFuzzer. Knows nothing about what is fuzzed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *path)
{
	perror(path);
	exit(1);
}

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file || fseek(file, 0, SEEK_END) != 0)
		fail(path);
	long size = ftell(file);
	if (size < 0 || fseek(file, 0, SEEK_SET) != 0)
		fail(path);
	/* Exactly as long as the input, so that AddressSanitizer sees the first byte behind it. */
	uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
		fail(path);
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
}

static int replay_directory(const char *path)
{
	int count = 0;
	DIR *directory = opendir(path);
	if (!directory)
		fail(path);
	for (struct dirent *entry; (entry = readdir(directory));) {
		char name[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		replay_file(name);
		count++;
	}
	closedir(directory);
	return count;
}

int main(int argc, char **argv)
{
	int count = 0;
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		struct stat status;
		if (stat(argv[i], &status) != 0)
			fail(argv[i]);
		if (S_ISDIR(status.st_mode)) {
			count += replay_directory(argv[i]);
		} else {
			replay_file(argv[i]);
			count++;
		}
	}
	printf("%d inputs replayed\n", count);
	return count > 0 ? 0 : 1;
}
