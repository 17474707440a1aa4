/*
 * B2 select-limit-kernel-compile
 *
 * Claim: The limit of select is fixed when the kernel is compiled.  To raise it, change the header
 * and build a new kernel.
 *
 * Believed because: the number stands in a system header, and it does not move however high the
 * limits of the process are.
 *
 * Experiment: Move an event counter to descriptor 5000, and hand select a bitmap of 8192 bits
 * instead of an fd_set.  It must not be found while it is idle.  Once it is ready, and poll says
 * so, a kernel with a limit of its own would refuse or ignore it; one without finds it.
 *
 * Read on: fs/select.c, core_sys_select(), which takes nfds down to the size of the process's table
 * of descriptors, and allocates bitmaps as large as they must be; select(2): "The Linux kernel
 * allows file descriptor sets of arbitrary size".
 */
#include <poll.h>
#include <sys/select.h>

#include "claim.h"
#include "setup.h"

enum { NUMBER = 5000 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

void try_claim(void)
{
    need_descriptors(NUMBER + 1);
    struct pair pair = open_pair(KIND_EVENTFD);
    int fd = duplicate_as(pair.watched, NUMBER);
    struct pollfd asked = {.fd = fd, .events = POLLIN};
    int idle = select_now(&fd, 1, fd + 1);
    send_bytes(pair.other, 8);
    int by_poll = poll(&asked, 1, 0), found = select_now(&fd, 1, fd + 1);
    bool is_shown = fd >= FD_SETSIZE && by_poll == 1 && idle <= 0;

    observe_count("descriptor", fd, CONTEXT, text("an fd_set ends at %d", FD_SETSIZE - 1));
    observe_count("idle: found by select", idle, CONTEXT, "0: select tells the two states apart");
    observe_count("ready: found by poll", by_poll, CONTEXT, "1: there is something to find");
    observe_count("ready: found by select, larger bitmap", found,
                  weigh(is_shown && found <= 0, is_shown && idle == 0 && found == 1),
                  "1: this kernel, as it is, has no such limit; minus an errno: it refuses");
    conclude(
        "select of descriptor %d alone, in a bitmap of %d bits, found %d while it was idle and "
        "%d when it was ready",
        fd, SELECT_BITS, idle, found);
}
