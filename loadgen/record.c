#include "record.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tried now and opened later: a run that is killed leaves nothing beside the file. */
static void try_temporary(struct record *r)
{
    int length = snprintf(r->temporary, sizeof r->temporary, "%s.%d", r->file, (int)getpid());
    if (length >= (int)sizeof r->temporary)
        errx(1, "--json: choose a shorter name");
    fclose(record_begin(r));
    unlink(r->temporary);
    r->out = NULL;
}

void record_open(struct record *r, const char *file)
{
    struct stat st;
    *r = (struct record){.file = file};
    signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is seen by the failing write */
    bool exists = lstat(file, &st) == 0;
    if (exists && access(file, W_OK) < 0)
        err(1, "--json %s: choose a file that can be written", file);
    if (exists && !S_ISREG(st.st_mode))
        record_begin(r);
    else
        try_temporary(r);
}

FILE *record_begin(struct record *r)
{
    if (!r->out)
        r->out = *r->temporary ? fopen(r->temporary, "wxe") : fopen(r->file, "we");
    if (!r->out)
        err(1, "--json %s: choose a file that can be written", r->file);
    return r->out;
}

/* Down to the disk: a machine that crashes now must not keep the new name with nothing in it. */
static bool flush(const struct record *r)
{
    return fflush(r->out) == 0 && !ferror(r->out) && (!*r->temporary || fsync(fileno(r->out)) == 0);
}

void record_end(struct record *r)
{
    bool flushed = flush(r);
    int error = errno;
    if (fclose(r->out) != 0 || !flushed) {
        if (*r->temporary)
            unlink(r->temporary);
        errno = flushed ? errno : error;
        err(1, "--json %s: could not be written whole; make room and run again", r->file);
    }
    if (*r->temporary && rename(r->temporary, r->file) < 0)
        err(1, "--json %s: cannot be replaced; the record is in %s", r->file, r->temporary);
}
