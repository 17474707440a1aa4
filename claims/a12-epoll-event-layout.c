/*
 * A12 epoll-event-layout
 *
 * Claim: struct epoll_event is { uint32_t events; epoll_data_t data; }, as epoll_ctl(2) prints it,
 * so any program or language binding can declare it like that.
 *
 * Believed because: that is how manual pages and books print it.  The attribute "packed" stands in
 * the header only.
 *
 * Experiment: Two descriptors are ready, and epoll_wait() writes into 64 bytes of 0xa5.  Find the
 * events and the data among them, and read the same bytes through the printed struct.  On x86-64
 * the real one is packed, so that 32-bit and 64-bit programs agree; elsewhere the printed one is
 * right.
 *
 * Read on: include/uapi/linux/eventpoll.h, EPOLL_PACKED; glibc's sys/epoll.h, __EPOLL_PACKED.
 */
#include <err.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { BYTES = 64, WORD = 4 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

struct printed {
    uint32_t events;
    epoll_data_t data;
};

static const uint64_t cookies[] = {0x1111111122222222, 0x3333333344444444};

_Static_assert(sizeof(epoll_data_t) == 8 && offsetof(struct epoll_event, events) == 0,
               "this libc has an epoll_event of its own");

/* Where it is, in bytes from the beginning; -1: nowhere. */
static int place_of(const unsigned char *bytes, const void *wanted, size_t size)
{
    const unsigned char *at = memmem(bytes, BYTES, wanted, size);
    return at ? (int)(at - bytes) : -1;
}

/* What the four bytes there belong to, when data begin at that byte of an event. */
static void draw_word(int lane, int at, int data, int event_bytes)
{
    int within = at % event_bytes;
    if (within == 0)
        picture_cell(lane, CAME, "events");
    else
        picture_cell(lane, within < data ? SILENT : DONE, within < data ? "gap" : "data");
}

static void draw(int data, int second)
{
    const int printed_data = offsetof(struct printed, data), printed_bytes = sizeof(struct printed);
    const char *const lanes[] = {"as printed", "as the kernel writes"};
    picture_lanes("Two events in memory, four bytes a box", 2, lanes);
    for (int at = 0; at < 2 * printed_bytes; at += WORD) {
        picture_column(text("%d", at));
        draw_word(0, at, printed_data, printed_bytes);
        if (at < 2 * second)
            draw_word(1, at, data, second);
    }
}

void try_claim(void)
{
    const uint32_t in = EPOLLIN;
    _Alignas(16) unsigned char bytes[BYTES];
    int epoll = epoll_instance(), right = 0;
    for (int i = 0; i < 2; i++)
        epoll_add_data(epoll, ready_counter(), EPOLLIN, (epoll_data_t){.u64 = cookies[i]});
    void *array = memset(bytes, 0xa5, BYTES);
    if (epoll_wait(epoll, array, 2, EVENT_MS) != 2)
        errx(1, "two ready eventfds were not reported");
    int events = place_of(bytes, &in, sizeof in);
    int data = place_of(bytes, &cookies[0], sizeof cookies[0]);
    int second = place_of(bytes, &cookies[1], sizeof cookies[1]) - data;
    for (int i = 0; i < 2; i++) {
        struct printed one;
        memcpy(&one, bytes + (size_t)i * sizeof one, sizeof one);
        right += one.events == EPOLLIN && one.data.u64 == cookies[i];
    }

    observe_count("events begin at byte", events, supports_if(events == 0), "0: first, as printed");
    observe_count("data begin at byte", data,
                  supports_if(data == (int)offsetof(struct printed, data)),
                  text("%zu by the printed struct", offsetof(struct printed, data)));
    observe_count("bytes to the second event", second,
                  supports_if(second == (int)sizeof(struct printed)),
                  text("%zu by the printed struct", sizeof(struct printed)));
    observe_count("events read correctly through the printed struct", right,
                  supports_if(right == 2), "of 2 that were written");
    observe_count("sizeof(struct epoll_event) of this libc", sizeof(struct epoll_event), CONTEXT,
                  "what a program that includes the header reckons with");
    if (data > 0 && second > 0)
        draw(data, second);
    conclude(
        "the kernel writes data at byte %d and the next event at %d, the printed struct has them "
        "at %zu and %zu: it reads %d of 2 events correctly",
        data, second, offsetof(struct printed, data), sizeof(struct printed), right);
}
