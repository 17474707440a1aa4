/*
 * A6 eventpoll-fs
 *
 * Claim: epoll registers a virtual file system of its own, and each epoll_create() creates a file
 * node in it.
 *
 * Believed because: it was so, and explanations of that source are copied to this day.
 *
 * Experiment: A file system of epoll's would be listed in /proc/filesystems.  Its files would be
 * named after it in /proc/self/fd, as those of pipefs are ("pipe:[4711]").  And two instances would
 * be two nodes, with an inode each.
 *
 * History: the file system was called eventpollfs.  2.6.22 (2007) put one anonymous inode in its
 * place, which all files without a name of their own share.
 *
 * Read on: fs/eventpoll.c, anon_inode_getfile("[eventpoll]", ...); fs/anon_inodes.c.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "claim.h"
#include "setup.h"

const enum verdict if_contradicted = HISTORICAL, if_mixed = PARTLY;

static bool has_file_system(const char *name)
{
    char line[256];
    bool found = false;
    FILE *systems = open_proc("/proc/filesystems");
    while (fgets(line, sizeof line, systems))
        found = found || strstr(line, name);
    fclose(systems);
    return found;
}

static struct stat node_of(int fd)
{
    struct stat node;
    if (fstat(fd, &node) < 0)
        err(1, "fstat");
    return node;
}

static const char *link_of(int fd)
{
    char link[256] = "";
    if (readlink(text("/proc/self/fd/%d", fd), link, sizeof link - 1) < 0)
        not_applicable("/proc/self/fd cannot be read (%s)", strerror(errno));
    return text("%s", link);
}

void try_claim(void)
{
    int one = epoll_instance(), other = epoll_instance();
    struct stat node = node_of(one), next = node_of(other);
    bool listed = has_file_system("eventpoll");
    bool shared = node.st_dev == next.st_dev && node.st_ino == next.st_ino;
    const char *link = link_of(one);

    observe_yes_no("eventpoll in /proc/filesystems", listed, supports_if(listed),
                   "a file system that is registered is listed there");
    observe_text("an instance in /proc/self/fd", link,
                 contradicts_if(strcmp(link, "anon_inode:[eventpoll]") == 0),
                 "the word before the colon is the file system's");
    observe_yes_no("one inode for two instances", shared, contradicts_if(shared),
                   "a node of its own would have a number of its own");
    conclude("%s eventpoll in /proc/filesystems; an instance is %s, and two of them have %s",
             listed ? "there is an" : "there is no", link,
             shared ? "the same inode" : "an inode each");
}
