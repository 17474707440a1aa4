/*
 * What a soak must notice (tests/test_soak.py): a server that gives back all but a little.  As
 * fault.c it stands between the product's own binary and libc:
 *
 *     LD_PRELOAD=leak.so LEAK=memory build/bin/echo-poll --port 0
 *
 *   memory        each connection leaves 1 KiB behind
 *   descriptor    one close in 50 closes nothing
 *   spin          poll: from the 1,000th close on it waits no more, a leak of processor time
 */
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PIECE_BYTES = 1024, CLOSES_PER_LEAK = 50, CLOSES_BEFORE_SPIN = 1000 };

struct piece {
    struct piece *next;
    char data[PIECE_BYTES - sizeof(struct piece *)];
};

static struct piece *pieces; /* a list that nobody takes anything from */
static unsigned closes;

static bool leaks(const char *what)
{
    const char *asked = getenv("LEAK");
    return asked && strcmp(asked, what) == 0;
}

static void leave_piece(void)
{
    struct piece *piece = malloc(sizeof *piece);
    if (!piece)
        abort();
    memset(piece->data, 1, sizeof piece->data);
    piece->next = pieces;
    pieces = piece;
}

int close(int fd)
{
    closes++;
    if (leaks("memory"))
        leave_piece();
    if (leaks("descriptor") && closes % CLOSES_PER_LEAK == 0)
        return 0;
    return (int)syscall(SYS_close, fd);
}

/* The names of the parameters are those of libc's header. */
int poll(struct pollfd *fds, nfds_t nfds, int timeout)
{
    const struct timespec none = {0};
    bool waits = timeout < 0 && !(leaks("spin") && closes >= CLOSES_BEFORE_SPIN);
    return ppoll(fds, nfds, waits ? NULL : &none, NULL);
}
