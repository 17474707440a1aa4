/*
 * A1 epoll-mmap
 *
 * Claim: epoll shares memory with user space through mmap, so events are not copied.
 *
 * Believed because: for a few days it was true.  The first epoll in a kernel (2.5.45, October 2002)
 * mapped its event buffer into the process "to avoid kernel to user space memory copy".
 *
 * Experiment: Fill an array with 0x5a, and make 16 watched descriptors ready.  A shared array would
 * be a mapping more in /proc/self/maps (shared, or of a file), an instance that can be mapped, or
 * events in an array that an earlier call has named, before the next one.  Then make the array
 * read-only: only a kernel that copies can fail with EFAULT.
 *
 * History: 2.5.46 (November 2002) removed the mmap, days after it had come, with Davide Libenzi's
 * patch ("[patch] total-epoll r2", linux-kernel, 2 November 2002).  Texts copy the sentence from
 * each other to this day.
 *
 * Read on: fs/eventpoll.c, ep_send_events(); include/linux/eventpoll.h, epoll_put_uevent(), which
 * copies one event; epoll_wait(2).
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { READY = 16, WATCHED = 900, PAGE = 16384 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* Mappings that are more than memory of this process alone: shared ones, and those of files. */
static int mappings(void)
{
    FILE *maps = open_proc("/proc/self/maps");
    char line[512], rights[5];
    unsigned long inode;
    int count = 0;
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%*s %4s %*s %*s %lu", rights, &inode) == 2)
            count += rights[3] == 's' || inode != 0;
    fclose(maps);
    return count;
}

static bool is_untouched(const unsigned char *bytes)
{
    for (int i = 0; i < PAGE; i++)
        if (bytes[i] != 0x5a)
            return false;
    return true;
}

static void *new_array(void)
{
    void *array = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (array == MAP_FAILED)
        err(1, "mmap");
    return memset(array, 0x5a, PAGE);
}

static void protect(void *array, int allowed)
{
    if (mprotect(array, PAGE, allowed) < 0)
        err(1, "mprotect");
}

void try_claim(void)
{
    need_descriptors(WATCHED + 50);
    struct epoll_event *array = new_array();
    int before = mappings(), epoll = epoll_instance(), fds[WATCHED];
    for (int i = 0; i < WATCHED; i++) {
        fds[i] = open_pair(KIND_EVENTFD).watched;
        epoll_add(epoll, fds[i], EPOLLIN);
    }
    int error = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, epoll, 0) == MAP_FAILED ? errno : 0;
    (void)epoll_wait(epoll, array, READY, 0); /* from here on the kernel knows the array */
    for (int i = 0; i < READY; i++)
        send_bytes(fds[i], 8);
    bool untouched = is_untouched((unsigned char *)array);
    protect(array, PROT_READ);
    int fault = epoll_wait(epoll, array, READY, 0) < 0 ? errno : 0;
    protect(array, PROT_READ | PROT_WRITE);
    int then = epoll_wait(epoll, array, READY, 0), gained = mappings() - before;

    observe_count("shared mappings, and mappings of files, gained", gained,
                  contradicts_if(gained == 0),
                  "a buffer shared with the kernel would be one mapping more");
    observe_error("mmap of the instance", error, weigh(error == 0, error == ENODEV),
                  "ENODEV is what a file without an mmap of its own answers");
    observe_yes_no("array untouched with 16 ready", untouched,
                   weigh(!untouched, untouched && then == READY),
                   "a shared array would hold the events as soon as they happen");
    observe_error("epoll_wait into a read-only array", fault,
                  weigh(fault == 0 && then == READY, fault == EFAULT),
                  "only a copy can fail at the page's protection");
    observe_count("events when it can be written again", then, CONTEXT,
                  "the failed copy has lost none");

    const char *const lanes[] = {"process", "its array", "kernel"};
    picture_lanes("Sixteen events, and when they reach the array", 3, lanes);
    picture_column("");
    picture_cell(0, DONE, "%d writes", READY);
    picture_cell(1, untouched ? SILENT : CAME, untouched ? "0x5a everywhere" : "events");
    picture_cell(2, CAME, "%d on the ready list", READY);
    picture_column("");
    picture_cell(0, DONE, "array read-only, epoll_wait");
    picture_cell(2, fault ? WRONG : CAME, "copy: %s", error_text(fault));
    picture_column("");
    picture_cell(0, DONE, "array writable, epoll_wait");
    picture_cell(1, then > 0 ? CAME : SILENT, "%d events", then);
    picture_cell(2, DONE, "copied");
    conclude(
        "%d new mappings, mmap of an instance: %s; with %d ready the array %s until epoll_wait "
        "copies into it (%s where it must not be written)",
        gained, error_text(error), READY, untouched ? "stays as it was" : "changes",
        error_text(fault));
}
