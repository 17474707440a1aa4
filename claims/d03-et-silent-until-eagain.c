/*
 * D3 et-silent-until-eagain
 *
 * Claim: After one notification edge triggering ignores the descriptor until a read has returned
 * EAGAIN: only that makes it "not ready", and lets it tell again.
 *
 * Believed because: epoll(7) says that you "must consider it ready until the next (nonblocking)
 * read/write yields EAGAIN".  That is a rule for the program; it is taken for a state in epoll.
 *
 * Experiment: Chunk, wait, wait again; a second chunk, wait, wait again; and never a read, so never
 * an EAGAIN.  If the claim holds, edge is silent about the second chunk.  A level-triggered
 * instance on the same descriptor shows that there is something to read all the time.
 *
 * History: Of pipes it was half true: Linux 5.5 to 5.13 woke their readers only if the pipe had
 * been empty (1b6b26ae7053).  3a34b13a88ca, in 5.14 and stable kernels, gave epoll its wake-ups
 * back.  So pipes weigh nothing here.
 *
 * Read on: epoll(7), "multiple events can be generated upon receipt of multiple chunks of data";
 * fs/eventpoll.c, ep_poll_callback(); fs/pipe.c, poll_usage.  To write is another matter: D16.
 */
#include <sys/epoll.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { CHUNK = 8, WAITS = 4 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* Events of each wait: two after the first chunk, two after the second. */
struct told {
    int level[WAITS], edge[WAITS];
};

static int again_on, kinds;

static struct told try_kind(enum kind kind, int waits)
{
    struct pair pair = open_pair(kind);
    struct told told = {0};
    int level = epoll_instance(), edge = epoll_instance();
    epoll_add(level, pair.watched, EPOLLIN);
    epoll_add(edge, pair.watched, EPOLLIN | EPOLLET);
    for (int i = 0; i < waits; i++) {
        if (i % 2 == 0)
            send_bytes(pair.other, CHUNK);
        if (i % 2 == 0 && kind == KIND_TCP)
            await_delivery(pair.other);
        told.level[i] = count_events(level, EVENT_MS);
        told.edge[i] = count_events(edge, SILENCE_MS);
    }
    return told;
}

static void weigh_kind(enum kind kind, const struct told *told)
{
    const int *edge = told->edge;
    bool begun = edge[0] == 1 && edge[1] == 0 && told->level[2] == 1;
    enum reading reading = weigh(begun && edge[2] == 0, begun && edge[2] == 1);
    const char *name = pair_name(kind);
    observe_text(text("%s: edge at chunk, again", name), text("%d, %d", edge[0], edge[1]), CONTEXT,
                 "1, 0: told once, then silent");
    if (kind == KIND_PIPE) {
        observe_count("pipe: edge at the second chunk", edge[2], CONTEXT,
                      "1, but 0 on Linux 5.5 to 5.13");
        return;
    }
    observe_count(text("%s: edge at the second chunk", name), edge[2], reading,
                  "1: told again, though nothing has been read");
    again_on += edge[2];
    kinds++;
}

static void draw(const struct told *told)
{
    const char *const lanes[] = {"writer", "level", "edge"};
    picture_lanes("Two chunks over TCP, and no read", 3, lanes);
    for (int i = 0; i < WAITS; i++) {
        if (i % 2 == 0) {
            picture_column("");
            picture_cell(0, DONE, "chunk %d", i / 2 + 1);
        }
        picture_column(i % 2 == 0 ? "wait" : "wait again");
        picture_cell(1, told->level[i] ? CAME : SILENT, told->level[i] ? "event" : "nothing");
        picture_cell(2, told->edge[i] ? CAME : SILENT, told->edge[i] ? "event" : "nothing");
    }
}

void try_claim(void)
{
    static const enum kind shorter[] = {KIND_SOCKETPAIR, KIND_EVENTFD, KIND_PIPE};
    struct told tcp = try_kind(KIND_TCP, WAITS), told = {0};
    weigh_kind(KIND_TCP, &tcp);
    observe_count("TCP: edge, again", tcp.edge[3], CONTEXT, "0: each chunk is told of once");
    draw(&tcp);
    for (int i = 0; i < 3; i++) {
        told = try_kind(shorter[i], WAITS - 1);
        weigh_kind(shorter[i], &told);
    }
    conclude(
        "with no read and no EAGAIN in between, edge told of the second chunk on %d of %d kinds "
        "of descriptors (pipes: %d of 1)",
        again_on, kinds, told.edge[2]);
}
