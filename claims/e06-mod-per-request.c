/*
 * E6 mod-per-request
 *
 * Claim: Changing the mask with EPOLL_CTL_MOD for every request lowers the efficiency
 * significantly.
 *
 * Believed because: many frameworks do it (wait for IN, read, MOD to OUT, wait for OUT, write, MOD
 * to IN), and each of these is a system call.
 *
 * Experiment: Client and server in one thread, over TCP, 64 bytes echoed.  A server with two MODs
 * for each request against one that adds IN|OUT|ET once, reads until EAGAIN, and writes at once.
 * More system calls (the server's, counted exactly) support the claim; so does a significant loss.
 * Significant is a throughput lower by 15 % or more, a ratio of times above 1/0.85: once for the
 * bare echo, of which the client's two calls are a part, once with 50 us of work in each request.
 * A server with ONESHOT is counted, too; it weighs nothing, as it leaves the mask alone and needs
 * its MOD for something else: to be told again.
 *
 * Read on: fs/eventpoll.c, ep_modify(); claim D9 for what MOD does besides.
 */
#include <sys/epoll.h>

#include "blocks.h"
#include "calls.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { MESSAGE = 64, READ = 4096 };
static const double THRESHOLD = 1 / 0.85, WORK_MS = 0.05;

const enum verdict if_contradicted = REFUTED, if_mixed = DEPENDS;

static struct pair turned, added, shot;
static int turning, adding, shooting; /* their instances */
static double work_ms;

static void prepare(void)
{
    turned = open_pair(KIND_TCP);
    added = open_pair(KIND_TCP);
    shot = open_pair(KIND_TCP);
    turning = epoll_instance();
    adding = epoll_instance();
    shooting = epoll_instance();
    epoll_add(turning, turned.watched, EPOLLIN | EPOLLET);
    epoll_add(adding, added.watched, EPOLLIN | EPOLLOUT | EPOLLET);
    epoll_add(shooting, shot.watched, EPOLLIN | EPOLLONESHOT);
    next_events(adding, EVENT_MS); /* writable from the start: told once */
}

static void work(void)
{
    if (work_ms > 0)
        for (double end = now_ms() + work_ms; now_ms() < end;)
            ;
}

static void modified_twice(void)
{
    send_bytes(turned.other, MESSAGE);
    server_wait(turning);
    server_read(turned.watched, READ);
    work();
    server_modify(turning, turned.watched, EPOLLOUT | EPOLLET);
    server_wait(turning);
    server_write(turned.watched, MESSAGE);
    server_modify(turning, turned.watched, EPOLLIN | EPOLLET);
    take_bytes(turned.other, MESSAGE);
}

static void added_once(void)
{
    send_bytes(added.other, MESSAGE);
    server_wait(adding);
    while (server_read(added.watched, READ) > 0)
        ;
    work();
    server_write(added.watched, MESSAGE);
    take_bytes(added.other, MESSAGE);
}

static void one_shot(void)
{
    send_bytes(shot.other, MESSAGE);
    server_wait(shooting);
    server_read(shot.watched, READ);
    work();
    server_write(shot.watched, MESSAGE);
    server_modify(shooting, shot.watched, EPOLLIN | EPOLLONESHOT);
    take_bytes(shot.other, MESSAGE);
}

static struct ratio try_work(const char *name, double ms)
{
    work_ms = ms;
    struct ratio ratio =
        compare(prepare, (struct side){modified_twice, 1}, (struct side){added_once, 1});
    observe_ratio(name, ratio, above(ratio, THRESHOLD),
                  text("above %.3g: 15 %% less throughput, which is significant", THRESHOLD));
    picture_bar(CAME, ratio.middle, "%s", name);
    return ratio;
}

void try_claim(void)
{
    prepare();
    double twice = calls_per_request(modified_twice), once = calls_per_request(added_once);
    double re_armed = calls_per_request(one_shot);
    observe_amount("calls: added once", once, "", CONTEXT, "wait, read, read to EAGAIN, write");
    observe_amount("calls: two MODs", twice, "", supports_if(twice > once),
                   "more than without them: two MODs, and a wait more");
    observe_amount("calls: ONESHOT", re_armed, "", CONTEXT,
                   "its one MOD re-arms it, and stands where the read to EAGAIN was");
    picture_bars("How many times as long an echo takes with two MODs", "times");
    struct ratio bare = try_work("two MODs / added once, 64 B echo", 0);
    struct ratio heavy = try_work("two MODs / added once, 50 us of work", WORK_MS);
    conclude(
        "%.3g calls with two MODs, %.3g without; the time is %s times as long for a bare echo, %s "
        "with 50 us of work",
        twice, once, ratio_text(bare), ratio_text(heavy));
}
