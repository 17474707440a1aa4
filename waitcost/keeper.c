/*
 * A pipe needs two descriptors, and a process that watches 19,000 of 20,000 has no room for the
 * other ends.  They must stay open: a pipe without a writer is ready, with an end of file.
 */
#include "keeper.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int line = -1; /* to the keeper */
static pid_t keeper;

union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
};

/* Takes descriptors until the line is closed, by us or by our death. */
static _Noreturn void keep(int from)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        char byte;
        union control control;
        struct iovec text = {.iov_base = &byte, .iov_len = 1};
        struct msghdr message = {.msg_iov = &text,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        ssize_t got = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
        if (got < 0 && errno == EINTR)
            continue;
        if (got > 0 && message.msg_flags & MSG_CTRUNC)
            errx(1, "the descriptor limit is too low: run `ulimit -n` with a higher number");
        if (got <= 0)
            _exit(0);
    }
}

void keeper_start(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        err(1, "socketpair");
    keeper = fork();
    if (keeper < 0)
        err(1, "fork");
    if (keeper == 0) {
        close(ends[0]);
        close(STDOUT_FILENO); /* who reads our output waits for no keeper */
        keep(ends[1]);
    }
    close(ends[1]);
    line = ends[0];
}

void keeper_take(int fd)
{
    char byte = 0;
    union control control = {{0}};
    struct iovec text = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &text,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (sendmsg(line, &message, MSG_NOSIGNAL) < 0)
        err(1, "giving a descriptor to the process that keeps them");
    close(fd);
}

void keeper_stop(void)
{
    if (line < 0)
        return;
    shutdown(line, SHUT_WR); /* the partner's thread has it open, too */
    close(line);
    line = -1;
    while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
        ;
}
