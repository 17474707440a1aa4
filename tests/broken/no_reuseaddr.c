/*
 * Broken on purpose: no SO_REUSEADDR.
 *
 * When a server ends before its clients, its side of their connections lingers in the kernel for a
 * minute or more, and still has the port.  Without SO_REUSEADDR on both the old and the new socket
 * the next server cannot bind: "Address already in use", although nobody listens there.
 * Found by: restart_with_a_live_connection.
 */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The server's main() asks for it; this stands in for libc's and forgets it. */
int setsockopt(int fd, int level, int optname, const void *optval, socklen_t optlen)
{
    if (level == SOL_SOCKET && optname == SO_REUSEADDR)
        return 0; /* the fault */
    return (int)syscall(SYS_setsockopt, fd, level, optname, optval, optlen);
}
