/*
 * Broken on purpose: a struct sockaddr for an IPv6 address.
 *
 * struct sockaddr has 16 bytes, enough for IPv4; an IPv6 address needs 28, and struct
 * sockaddr_storage holds any.  The kernel fills in what fits; the rest of the address is whatever
 * was there before.  The server names another host than its own.
 * Found by: ipv6_client.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The server's main() asks here where it listens: the linker takes this for libc's getsockname. */
int ask_name(int fd, struct sockaddr *address, socklen_t *length) __asm__("getsockname");

int ask_name(int fd, struct sockaddr *address, socklen_t *length)
{
    struct sockaddr name; /* the fault: not every address fits into it */
    *length = sizeof name;
    if (syscall(SYS_getsockname, fd, &name, length) < 0)
        return -1;
    memcpy(address, &name, sizeof name);
    return 0;
}
