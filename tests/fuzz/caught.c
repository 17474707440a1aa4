#include "caught.h"

#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char caught_message[8192];
static FILE *message, *nowhere;
static jmp_buf back;
static bool listening;
static int ended_with;

static void open_streams(void)
{
    message = fmemopen(caught_message, sizeof caught_message, "w");
    nowhere = fopen("/dev/null", "we");
    if (!message || !nowhere) {
        fputs("no memory for what the code prints\n", stderr);
        abort();
    }
}

int caught_status(void (*body)(void *), void *argument)
{
    if (!message)
        open_streams();
    FILE *const out = stdout, *const error = stderr;
    rewind(message);
    memset(caught_message, 0, sizeof caught_message);
    stdout = nowhere;
    stderr = message;
    ended_with = RETURNED;
    listening = true;
    if (setjmp(back) == 0)
        body(argument);
    listening = false;
    fflush(message);
    stdout = out;
    stderr = error;
    return ended_with;
}

void caught_check(int status)
{
    if (status == RETURNED || status == 0 || (status == 2 && caught_message[0]))
        return;
    fprintf(stderr, "exit status %d, and says: %s\n", status, caught_message);
    abort();
}

/* These three stand before libc's: what the program itself defines counts first. */

void exit(int status)
{
    if (listening) {
        ended_with = status;
        longjmp(back, 1);
    }
    void (*libc_exit)(int) = (void (*)(int))dlsym(RTLD_NEXT, "exit");
    libc_exit(status);
    abort();
}

static void print(const char *format, va_list arguments)
{
    /* NOLINTNEXTLINE(*-valist.Uninitialized): clang-tidy 14 says so of all files but its first */
    vfprintf(stderr, format, arguments);
}

void errx(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
    exit(status);
}

void err(int status, const char *format, ...)
{
    const char *why = strerror(errno);
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
    fprintf(stderr, ": %s\n", why);
    exit(status);
}

static char *make_argument(const uint8_t *line, size_t bytes, const char *const *words,
                           size_t count)
{
    char *argument;
    size_t argument_bytes;
    FILE *out = open_memstream(&argument, &argument_bytes);
    if (!out)
        abort();
    for (size_t i = 0; i < bytes && line[i]; i++) {
        if (line[i] >= 128)
            fputs(words[(line[i] - 128U) % count], out);
        else
            putc(line[i] == '/' ? '_' : line[i], out);
    }
    if (fclose(out) != 0)
        abort();
    return argument;
}

void arguments_make(struct arguments *a, const uint8_t *data, size_t bytes,
                    const char *const *words, size_t count)
{
    *a = (struct arguments){.argc = 1, .argv = {strdup("program")}};
    if (bytes > 0 && data[0] % 2)
        a->argv[a->argc++] = strdup(words[0]);
    const uint8_t *at = data + (bytes > 0), *const end = data + bytes;
    while (at < end && a->argc <= ARGUMENTS_MAX) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
        const uint8_t *line_end = newline ? newline : end;
        a->argv[a->argc++] = make_argument(at, (size_t)(line_end - at), words, count);
        at = line_end + 1;
    }
}

void arguments_free(struct arguments *a)
{
    for (int i = 0; i < ARGUMENTS_MAX + 2; i++)
        free(a->argv[i]); /* getopt has changed their order, and none is lost */
}
