/*
 * A FUSE server on raw /dev/fuse.  The file is the root of a mount that is never attached anywhere:
 * nobody else sees it, and it is gone with its last descriptor.  A request is answered before the
 * call that caused it returns, and a write wakes the waiters before it is answered: so the counts
 * are exact.
 *
 * Its limit is that a process waits for the server without regard to signals.  So the server is
 * always there to answer: it leaves the terminal's group, and dies after its caller has closed its
 * descriptors, not before.  Killed, it takes the connection along, and all calls fail.  And the
 * kernel is told that close(2) needs no answer.
 */
#include "fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_MS = 10000 };

/* What the caller and the server share. */
struct page {
    _Atomic uint64_t polls;
    int mount_fd; /* the server's */
    bool serving;
    char why[200]; /* ... or else this */
};

struct request {
    struct fuse_in_header header;
    union {
        struct fuse_poll_in poll;
        struct fuse_read_in read;
        struct fuse_write_in write;
        char room[FUSE_MIN_READ_BUFFER - sizeof(struct fuse_in_header)];
    };
};

/* An open of the file, which may have several descriptors. */
struct handle {
    uint64_t kernel_handle; /* 0: never polled, so that nobody waits for it */
    bool ready;
};

static struct page *page;
static pid_t server, owner; /* a process that the owner forks has no server of its own */

/* The server's own. */
static int device;
static struct handle handles[FUSE_OPENS];
static uint64_t opens;

/* That nobody waits for the answer any more is no error. */
static void answer(const struct request *r, int error, void *body, size_t bytes)
{
    struct fuse_out_header header = {.unique = r->header.unique, .error = -error};
    struct iovec parts[] = {{&header, sizeof header}, {body, bytes}};
    header.len = (uint32_t)(sizeof header + bytes);
    (void)!writev(device, parts, bytes > 0 ? 2 : 1);
}

static void wake_waiters(const struct handle *h)
{
    struct {
        struct fuse_out_header header;
        struct fuse_notify_poll_wakeup_out body;
    } notice = {{.len = sizeof notice, .error = FUSE_NOTIFY_POLL}, {h->kernel_handle}};
    if (h->kernel_handle)
        (void)!write(device, &notice, sizeof notice);
}

static void answer_init(const struct request *r)
{
    struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION};
    answer(r, 0, &out, sizeof out);
}

static void answer_open(const struct request *r)
{
    struct fuse_open_out out = {.fh = opens, .open_flags = FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE};
    if (opens == FUSE_OPENS) {
        answer(r, ENFILE, NULL, 0);
        return;
    }
    opens++;
    answer(r, 0, &out, sizeof out);
}

static void answer_getattr(const struct request *r)
{
    struct fuse_attr_out out = {.attr = {.ino = FUSE_ROOT_ID, .nlink = 1, .mode = S_IFREG | 0600}};
    answer(r, 0, &out, sizeof out);
}

static void answer_poll(const struct request *r)
{
    struct handle *h = &handles[r->poll.fh];
    struct fuse_poll_out out = {.revents = POLLOUT | POLLWRNORM};
    if (h->ready)
        out.revents |= POLLIN | POLLRDNORM;
    h->kernel_handle = r->poll.kh;
    atomic_fetch_add(&page->polls, 1);
    answer(r, 0, &out, sizeof out);
}

static void answer_read(const struct request *r)
{
    struct handle *h = &handles[r->read.fh];
    uint64_t one = 1;
    if (h->ready)
        answer(r, 0, &one, r->read.size < sizeof one ? r->read.size : sizeof one);
    else
        answer(r, EAGAIN, NULL, 0);
    h->ready = false;
}

static void answer_write(const struct request *r)
{
    struct handle *h = &handles[r->write.fh];
    struct fuse_write_out out = {.size = r->write.size};
    h->ready = true;
    wake_waiters(h);
    answer(r, 0, &out, sizeof out);
}

/* All else gets ENOSYS.  FUSE_FLUSH is not sent again after that: close(2) will wait for nothing.
 * FUSE_RELEASE, FUSE_FORGET and FUSE_INTERRUPT do not care. */
static void (*const answers[])(const struct request *r) = {
    [FUSE_INIT] = answer_init, [FUSE_GETATTR] = answer_getattr, [FUSE_OPEN] = answer_open,
    [FUSE_POLL] = answer_poll, [FUSE_READ] = answer_read,       [FUSE_WRITE] = answer_write,
};

static void handle_request(const struct request *r)
{
    uint32_t opcode = r->header.opcode;
    if (opcode < sizeof answers / sizeof answers[0] && answers[opcode])
        answers[opcode](r);
    else
        answer(r, ENOSYS, NULL, 0);
}

static void serve(void)
{
    static struct request request;
    for (;;) {
        ssize_t bytes = read(device, &request, sizeof request);
        if (bytes > 0)
            handle_request(&request);
        else if (errno != EINTR && errno != EAGAIN && errno != ENOENT) /* ENOENT: taken back */
            return;
    }
}

static _Noreturn void refuse(const char *what, const char *hint)
{
    snprintf(page->why, sizeof page->why, "%s: %s: %s", what, strerror(errno), hint);
    _exit(1);
}

static bool write_map(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? -1 : write(fd, text, strlen(text));
    if (fd >= 0)
        close(fd);
    return bytes == (ssize_t)strlen(text);
}

/* The user is root there, and may mount. */
static bool enter_namespace(void)
{
    char uid_map[32], gid_map[32];
    snprintf(uid_map, sizeof uid_map, "0 %u 1", geteuid());
    snprintf(gid_map, sizeof gid_map, "0 %u 1", getegid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_map("/proc/self/setgroups", "deny") &&
           write_map("/proc/self/uid_map", uid_map) && write_map("/proc/self/gid_map", gid_map);
}

/* Without glibc's names for them: they are younger than the kernel's. */
static int open_file_system(void)
{
    return (int)syscall(SYS_fsopen, "fuse", FSOPEN_CLOEXEC);
}

static bool set_number(int fs, const char *key, unsigned value)
{
    char text[16];
    snprintf(text, sizeof text, "%u", value);
    return syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, text, 0) == 0;
}

static void mount_file(void)
{
    int fs = open_file_system();
    if (fs < 0 && errno == EPERM && enter_namespace())
        fs = open_file_system();
    if (fs < 0)
        refuse("fsopen of fuse",
               "needs Linux 5.2 with FUSE; run as root, or allow user namespaces");
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC); /* in the namespace that mounts */
    if (device < 0)
        refuse("/dev/fuse", "run as root, or `modprobe fuse` where it is missing");
    if (!set_number(fs, "fd", (unsigned)device) ||
        !set_number(fs, "rootmode", 100600) /* read as octal digits: S_IFREG | 0600 */ ||
        !set_number(fs, "user_id", geteuid()) || !set_number(fs, "group_id", getegid()) ||
        syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        refuse("mounting fuse", "run as root");
    page->mount_fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);
    if (page->mount_fd < 0)
        refuse("fsmount of fuse", "run as root");
    close(fs);
}

/* All cores but those that the caller is pinned to. */
static void leave_core(void)
{
    cpu_set_t cores, callers;
    if (sched_getaffinity(0, sizeof callers, &callers) < 0)
        return;
    memset(&cores, 0xff, sizeof cores);
    CPU_XOR(&cores, &cores, &callers);
    (void)sched_setaffinity(0, sizeof cores, &cores); /* EINVAL: there is no other */
}

static _Noreturn void run_server(pid_t caller, int started)
{
    dup2(started, STDERR_FILENO + 1);
    closefrom(STDERR_FILENO + 2); /* the caller's pipes must see their ends closed by it alone */
    setsid();                     /* Ctrl-C is for the caller */
    leave_core();
    mount_file();
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* not earlier: a namespace's new credentials clear it */
    if (getppid() != caller)
        _exit(1);
    page->serving = true;
    (void)!write(STDERR_FILENO + 1, "", 1); /* a caller that has gone will not miss it */
    serve();
    _exit(0);
}

static bool start_server(void)
{
    int started[2];
    pid_t caller = getpid();
    if (pipe2(started, O_CLOEXEC) < 0)
        return false;
    server = fork();
    if (server == 0)
        run_server(caller, started[1]);
    close(started[1]);
    owner = caller;
    struct pollfd sign = {.fd = started[0], .events = POLLIN};
    while (server > 0 && poll(&sign, 1, START_MS) < 0 && errno == EINTR)
        ;
    close(started[0]);
    return server > 0;
}

/* The first open waits until the file is there, the first close is the one that is answered. */
static bool try_file(void)
{
    int fd = fuse_open();
    return fd >= 0 && close(fd) == 0;
}

/* Not the old one: the process that forked this one may still count in it. */
static bool replace_page(void)
{
    if (page)
        munmap(page, sizeof *page);
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        page = NULL;
    return page;
}

bool fuse_start(char *why, size_t why_size)
{
    fuse_stop();
    if (!replace_page()) {
        snprintf(why, why_size, "no memory to share with the FUSE server: %s", strerror(errno));
        return false;
    }
    *page = (struct page){.why = "the FUSE server died, or did not start in 10 s"};
    if (!start_server())
        snprintf(page->why, sizeof page->why, "no process for FUSE: %s", strerror(errno));
    else if (page->serving && try_file())
        return true;
    else if (page->serving)
        snprintf(page->why, sizeof page->why, "opening the FUSE file: %s", strerror(errno));
    snprintf(why, why_size, "%s", page->why);
    fuse_stop();
    return false;
}

int fuse_open(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", server, page ? page->mount_fd : -1);
    return open(path, O_RDWR | O_CLOEXEC);
}

uint64_t fuse_polls(void)
{
    return page ? page->polls : 0;
}

void fuse_stop(void)
{
    if (owner != getpid())
        server = 0;
    if (server > 0)
        kill(server, SIGKILL);
    while (server > 0 && waitpid(server, NULL, 0) < 0 && errno == EINTR)
        ;
    server = 0;
}
