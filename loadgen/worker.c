/*
 * The loop: start what is due, wait, take what has come back.  All connections are watched, the
 * idle ones too: they cost an epoll_wait nothing, and one that the server closes must not pass
 * unseen.  Level-triggered, one recv per event and no search for EAGAIN: about one send, one
 * receive and a share of a wait for each request.
 */
#include "worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"

#ifndef SYS_epoll_pwait2 /* glibc has a wrapper since 2.35; the number is the same everywhere */
#define SYS_epoll_pwait2 441
#endif

enum {
    EVENTS_PER_WAIT = 32, /* small: what falls due meanwhile has to wait for them */
    ERRORS_MAX = 1000,    /* of one worker; then it gives up */
};

bool worker_init(struct worker *w, const struct options *o, const struct target *t, uint32_t count,
                 bool spin)
{
    w->options = o;
    w->target = t;
    w->spin = spin;
    w->client_count = count;
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->clients = calloc(count, sizeof *w->clients);
    w->active = calloc(o->active, sizeof *w->active);
    w->places = calloc(o->active, sizeof *w->places);
    return w->epoll_fd >= 0 && w->clients && w->active && w->places &&
           due_queue_init(&w->queue, (size_t)o->active * o->depth);
}

static bool watch(struct worker *w, uint32_t i, int operation, bool writing)
{
    struct client *c = &w->clients[i];
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.u32 = i};
    c->writing = writing;
    if (epoll_ctl(w->epoll_fd, operation, c->fd, &event) == 0)
        return true;
    char why[FAILURE_BYTES];
    snprintf(why, sizeof why, "epoll_ctl: %s; see fs.epoll.max_user_watches", strerror(errno));
    failure_keep(w->failure, why);
    return false;
}

bool worker_open(struct worker *w, uint32_t i)
{
    char why[FAILURE_BYTES];
    if (!client_open(&w->clients[i], w->options, w->target, why))
        failure_keep(w->failure, why);
    else if (watch(w, i, EPOLL_CTL_ADD, false))
        return true;
    client_close(&w->clients[i]);
    return false;
}

bool worker_try_echo(struct worker *w, uint32_t i)
{
    struct client *c = &w->clients[i];
    uint64_t give_up_ns = clock_ns() + w->options->timeout_ns;
    c->started++;
    while (c->received < c->started) {
        if (client_send(c, w->options, w->failure) == PROGRESS_FAILED ||
            client_receive(c, w->options, w->failure) < 0)
            return false;
        if (clock_ns() < give_up_ns)
            continue;
        snprintf(w->failure, FAILURE_BYTES, "connection %" PRIu32 ": no echo within %.1f s", c->id,
                 (double)w->options->timeout_ns / NS_PER_S);
        return false;
    }
    return true;
}

static bool is_closed_loop(const struct worker *w)
{
    return w->plan.schedule.arrival == ARRIVAL_CLOSED;
}

/* May a request that was due at due_ns still be started? */
static bool may_start(const struct worker *w, uint64_t due_ns, uint64_t now_ns)
{
    return !w->failed && due_ns < w->plan.end_ns && now_ns < w->plan.cut_off_ns;
}

/* Enters a client's next due time; not if that is after the slice. */
static void enqueue(struct worker *w, uint32_t i, uint64_t due_ns)
{
    w->clients[i].due_ns = due_ns;
    if (due_ns < w->plan.end_ns)
        due_queue_push(&w->queue, (struct due){due_ns, i});
}

static void reopen(struct worker *w, uint32_t i)
{
    client_close(&w->clients[i]);
    w->tally.opened++;
    if (!worker_open(w, i))
        w->failed = true;
}

/* The number of requests on the way changes. */
static void set_outstanding(struct worker *w, uint64_t outstanding, uint64_t now_ns)
{
    w->tally.outstanding_ns += w->outstanding * (now_ns - w->changed_ns);
    w->outstanding = outstanding;
    w->changed_ns = now_ns;
}

/* A connection is broken: its requests are lost, a new one takes its place.  What its client does
 * next is left to the queue. */
static void lose(struct worker *w, uint32_t i, const char *why, uint64_t now_ns)
{
    struct client *c = &w->clients[i];
    uint64_t lost = client_outstanding(c);
    failure_keep(w->failure, why);
    w->tally.errors += lost ? lost : 1;
    w->tally.lost += lost;
    set_outstanding(w, w->outstanding - lost, now_ns);
    if (w->tally.errors >= ERRORS_MAX)
        w->failed = true;
    reopen(w, i);
    c->free_ns = now_ns;
    if (c->late) {
        c->late = false;
        w->late--;
        enqueue(w, i, c->due_ns);
    }
    for (; lost > 0 && is_closed_loop(w); lost--)
        enqueue(w, i, schedule_next(&w->plan.schedule, c->place, 0, now_ns));
}

static void push_out(struct worker *w, uint32_t i, uint64_t now_ns)
{
    char why[FAILURE_BYTES];
    struct client *c = &w->clients[i];
    w->tally.sends++;
    enum progress progress = client_send(c, w->options, why);
    if (progress == PROGRESS_FAILED)
        lose(w, i, why, now_ns);
    else if ((progress == PROGRESS_BLOCKED) != c->writing &&
             !watch(w, i, EPOLL_CTL_MOD, progress == PROGRESS_BLOCKED))
        w->failed = true;
}

/* Open loop: the clock goes on whatever the server does. */
static void schedule_after(struct worker *w, uint32_t i, uint64_t due_ns)
{
    struct client *c = &w->clients[i];
    c->arrivals++;
    enqueue(w, i, schedule_next(&w->plan.schedule, c->place, c->arrivals, due_ns));
}

/* Starts a request on a client that is free. */
static void begin(struct worker *w, uint32_t i, uint64_t due_ns)
{
    struct client *c = &w->clients[i];
    uint64_t now_ns = clock_ns(); /* anew: others may have gone out since it fell due */
    uint64_t possible_ns = due_ns > c->free_ns ? due_ns : c->free_ns;
    if (is_closed_loop(w) && due_ns == w->plan.schedule.start_ns)
        due_ns = now_ns; /* the opening burst takes its time: nobody asked for all at once */
    c->stamps[c->started % w->options->depth] = (struct stamp){due_ns, now_ns};
    c->started++;
    w->tally.started++;
    set_outstanding(w, w->outstanding + 1, now_ns);
    if (!is_closed_loop(w)) {
        histogram_add(&w->lateness, now_ns - possible_ns);
        schedule_after(w, i, due_ns);
    }
    push_out(w, i, now_ns);
}

/* A request fell due: start it, or remember it until the client is free. */
static void fire(struct worker *w, struct due due)
{
    struct client *c = &w->clients[due.client];
    if (client_outstanding(c) < w->options->depth) {
        begin(w, due.client, due.due_ns);
        return;
    }
    c->late = true;
    w->late++;
}

/* An outstanding request is over, echoed or lost: what does its client do next? */
static void go_on(struct worker *w, uint32_t i, uint64_t now_ns)
{
    struct client *c = &w->clients[i];
    c->free_ns = now_ns;
    if (c->late) {
        if (!may_start(w, c->due_ns, now_ns))
            return; /* stays late: cut off at the end */
        c->late = false;
        w->late--;
        begin(w, i, c->due_ns);
    } else if (is_closed_loop(w)) {
        uint64_t due_ns = schedule_next(&w->plan.schedule, c->place, 0, now_ns);
        if (!may_start(w, due_ns, now_ns))
            return;
        if (due_ns > now_ns)
            enqueue(w, i, due_ns);
        else
            begin(w, i, due_ns);
    }
}

static void record(struct worker *w, const struct stamp *stamp, uint64_t now_ns)
{
    histogram_add(&w->response, now_ns - stamp->due_ns);
    histogram_add(&w->service, now_ns - stamp->sent_ns);
}

static void take(struct worker *w, uint32_t i)
{
    char why[FAILURE_BYTES];
    struct client *c = &w->clients[i];
    uint32_t piece_before = c->receive_offset;
    w->tally.receives++;
    int complete = client_receive(c, w->options, why);
    uint64_t now_ns = clock_ns();
    if (complete < 0) {
        lose(w, i, why, now_ns);
        return;
    }
    for (int k = complete; k > 0; k--)
        record(w, &c->stamps[(c->received - (uint64_t)k) % w->options->depth], now_ns);
    w->tally.requests += (uint64_t)complete;
    set_outstanding(w, w->outstanding - (uint64_t)complete, now_ns);
    if (w->options->churn && complete > 0 && --c->churn_left == 0)
        reopen(w, i); /* the next request is due now: its response time includes this */
    for (; complete > 0; complete--)
        go_on(w, i, now_ns);
    if (w->options->dribble_bytes && c->receive_offset > piece_before)
        push_out(w, i, now_ns);
}

/* Sleeps or polls until something comes or falls due. */
static int wait_for_events(struct worker *w, struct epoll_event *events, uint64_t now_ns)
{
    /* A kernel before 5.11: whole milliseconds, and polling the rest. */
    static _Thread_local bool no_pwait2;
    uint64_t wake_ns = now_ns < w->plan.end_ns       ? w->plan.end_ns
                       : now_ns < w->plan.cut_off_ns ? w->plan.cut_off_ns
                                                     : w->plan.give_up_ns;
    if (w->queue.count && w->queue.heap[0].due_ns < wake_ns)
        wake_ns = w->queue.heap[0].due_ns;
    uint64_t sleep_ns = w->spin || wake_ns <= now_ns ? 0 : wake_ns - now_ns;
    w->tally.waits++;
    if (!sleep_ns || no_pwait2)
        return epoll_wait(w->epoll_fd, events, EVENTS_PER_WAIT, (int)(sleep_ns / 1000000));
    struct timespec timeout = timespec_of_ns(sleep_ns);
    int ready =
        (int)syscall(SYS_epoll_pwait2, w->epoll_fd, events, EVENTS_PER_WAIT, &timeout, NULL, 0);
    if (ready < 0 && errno == ENOSYS)
        no_pwait2 = true;
    return ready;
}

static void handle(struct worker *w, const struct epoll_event *event)
{
    uint32_t i = event->data.u32;
    if (event->events & EPOLLOUT)
        push_out(w, i, clock_ns());
    if (event->events & ~(uint32_t)EPOLLOUT)
        take(w, i);
}

/* The first requests of the slice. */
static void arm(struct worker *w)
{
    uint64_t start_ns = w->plan.schedule.start_ns;
    w->changed_ns = start_ns;
    for (uint32_t k = 0; k < w->active_count; k++) {
        struct client *c = &w->clients[w->active[k]];
        if (!c->stamps)
            c->stamps = calloc(w->options->depth, /* NOLINT(*UnixAPI): depth is at least 1 */
                               sizeof *c->stamps);
        if (!c->stamps) {
            w->failed = true;
            snprintf(w->failure, FAILURE_BYTES, "out of memory: lower --active or --depth");
            return;
        }
        c->place = w->places[k];
        c->arrivals = 0;
        c->free_ns = start_ns;
        uint32_t first = is_closed_loop(w) ? w->options->depth : 1;
        for (uint32_t d = 0; d < first; d++)
            enqueue(w, w->active[k], schedule_first(&w->plan.schedule, c->place, d));
    }
}

/* What was due in the slice and never sent. */
static void cut_off(struct worker *w)
{
    while (w->queue.count) {
        struct due due = due_queue_pop(&w->queue);
        if (is_closed_loop(w)) /* may have several in the queue */
            w->tally.cut_off++;
        else
            w->clients[due.client].late = true;
    }
    for (uint32_t k = 0; k < w->active_count; k++) {
        struct client *c = &w->clients[w->active[k]];
        if (!c->late)
            continue;
        c->late = false;
        do {
            w->tally.cut_off++;
            c->arrivals++;
            c->due_ns = schedule_next(&w->plan.schedule, c->place, c->arrivals, c->due_ns);
        } while (c->due_ns < w->plan.end_ns);
    }
    w->late = 0;
}

/* Requests that were never answered: they count with the time that has passed, not as if they had
 * not been. */
static void time_out(struct worker *w)
{
    uint64_t now_ns = clock_ns();
    for (uint32_t i = 0; i < w->client_count; i++) {
        struct client *c = &w->clients[i];
        if (!client_outstanding(c))
            continue;
        for (uint64_t r = c->received; r < c->started; r++)
            record(w, &c->stamps[r % w->options->depth], now_ns);
        char why[FAILURE_BYTES];
        snprintf(why, sizeof why, "connection %" PRIu32 ": no echo within %.1f s", c->id,
                 (double)w->options->timeout_ns / NS_PER_S);
        lose(w, i, why, now_ns);
    }
}

void worker_drive(struct worker *w)
{
    struct epoll_event events[EVENTS_PER_WAIT];
    arm(w);
    for (uint64_t now_ns = clock_ns(); !w->failed;) {
        uint64_t sends_before = w->tally.sends, begin_ns = now_ns;
        while (!w->failed && w->queue.count && w->queue.heap[0].due_ns <= now_ns &&
               now_ns < w->plan.cut_off_ns)
            fire(w, due_queue_pop(&w->queue));
        if (now_ns >= w->plan.cut_off_ns && (w->late || w->queue.count))
            cut_off(w);
        if (now_ns >= w->plan.end_ns && !w->outstanding && !w->late && !w->queue.count)
            break;
        if (now_ns >= w->plan.give_up_ns)
            break;
        int ready = wait_for_events(w, events, now_ns);
        for (int e = 0; e < ready; e++)
            handle(w, &events[e]);
        now_ns = clock_ns();
        if (ready > 0 || w->tally.sends > sends_before)
            w->tally.work_ns += now_ns - begin_ns;
    }
    cut_off(w);
    if (w->outstanding)
        time_out(w);
}
