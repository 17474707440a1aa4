#include "record.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
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

static bool is_standard_output(const char *file)
{
    struct stat named, output;
    return stat(file, &named) == 0 && fstat(STDOUT_FILENO, &output) == 0 &&
           named.st_dev == output.st_dev && named.st_ino == output.st_ino;
}

/* Opened by its name, a regular file would have a second offset: each would overwrite the other. */
static FILE *open_standard_output(void)
{
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return fd < 0 ? NULL : fdopen(fd, "w");
}

void record_open(struct record *r, const char *file)
{
    struct stat st;
    *r = (struct record){.file = file};
    signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is seen by the failing write */
    bool exists = lstat(file, &st) == 0;
    if (exists && access(file, W_OK) < 0)
        err(1, "--json %s: choose a file that can be written", file);
    if (is_standard_output(file))
        r->out = open_standard_output();
    else if (!exists || S_ISREG(st.st_mode))
        try_temporary(r);
    if (!*r->temporary)
        record_begin(r);
}

FILE *record_begin(struct record *r)
{
    fflush(stdout); /* main() says it if that fails */
    if (!r->out)
        r->out = *r->temporary ? fopen(r->temporary, "wxe") : fopen(r->file, "we");
    if (!r->out)
        err(1, "--json %s: choose a file that can be written", r->file);
    return r->out;
}

/* Down to the disk: a machine that crashes now must not keep the new name with nothing in it.
 * Returns what went wrong, or NULL. */
static const char *flush(const struct record *r)
{
    if (fflush(r->out) != 0 || (*r->temporary && fsync(fileno(r->out)) < 0))
        return strerror(errno);
    return ferror(r->out) ? "an earlier write failed" : NULL; /* its errno is long overwritten */
}

void record_end(struct record *r)
{
    const char *wrong = flush(r);
    if (fclose(r->out) != 0 && !wrong)
        wrong = strerror(errno);
    if (wrong) {
        if (*r->temporary)
            unlink(r->temporary);
        errx(1, "--json %s: could not be written whole; make room and run again: %s", r->file,
             wrong);
    }
    if (*r->temporary && rename(r->temporary, r->file) < 0)
        err(1, "--json %s: cannot be replaced; the record is in %s", r->file, r->temporary);
}
