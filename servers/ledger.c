/*
 * A ledger is one shared page of a file.  The server stores into it with
 * ordinary instructions: with --ledger or without, the code is the same, so
 * that watching costs nothing.
 */
#include "ledger.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ledger private_ledger = {.magic = LEDGER_MAGIC};

struct ledger *ledger = &private_ledger;

/* An earlier server's ledger makes way: should that server still run, it keeps its page, without a
 * name.  Anything else is not ours to overwrite. */
static void replace_old(const char *file)
{
    struct stat st;
    if (stat(file, &st) < 0 || (S_ISREG(st.st_mode) && st.st_size == 0))
        return;
    if (!ledger_watch(file))
        errx(1, "ledger %s: that file is something else: choose another name", file);
    unlink(file);
}

void ledger_open(const char *file)
{
    replace_old(file);
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        err(1, "ledger %s: choose a file that can be written", file);
    errno = posix_fallocate(fd, 0, sizeof(struct ledger)); /* in a hole: SIGBUS on a full disk */
    if (errno)
        err(1, "ledger %s: cannot make room: choose another disk", file);
    void *page = mmap(NULL, sizeof(struct ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        err(1, "ledger %s: mmap", file);
    close(fd);
    ledger = page;
    ledger->magic = LEDGER_MAGIC;
}

const struct ledger *ledger_watch(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */
    if (fd < 0)
        return NULL;
    struct stat st;
    struct ledger *page = MAP_FAILED;
    if (fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof *page)
        page = mmap(NULL, sizeof *page, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED && page->magic == LEDGER_MAGIC)
        return page;
    if (page != MAP_FAILED)
        munmap(page, sizeof *page);
    errno = EINVAL;
    return NULL;
}

void ledger_print(const struct ledger *l, FILE *out)
{
#define X(name) \
    fprintf(out, "%s\"" #name "\": %" PRIu64, &l->name == &l->waits ? "{" : ", ", l->name);
    LEDGER_COUNTERS(X)
#undef X
    fputs("}\n", out);
}
