/*
 * D13 udp-1472
 *
 * Claim: Give sendto() at most 576 bytes for UDP over the Internet, and at most 1472 in a LAN: then
 * no packet is fragmented.
 *
 * Believed because: Ethernet carries 1500 bytes, and 1500 - 20 (IPv4) - 8 (UDP) = 1472.  RFC 791
 * wants every host to accept 576.  The two numbers are then handed on as if they were of a kind.
 *
 * Experiment: In a network namespace of its own the loopback device gets an mtu of 1500, then of
 * 576.  Fragments are forbidden (IP_PMTUDISC_DO), so what would need them fails with EMSGSIZE.
 * 1472 is right if it is the largest payload that still goes, 576 if it goes.
 *
 * Detail: 576 is the whole IP datagram, with the headers: 548 bytes are left, 508 where the IP
 * header has all its options.  And it is what a host must accept, whole or in fragments: no promise
 * that none will be made on the way.
 *
 * Read on: RFC 791, section 3.1, Total Length; RFC 8085, section 3.2; ip(7), IP_MTU_DISCOVER;
 * net/ipv4/ip_output.c, __ip_append_data().  With IPv6 the header has 40 bytes: 1452.
 */
#include <err.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "children.h"
#include "claim.h"
#include "setup.h"

enum { ETHERNET = 1500, EVERY_HOST = 576, LAN = 1472, INTERNET = 576, MOST = 65535 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

struct seen {
    int refused; /* why there is no namespace to try it in; 0: there is one */
    int lan, internet, whole;
};

static struct seen *seen; /* shared with the child */

static bool set_mtu(int mtu)
{
    struct ifreq device = {.ifr_name = "lo", .ifr_mtu = mtu};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool set = fd >= 0 && ioctl(fd, SIOCSIFMTU, &device) == 0;
    device.ifr_flags = IFF_UP;
    return set && ioctl(fd, SIOCSIFFLAGS, &device) == 0;
}

/* The largest payload that goes: without fragments, or with as many as it needs. */
static int largest(int fragments)
{
    static const char data[MOST];
    int fd = open_udp_pair().other, bytes = MOST;
    if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &fragments, sizeof fragments) < 0)
        err(1, "IP_MTU_DISCOVER");
    while (send(fd, data, (size_t)bytes, 0) < 0) {
        if (errno != EMSGSIZE || bytes == 0)
            err(1, "sending %d bytes by UDP", bytes);
        bytes--;
    }
    return bytes;
}

static void measure(void)
{
    bool own = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    if (!own || !set_mtu(ETHERNET)) {
        seen->refused = errno;
        return;
    }
    seen->lan = largest(IP_PMTUDISC_DO);
    seen->whole = largest(IP_PMTUDISC_DONT);
    if (!set_mtu(EVERY_HOST))
        err(1, "an mtu of %d", EVERY_HOST);
    seen->internet = largest(IP_PMTUDISC_DO);
}

void try_claim(void)
{
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (seen == MAP_FAILED)
        err(1, "mmap");
    int status = in_child(measure, 10);
    if (seen->refused)
        not_applicable(
            "no network namespace of one's own is allowed here (%s): run it as root, or "
            "allow user namespaces (`sysctl user.max_user_namespaces` above 0, on Ubuntu "
            "kernel.apparmor_restrict_unprivileged_userns=0)",
            error_text(seen->refused));
    if (status)
        errx(1, "the child with its own network has failed: %s", end_text(status));

    observe_count("mtu 1500: largest payload without fragments", seen->lan,
                  supports_if(seen->lan == LAN), "the claim says 1472");
    observe_count("mtu 576: largest payload without fragments", seen->internet,
                  supports_if(seen->internet >= INTERNET),
                  "a payload of 576 would have to fit: the datagram has headers too");
    observe_count("largest payload of all", seen->whole, CONTEXT,
                  "IP would cut it into fragments, and put it together at the other end");
    conclude("%d bytes of payload go in one packet where the mtu is %d, %d where it is %d; with "
             "fragments up to %d go",
             seen->lan, ETHERNET, seen->internet, EVERY_HOST, seen->whole);
}
