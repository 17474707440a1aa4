/*
 * D20 send-is-not-delivery
 *
 * Claim: send() returns although the data has not reached the receiver yet; when the kernel's
 * buffer is full it fails with EAGAIN.
 *
 * Believed because: send() copies into the socket's buffer, and that is all that its result tells.
 *
 * Experiment: One end of a TCP connection writes until EAGAIN, the other reads nothing.  Then each
 * kernel end is asked: how much waits unacknowledged at the sender (SIOCOUTQ), how much has come to
 * the receiver (FIONREAD)?  Wrong if nothing waits, or if all that was written has arrived.
 *
 * Read on: tcp(7), SIOCOUTQ; net/ipv4/tcp.c, tcp_sendmsg_locked() and tcp_ioctl().  That the other
 * program has it, only its answer can tell.
 */
#include <err.h>
#include <errno.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int ask(int fd, unsigned long what)
{
    int bytes;
    if (ioctl(fd, what, &bytes) < 0)
        err(1, "ioctl 0x%lx of a TCP socket", what);
    return bytes;
}

void try_claim(void)
{
    struct pair pair = open_pair(KIND_TCP);
    int epoll = epoll_instance();
    epoll_add(epoll, pair.other, EPOLLOUT | EPOLLET);
    size_t taken = fill_up(epoll, pair.other);
    int waiting = ask(pair.other, SIOCOUTQ), arrived = ask(pair.watched, FIONREAD);
    int error = write(pair.other, "x", 1) < 0 ? errno : 0;

    observe_count("bytes that write() has taken", (long long)taken, CONTEXT,
                  "taken without waiting for the receiver");
    observe_count("bytes unacknowledged at the sender", waiting, supports_if(waiting > 0),
                  "bytes in the sender's kernel after write() has returned");
    observe_count("bytes that have come to the receiver's kernel", arrived,
                  supports_if((size_t)arrived < taken), "its program has read none of them yet");
    observe_error("one more write()", error, supports_if(error == EAGAIN),
                  "EAGAIN: no room before the receiver reads");
    picture_bars("Where the bytes are while nobody reads", "MB");
    picture_bar(DONE, (double)taken / 1e6, "write() has taken");
    picture_bar(WRONG, waiting / 1e6, "wait at the sender");
    picture_bar(CAME, arrived / 1e6, "came to the receiver's kernel");
    conclude("of %zu bytes that write() took %d wait at the sender and %d have come to the "
             "receiver's kernel; one more write: %s",
             taken, waiting, arrived, error_text(error));
}
