/*
 * A14 event-carries-user-data
 *
 * Claim: epoll_wait() returns what the application has put into epoll_data: the descriptor, or a
 * buffer with the data that came.
 *
 * Believed because: a pointer is among the members of epoll_data, and other interfaces (IOCP,
 * io_uring) do fill a buffer.
 *
 * Experiment: 100 bytes come over TCP, twice.  One watch was added with a 64-bit number in data,
 * the other with a pointer to an empty buffer.  The same number and the same pointer confirm the
 * first part.  For the second part: are the bytes in the buffer afterwards, or still in the socket?
 *
 * Detail: epoll_data is a union.  If you set ptr and read fd, you get part of the pointer, which
 * may well be the number of a descriptor: here it would be 7 (little-endian).
 *
 * Read on: epoll_wait(2); epoll_ctl(2), the struct; fs/eventpoll.c, ep_send_events(), which copies
 * the number and knows nothing of its meaning.
 */
#include <err.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "claim.h"
#include "setup.h"

enum { BYTES = 100 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* The event of a socket that was added with this data, and has got its bytes since. */
static struct epoll_event reported(struct pair pair, epoll_data_t data)
{
    int epoll = epoll_instance();
    struct epoll_event answer;
    epoll_add_data(epoll, pair.watched, EPOLLIN, data);
    send_bytes(pair.other, BYTES);
    if (epoll_wait(epoll, &answer, 1, EVENT_MS) != 1)
        errx(1, "data that was sent did not arrive");
    return answer;
}

void try_claim(void)
{
    const uint64_t cookie = 0x7fff00000007;
    char buffer[BYTES] = {0}, empty[BYTES] = {0};
    int waiting = -1;
    struct pair one = open_pair(KIND_TCP), other = open_pair(KIND_TCP);
    epoll_data_t number = reported(one, (epoll_data_t){.u64 = cookie}).data;
    epoll_data_t pointer = reported(other, (epoll_data_t){.ptr = buffer}).data;
    bool filled = memcmp(buffer, empty, BYTES) != 0;
    if (ioctl(other.watched, FIONREAD, &waiting) < 0)
        err(1, "FIONREAD");

    observe_text("the number that came back", text("%#llx", (unsigned long long)number.u64),
                 supports_if(number.u64 == cookie),
                 text("%#llx was put in", (unsigned long long)cookie));
    observe_yes_no("the pointer came back", pointer.ptr == buffer,
                   supports_if(pointer.ptr == buffer), "yes: it is the one that was put in");
    observe_yes_no("the buffer was written to", filled, supports_if(filled),
                   "its bytes were zeros, those sent are not");
    observe_count("bytes still in the socket", waiting, weigh(waiting == 0, waiting == BYTES),
                  text("of %d that were sent: read() would get them", BYTES));
    observe_count("the number read as data.fd", number.fd, CONTEXT,
                  "the union's other members show a part of it");
    conclude(
        "%#llx came back as %#llx, the pointer %s; %d of %d bytes are still in the socket, the "
        "buffer is %s",
        (unsigned long long)cookie, (unsigned long long)number.u64,
        pointer.ptr == buffer ? "unchanged" : "changed", waiting, BYTES,
        filled ? "written to" : "untouched");
}
