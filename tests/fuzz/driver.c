/* Runs a fuzz target once over each file of its corpus, for builds without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
run_file(const char *folder, const char *name)
{
    static uint8_t bytes[1 << 20];
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    const size_t size = fread(bytes, 1, sizeof(bytes), file);

    (void)fclose(file);
    /* Exactly as long as the input, so that a sanitizer sees a read past its end. */
    uint8_t *exact = malloc(size == 0 ? 1 : size);

    if (exact == NULL)
        abort();
    memcpy(exact, bytes, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

int
main(int argc, char **argv)
{
    size_t n = 0;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;

    if (folder == NULL) {
        (void)fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        run_file(argv[1], entry->d_name);
        n++;
    }
    (void)closedir(folder);
    return n == 0;
}
