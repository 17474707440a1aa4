/*
 * Broken on purpose: urgent data is not thought of.
 *
 * A peer may send a byte with MSG_OOB.  TCP has no second channel: the byte has its place in the
 * stream, but unless SO_OOBINLINE is set the kernel takes it out, and an ordinary recv() never
 * returns it.  The echo is a byte short, and nobody has seen an error.
 * Found by: urgent.
 */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In place of libc's: main() asks for SO_OOBINLINE. */
int setsockopt(int fd, int level, int optname, const void *optval, socklen_t optlen)
{
    if (level == SOL_SOCKET && optname == SO_OOBINLINE)
        return 0; /* the fault: it stays off */
    return (int)syscall(SYS_setsockopt, fd, level, optname, optval, optlen);
}
