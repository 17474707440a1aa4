#include "fake_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../loadgen/random.h"
#include "script.h"

struct fake fakes[FAKES];
struct ledger fake_counts;
unsigned fake_backlog;
int fake_limit;
bool fake_system_full, fake_starved, fake_stormy;

static bool armed;
static uint32_t streams;

enum { PERIOD = 65521 }; /* a prime: what is moved by a read or a page does not look the same */
static char noise[PERIOD + READ_BYTES];

void fake_begin(void)
{
    static bool filled;
    for (size_t i = 0; !filled && i < sizeof noise; i++)
        noise[i] = (char)random_mix(i % PERIOD);
    filled = true;
    memset(fakes, 0, sizeof fakes);
    fake_counts = (struct ledger){.magic = LEDGER_MAGIC};
    fake_backlog = 0;
    fake_limit = FAKES;
    fake_system_full = fake_starved = fake_stormy = false;
    streams = 0;
    armed = true;
}

void fake_end(void)
{
    armed = false;
}

void fake_stop(const char *fault)
{
    char why[320];
    snprintf(why, sizeof why, "%s (at byte %zu of the script)", fault, script_place());
    armed = false;
    model_failed(why);
}

int fake_fd(const struct fake *f)
{
    return FAKE_FIRST + (int)(f - fakes);
}

unsigned fake_reserves(void)
{
    unsigned reserves = 0;
    for (int i = 0; i < fake_limit; i++)
        reserves += fakes[i].open && !fakes[i].is_connection;
    return reserves;
}

void fake_turn_begins(struct fake *f)
{
    f->read = f->write = NOTHING;
    f->charged = f->reads = 0;
}

static const char *stream_at(const struct fake *f, uint64_t position)
{
    return &noise[(f->stream * 7919ULL + position) % PERIOD];
}

/* Only what is wanted wakes, as in the kernel; errors always do. */
static void wake(struct fake *f, bool write)
{
    f->queued = f->queued || f->wants_write == write;
}

void peer_sends(struct fake *f, size_t bytes)
{
    if (bytes == 0 || f->ended || f->reset || f->arrived - f->in + bytes > QUEUE_MAX)
        return;
    f->arrived += bytes;
    wake(f, false);
}

void peer_sends_urgent(struct fake *f, size_t before, size_t after)
{
    if (f->ended || f->reset || f->urgent)
        return;
    peer_sends(f, before);
    f->urgent = true;
    f->mark = f->arrived;
    wake(f, false);
    peer_sends(f, after);
}

void peer_takes(struct fake *f, size_t bytes)
{
    f->room = f->room + bytes < QUEUE_MAX ? f->room + bytes : QUEUE_MAX;
    if (f->waits_for_room)
        wake(f, true);
    f->waits_for_room = false;
}

void peer_ends(struct fake *f)
{
    f->ended = true;
    wake(f, false);
}

void peer_resets(struct fake *f)
{
    f->reset = f->queued = true;
}

struct readiness fake_ready(const struct fake *f)
{
    bool end = f->ended || f->reset;
    if (f->wants_write)
        return (struct readiness){.any = f->room > 0 || f->reset};
    return (struct readiness){.any = f->arrived > f->in || end || f->urgent,
                              .not_once = end || f->urgent};
}

void fake_want(struct fake *f, bool write)
{
    if (f->wants_write == write)
        return;
    f->wants_write = write;
    f->queued = f->queued || fake_ready(f).any;
}

/* The byte of the script that each call takes: it is interrupted, or the peer has just acted. */
static bool interrupted(struct fake *f)
{
    unsigned byte = script_byte();
    if (byte >= 240) {
        errno = EINTR;
        return true;
    }
    if (byte >= 224)
        peer_sends(f, script_size());
    else if (byte >= 208)
        peer_takes(f, script_size());
    else if (byte == 207)
        peer_ends(f);
    else if (byte == 206)
        peer_resets(f);
    else if (byte == 205)
        peer_sends_urgent(f, script_size(), script_size());
    return false;
}

static struct fake *connection_of(int fd, const char *call)
{
    int i = fd - FAKE_FIRST;
    require(i >= 0 && i < FAKES && fakes[i].open && fakes[i].is_connection,
            "calls %s of %d, which is no open connection", call, fd);
    return &fakes[i];
}

static ssize_t fail_with(enum outcome *outcome, int error)
{
    *outcome = error == EAGAIN ? WOULD_BLOCK : FAILED;
    fake_counts.eagain += error == EAGAIN;
    errno = error;
    return -1;
}

static ssize_t hand_over(struct fake *f, char *to, size_t bytes)
{
    require(f->charged < TURN_BYTES, "reads more in a turn than its budget");
    memcpy(to, stream_at(f, f->in), bytes);
    f->in += bytes;
    f->reads++;
    f->charged += bytes > READ_CHARGE ? (long)bytes : READ_CHARGE;
    f->read = bytes < READ_BYTES ? SHORT_DATA : DATA;
    fake_counts.bytes_in += bytes;
    peer_sends(f, f->flood_bytes);
    return (ssize_t)bytes;
}

/* Three whose definitions cannot be repeated (inline with _FORTIFY_SOURCE, a transparent union, an
 * argument only with O_CREAT) have other names here, and the same symbols. */
ssize_t fake_recv(int fd, void *to, size_t n, int flags) __asm__("recv");
int fake_accept4(int fd, struct sockaddr *address, const socklen_t *length,
                 int flags) __asm__("accept4");
int fake_open(const char *path, int flags, mode_t mode) __asm__("open");

ssize_t fake_recv(int fd, void *to, size_t n, int flags)
{
    struct fake *f = connection_of(fd, "recv");
    (void)flags;
    require(f->in == f->out, "reads while %zu bytes are pending", (size_t)(f->in - f->out));
    require(n == READ_BYTES, "reads %zu bytes", n);
    fake_counts.reads++;
    if (interrupted(f))
        return -1;
    if (f->urgent && f->mark == f->in)
        f->urgent = false; /* passed over */
    size_t queue = (size_t)((f->urgent ? f->mark : f->arrived) - f->in);
    if (queue > 0)
        return hand_over(f, to, queue < n ? queue : n);
    if (f->reset)
        return fail_with(&f->read, script_byte() % 2 ? ETIMEDOUT : ECONNRESET);
    if (!f->ended)
        return fail_with(&f->read, EAGAIN);
    f->read = PEER_ENDED;
    return 0;
}

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    struct fake *f = connection_of(fd, "send");
    require(flags & MSG_NOSIGNAL, "sends without MSG_NOSIGNAL");
    require(n > 0 && n <= f->in - f->out, "sends %zu bytes, and owes %zu", n,
            (size_t)(f->in - f->out));
    require(!memcmp(buf, stream_at(f, f->out), n), "sends other bytes than came");
    fake_counts.writes++;
    if (interrupted(f))
        return -1;
    if (f->reset)
        return fail_with(&f->write, script_byte() % 2 ? EPIPE : ECONNRESET);
    size_t taken = n < f->room ? n : f->room;
    f->waits_for_room = taken < n;
    if (taken == 0)
        return fail_with(&f->write, EAGAIN);
    f->room -= taken;
    f->out += taken;
    f->write = taken < n ? SHORT_DATA : DATA;
    fake_counts.bytes_out += taken;
    return (ssize_t)taken;
}

/* A free descriptor, the lowest, as in the kernel; -1: none, and errno says so. */
static int take_descriptor(bool is_connection)
{
    errno = fake_system_full ? ENFILE : EMFILE;
    for (int i = 0; i < fake_limit && !fake_system_full; i++) {
        if (fakes[i].open)
            continue;
        fakes[i] = (struct fake){.open = true, .is_connection = is_connection, .stream = streams++};
        return FAKE_FIRST + i;
    }
    return -1;
}

int fake_accept4(int fd, struct sockaddr *address, const socklen_t *length, int flags)
{
    static const int errors[] = {EINTR, ECONNABORTED, ENOBUFS, ENOMEM, EPROTO, ENETDOWN};
    (void)address;
    (void)length;
    require(fd == FAKE_LISTENER, "accepts from %d", fd);
    require(flags == (SOCK_NONBLOCK | SOCK_CLOEXEC), "accepts with flags %x", (unsigned)flags);
    unsigned byte = script_byte();
    if (byte >= 240) {
        errno = errors[byte % (sizeof errors / sizeof *errors)];
        fake_starved = fake_starved || errno == ENOBUFS || errno == ENOMEM;
        fake_stormy = true;
        return -1;
    }
    int taken = take_descriptor(true);
    fake_starved = fake_starved || taken < 0;
    fake_stormy = fake_stormy || fake_system_full;
    if (taken >= 0 && fake_backlog == 0) {
        fakes[taken - FAKE_FIRST].open = false;
        errno = EAGAIN;
        return -1;
    }
    if (taken < 0)
        return -1;
    fake_backlog--;
    fake_counts.accepts++;
    fakes[taken - FAKE_FIRST].room = script_size();
    if (byte >= 200) /* it has not waited for us */
        peer_sends(&fakes[taken - FAKE_FIRST], script_size());
    return taken;
}

int close(int fd)
{
    int i = fd - FAKE_FIRST;
    if (!armed || i < 0 || i >= FAKES)
        return (int)syscall(SYS_close, fd);
    require(fakes[i].open, "closes %d twice", fd);
    fakes[i].open = false;
    return 0;
}

int fake_open(const char *path, int flags, mode_t mode)
{
    if (armed && !strcmp(path, "/dev/null"))
        return take_descriptor(false);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* The core rests when the whole system is out of descriptors.  Nobody waits for it here. */
int usleep(useconds_t useconds)
{
    (void)useconds;
    return 0;
}
