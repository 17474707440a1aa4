/*
 * Broken on purpose: SIGPIPE is not thought of.
 *
 * Who sends to a connection that its peer has reset gets EPIPE, and with it a signal that ends the
 * process: one impolite client takes the server away from all.  On a desk, where clients leave
 * politely, it never happens.  The cure is MSG_NOSIGNAL, or to ignore SIGPIPE.
 * Found by: resetter, deaf, standard_output_without_reader.
 */
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

/* In place of libc's: the core passes MSG_NOSIGNAL, main() ignores the signal; here neither. */
ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    (void)flags;
    signal(SIGPIPE, SIG_DFL);
    return write(fd, buf, n); /* the fault: the signal that may come with EPIPE */
}
