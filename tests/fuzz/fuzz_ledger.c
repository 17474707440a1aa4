/*
 * A file that is to be watched as a ledger: any size, any bytes.  It is taken when it is long
 * enough and begins with the magic number, and then every counter is what the file says; nothing
 * behind its end is touched (that would be a SIGBUS).  Otherwise it does not stay mapped.
 *
 * The first byte of the input picks the length of the file from around a ledger's, and bit 7 puts
 * the magic number first, which no mutation would find.
 */
#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../servers/ledger.h"
#include "pages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int file_fd = -1;
static char file_name[64];

static void make_file(const uint8_t *data, size_t bytes, size_t file_bytes, bool magic)
{
    static const uint64_t magic_number = LEDGER_MAGIC;
    if (file_fd < 0) {
        file_fd = memfd_create("ledger", MFD_CLOEXEC);
        snprintf(file_name, sizeof file_name, "/proc/self/fd/%d", file_fd);
    }
    if (file_fd < 0 || ftruncate(file_fd, 0) < 0 || pwrite(file_fd, data, bytes, 0) < 0 ||
        (magic && pwrite(file_fd, &magic_number, sizeof magic_number, 0) < 0) ||
        ftruncate(file_fd, (off_t)file_bytes) < 0)
        err(1, "a file in memory");
}

/* Each counter as the JSON line has it, against the bytes of the file. */
static void check_counters(const struct ledger *l, const struct ledger *want)
{
    char *text = NULL;
    size_t text_bytes;
    FILE *out = open_memstream(&text, &text_bytes);
    if (!out)
        err(1, "open_memstream");
    ledger_print(l, out);
    fclose(out);
    const char *at = text;
#define X(name)                                                              \
    if (!(at = strchr(at, ':')) || strtoull(++at, NULL, 10) != want->name) { \
        fprintf(stderr, "%s is not what the file says: %s", #name, text);    \
        abort();                                                             \
    }
    LEDGER_COUNTERS(X)
#undef X
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0)
        return 0;
    struct ledger want = {0};
    bool magic = data[0] & 0x80;
    size_t file_bytes = (data[0] & 0x7f) + sizeof want - 64;
    make_file(data + 1, bytes - 1, file_bytes, magic);
    if (pread(file_fd, &want, sizeof want, 0) < 0)
        err(1, "reading the file in memory");
    bool good = file_bytes >= sizeof want && want.magic == LEDGER_MAGIC;
    const struct ledger *l = ledger_watch(file_name);
    if (!l != !good) {
        fprintf(stderr, "a file of %zu bytes was %s\n", file_bytes, l ? "taken" : "refused");
        abort();
    }
    if (l) {
        check_counters(l, &want);
        munmap((void *)l, sizeof *l);
    }
    if (pages_mapped() > 0) {
        fprintf(stderr, "a file of %zu bytes was refused, and stays mapped\n", file_bytes);
        abort();
    }
    return 0;
}
