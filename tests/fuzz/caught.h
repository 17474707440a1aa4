/*
 * Code that ends the process when the user is wrong, called by a fuzzer that has more to try: errx,
 * err and exit come back to the fuzzer while it listens, and are libc's otherwise.
 */
#ifndef CAUGHT_H
#define CAUGHT_H

#include <stddef.h>
#include <stdint.h>

enum { RETURNED = -1 };

/* Calls body(argument).  RETURNED, or the exit status that it wanted to end with.  What it prints
 * goes to caught_message, standard output to nowhere; what it had allocated then is lost. */
int caught_status(void (*body)(void *), void *argument);

extern char caught_message[8192];

/* Aborts unless the status is RETURNED, 0 (--help), or 2 (wrong usage) with a message. */
void caught_check(int status);

/* A command line made of the input: after its first byte, one argument for each line of it, cut at
 * its first NUL.  A byte from 128 on stands for one of the words (count of them): a byte's mutation
 * makes another option, or another value.  When the first byte is odd, words[0] comes before all:
 * the argument without which all is refused.  Of the input's own, no argument has a slash: what is
 * taken for a file is one of the working directory. */
enum { ARGUMENTS_MAX = 64 };
struct arguments {
    int argc;
    char *argv[ARGUMENTS_MAX + 2];
};
void arguments_make(struct arguments *a, const uint8_t *data, size_t bytes,
                    const char *const *words, size_t count);
void arguments_free(struct arguments *a);

#endif
