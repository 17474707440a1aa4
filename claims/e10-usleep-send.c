/*
 * E10 usleep-send
 *
 * Claim: When a send gets EAGAIN, sleep for a millisecond and try again: there is no better way.
 *
 * Believed because: it is short, and with one client it works.
 *
 * Experiment: Two clients of an echo server in a process of its own.  The slow one does not read:
 * its answer does not fit any more.  Once the server has met EAGAIN, the fast one asks for 0.2 s,
 * as often as it is answered.  A server that sleeps and retries must serve it as well as one that
 * waits for EPOLLOUT with epoll, or there is a better way; and the slow one's answer must come
 * there, too, once it reads.
 *
 * Read on: send(2), EAGAIN; epoll_ctl(2), EPOLLOUT; net/core/stream.c, sk_stream_write_space().
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { MESSAGE = 64, FAST_MS = 200 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct pair slow, fast;
static volatile long *refused; /* how often the server got EAGAIN, in shared memory */

static bool answered(int fd)
{
    static const char message[MESSAGE];
    if (write(fd, message, MESSAGE) > 0)
        return true;
    if (errno != EAGAIN)
        err(1, "answering");
    ++*refused;
    return false;
}

static void by_sleeping(int epoll, int fd)
{
    (void)epoll;
    while (!answered(fd))
        usleep(1000);
}

static void by_waiting(int epoll, int fd)
{
    epoll_modify(epoll, fd, answered(fd) ? EPOLLIN : EPOLLOUT);
}

/* For ever. */
static void serve(void (*answer)(int epoll, int fd))
{
    struct epoll_event event;
    int epoll = epoll_instance();
    epoll_add(epoll, slow.watched, EPOLLIN);
    epoll_add(epoll, fast.watched, EPOLLIN);
    for (;;)
        if (epoll_wait(epoll, &event, 1, -1) == 1) {
            if (event.events & EPOLLIN)
                read_bytes(event.data.fd, MESSAGE);
            answer(epoll, event.data.fd);
        }
}

static pid_t start(void (*answer)(int epoll, int fd))
{
    pid_t parent = getpid(), server = fork();
    if (server < 0)
        err(1, "fork");
    if (server == 0) {
        end_with_parent(parent);
        serve(answer);
    }
    return server;
}

static size_t fill_slow(void)
{
    int writable = epoll_instance();
    epoll_add(writable, slow.watched, EPOLLOUT | EPOLLET);
    return fill_up(writable, slow.watched);
}

static long ask_fast(void)
{
    struct pollfd asked = {.fd = fast.other, .events = POLLIN};
    long echoes = 0;
    for (double left, end = now_ms() + FAST_MS; (left = end - now_ms()) > 0;) {
        send_bytes(fast.other, MESSAGE);
        if (poll(&asked, 1, (int)left + 1) != 1)
            break;
        echoes += read_bytes(fast.other, MESSAGE) == MESSAGE;
    }
    return echoes;
}

static bool comes(size_t bytes)
{
    struct pollfd asked = {.fd = slow.other, .events = POLLIN};
    size_t all = 0;
    while (all < bytes && poll(&asked, 1, EVENT_MS) == 1)
        all += drain(slow.other);
    return all == bytes;
}

struct outcome {
    long echoes, refused;
    bool delivered;
};

static struct outcome try_server(void (*answer)(int epoll, int fd))
{
    struct outcome outcome;
    int status = 0;
    slow = open_pair(KIND_TCP);
    fast = open_pair(KIND_TCP);
    size_t unread = fill_slow();
    *refused = 0;
    pid_t server = start(answer);
    send_bytes(slow.other, MESSAGE);
    for (double late = now_ms() + EVENT_MS; !*refused && now_ms() < late;)
        usleep(100); /* nothing tells of another process's EAGAIN */
    outcome.echoes = ask_fast();
    outcome.refused = *refused;
    outcome.delivered = comes(unread + MESSAGE);
    if (kill(server, SIGKILL) < 0 || waitpid(server, &status, 0) < 0)
        err(1, "ending the server");
    if (!WIFSIGNALED(status))
        errx(1, "the server has ended by itself");
    return outcome;
}

void try_claim(void)
{
    refused =
        mmap(NULL, sizeof *refused, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (refused == MAP_FAILED)
        err(1, "mmap");
    struct outcome asleep = try_server(by_sleeping), waiting = try_server(by_waiting);
    bool met = asleep.refused > 0 && waiting.refused > 0;
    observe_count("EAGAIN, server that sleeps", asleep.refused, CONTEXT,
                  "it tries about once each millisecond");
    observe_count("EAGAIN, server that waits", waiting.refused, CONTEXT, "it need not try in vain");
    observe_count("echoes, server that sleeps", asleep.echoes,
                  weigh(met && asleep.echoes > 0, met && asleep.echoes == 0),
                  "what the fast client gets in 0.2 s while the slow one does not read");
    observe_count(
        "echoes, server that waits", waiting.echoes,
        weigh(met && waiting.echoes <= asleep.echoes, met && waiting.echoes > asleep.echoes),
        "more than with sleeping: a better way");
    observe_yes_no("the slow one's answer comes, server that waits", waiting.delivered,
                   contradicts_if(waiting.delivered), "once it has read what was in its way");
    picture_bars("Echoes for the fast client in 0.2 s, while a slow one does not read", "echoes");
    picture_bar(WRONG, (double)asleep.echoes, "usleep(1000) and retry");
    picture_bar(CAME, (double)waiting.echoes, "wait for EPOLLOUT");
    conclude("while one client does not read, another gets %ld echoes in 0.2 s from a server that "
             "sleeps and retries, %ld from one that waits for EPOLLOUT",
             asleep.echoes, waiting.echoes);
}
